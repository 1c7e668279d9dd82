//! A stub in vLLM's place, which notes down what it was started with.

use crate::program::{Answer, launcher, run};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// A directory with a `vllm` in it that notes down words, environment, process and signals, and ends with 7.
pub(crate) struct Stub {
    pub(crate) folder: tempfile::TempDir,
}

const SCRIPT: &str = r#"#!/bin/sh
for word; do printf '%s\0' "$word"; done > "$STUB/words"
cat "/proc/$$/environ" > "$STUB/environment"
echo "$$ $PPID" > "$STUB/process"
for file in "/proc/$$/fd/"*; do readlink "$file"; done > "$STUB/files"
exit 7
"#;

impl Stub {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_program(&folder.path().join("vllm"), SCRIPT);
        Self { folder }
    }

    /// `prefill-launcher run WORDS`, on a machine without NICs unless the test says otherwise.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = launcher();
        command.arg("run").args(words).env("STUB", self.folder.path());
        command.env("PATH", format!("{}:/usr/bin:/bin", self.folder.path().display()));
        command.env("PREFILL_RDMA", "off");
        command
    }

    /// The same, with the flag in front of the words for vLLM.
    pub(crate) fn run(&self, words: &[&str]) -> Answer {
        let plan = format!("--plan-file={}", self.folder.path().join("plan.json").display());
        let words: Vec<&str> = std::iter::once(plan.as_str()).chain(words.iter().copied()).collect();
        run(&mut self.command(&words))
    }

    pub(crate) fn words(&self) -> Vec<String> {
        let bytes = fs::read(self.folder.path().join("words")).expect("vLLM was started");
        let words = bytes.split(|byte| *byte == 0).map(|word| String::from_utf8(word.to_vec()).unwrap());
        let mut words: Vec<String> = words.collect();
        words.pop();
        words
    }

    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let text = String::from_utf8(fs::read(self.folder.path().join("environment")).unwrap()).unwrap();
        let variables = text.split('\0').filter_map(|one| one.split_once('='));
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    pub(crate) fn started(&self) -> bool {
        self.folder.path().join("words").exists()
    }
}

pub(crate) fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
