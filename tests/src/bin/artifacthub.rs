//! Prints `artifacthub-pkg.yml`; with `--check FILE`, says in which lines FILE is out of date.

use prefill_conformance::artifacthub::{Metadata, created_at, differences, generate};
use prefill_conformance::corpus;
use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, fs};

const FILE: &str = "artifacthub-pkg.yml";
/// `EX_USAGE` of sysexits.h, as for the launcher.
const BAD_USAGE: u8 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (result, code) = match arguments[..] {
        [] => (print(), 1),
        ["--check", file] => (check(file), 1),
        _ => (Err("usage: artifacthub [--check FILE]".to_owned()), BAD_USAGE),
    };
    let Err(problem) = result else { return ExitCode::SUCCESS };
    // Where stderr is closed, the exit code still tells.
    let _ = writeln!(io::stderr(), "artifacthub: error: {problem}");
    ExitCode::from(code)
}

fn print() -> Result<(), String> {
    let metadata = Metadata::read(&source("policy/metadata.yml")?)?;
    // Before the first release there is no changelog, and before the first run no file.
    let [changelog, present] = ["CHANGELOG.md", FILE].map(|file| source(file).unwrap_or_default());
    let date = created_at(metadata.version()?, &changelog, &present)?;
    let text = generate(&metadata, &source("policy/questions-ui.yml")?, &date)?;
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("stdout: {error}"))
}

fn check(file: &str) -> Result<(), String> {
    let present = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let metadata = Metadata::read(&source("policy/metadata.yml")?)?;
    let wanted = generate(&metadata, &source("policy/questions-ui.yml")?, "any")?;
    let lines = differences(&wanted, &present);
    if lines.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{file}: differs from policy/metadata.yml and policy/questions-ui.yml; hint: write it anew, as its head says\n{}",
        lines.join("\n")
    ))
}

/// A file of the repository.
fn source(file: &str) -> Result<String, String> {
    fs::read_to_string(corpus::folder().join("..").join(file)).map_err(|error| format!("{file}: {error}"))
}
