//! Running the real binary, and where the machines are.

use crate::archive::Machine;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the program answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// The launcher, with an empty environment.
pub(crate) fn launcher() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prefill-launcher"));
    command.env_clear();
    command
}

/// Runs it.
pub(crate) fn run(command: &mut Command) -> Answer {
    command.output().expect("the launcher starts").into()
}

/// A machine, unpacked.
pub(crate) struct Unpacked {
    pub(crate) machine: Machine,
    pub(crate) root: tempfile::TempDir,
}

impl Unpacked {
    pub(crate) fn new(text: &str) -> Self {
        let (machine, root) = (Machine::parse(text), tempfile::tempdir().expect("a directory"));
        machine.unpack(root.path());
        Self { machine, root }
    }

    pub(crate) fn named(name: &str) -> Self {
        let path = folder().join(format!("{name}.machine"));
        Self::new(
            &std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        )
    }

    /// `launcher WORD --sysroot …` with the machine's environment and flags.
    pub(crate) fn command(&self, word: &str) -> Command {
        let mut command = launcher();
        command.arg(word).arg("--sysroot").arg(self.root.path());
        let waits = |option: &&String| word == "plan" || !option.starts_with("--rdma-wait");
        command
            .args(self.machine.options.iter().filter(waits))
            .envs(self.machine.environment.iter().cloned());
        command
    }
}

/// Where the machines are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/machines")
}

/// The name and text of every machine.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder())
        .expect("tests/machines")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "machine"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a text"))
        })
        .collect();
    found.sort();
    found
}
