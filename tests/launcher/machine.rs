//! `make machine NAME=…`: what the launcher says of a machine of `tests/machines`, unpacked into a directory that
//! stays, so that it can be changed by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tool that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "the words are this program's output")]

mod archive;

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    let [name, folder] = env::args().skip(1).collect::<Vec<_>>().try_into().expect("NAME DIR");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/machines/{name}.machine"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for line in text.lines().take_while(|line| line.starts_with('#')) {
        println!("{line}");
    }
    let machine = archive::Machine::parse(&text);
    let root = Path::new(&folder).join(&name);
    if root.exists() {
        fs::remove_dir_all(&root).unwrap();
    }
    machine.unpack(&root);
    let launcher = env::current_exe().unwrap().with_file_name("../prefill-launcher");
    for word in ["probe", "plan", "doctor"] {
        let variables: Vec<String> =
            machine.environment.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        let options: Vec<String> = machine.options.iter().map(|option| format!(" {option}")).collect();
        let (variables, options) = (variables.concat(), options.concat());
        println!("\n$ {variables}prefill-launcher {word} --sysroot {}{options}", root.display());
        let mut command = Command::new(&launcher);
        command.env_clear().envs(machine.environment.iter().cloned());
        command.arg(word).arg("--sysroot").arg(&root).args(&machine.options);
        command.status().expect("the launcher is built beside this program");
    }
}
