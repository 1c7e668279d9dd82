//! What runs the program, as its first lines say. Installers write `#!/…/bin/python`, and where that would
//! be too long for the kernel or has a space in it, a few words that both a shell and Python can read.

use super::files::{beginning, quoted};
use super::program::{Check, check, search};
use crate::failure::Failure;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How much of the program is read: two lines with the longest paths there are.
const HEAD: u64 = 16 << 10;
/// How much of the first line the kernel reads (`BINPRM_BUF_SIZE`).
const KERNEL: usize = 256;
/// How uv writes "beside this script" for a venv that may be moved.
const BESIDE: &[u8] = br#""$(dirname -- "$(realpath -- "$0")")"/"#;

/// What runs the program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Interpreter {
    /// This Python.
    Python(PathBuf),
    /// The program is this instead of a Python script.
    Other(&'static str),
}

/// What runs `program`, where it and all that it needs to start is there.
pub(super) fn of(program: &Path, path: Option<&OsStr>) -> Result<Interpreter, Failure> {
    let Ok(head) = beginning(program, HEAD) else {
        return Ok(Interpreter::Other("which cannot be read"));
    };
    let Some(line) = head.strip_prefix(b"#!") else {
        if head.starts_with(b"\x7fELF") {
            return Ok(Interpreter::Other("a binary"));
        }
        // The C library would give it to a shell, which is not what anybody meant.
        let message =
            format!("{} is neither a script with `#!` in its first line nor a binary", quoted(program));
        return Err(
            Failure::not_executable(message).hint("install vLLM anew, or name its `vllm` with `--vllm=PATH`")
        );
    };
    let mut lines = line.splitn(3, |byte| *byte == b'\n');
    let line = trimmed(lines.next().unwrap_or_default());
    let second = lines.next().unwrap_or_default();
    let (word, argument) = match line.iter().position(|byte| is_blank(*byte)) {
        Some(end) => line.split_at(end),
        None => (line, &b""[..]),
    };
    if word.is_empty() {
        return Ok(Interpreter::Other("a shell script"));
    }
    if word.len() > KERNEL - 3 {
        let message = format!("{} cannot be executed: its first line is too long for Linux", quoted(program));
        return Err(Failure::not_executable(message).hint("install vLLM at a shorter path"));
    }
    let interpreter = there(program, bytes(word))?;
    match interpreter.file_name().map(OsStr::as_bytes).unwrap_or_default() {
        b"env" => environment(program, trimmed(argument), path),
        b"sh" | b"bash" | b"dash" => match handed_on(second, program) {
            Some(python) => there(program, python).map(named),
            None => Ok(Interpreter::Other("a shell script")),
        },
        _ => Ok(named(interpreter)),
    }
}

/// `#!/usr/bin/env python3`: the kernel gives all that follows as one word, which `-S` splits.
fn environment(program: &Path, argument: &[u8], path: Option<&OsStr>) -> Result<Interpreter, Failure> {
    let split = argument.strip_prefix(b"-S").or_else(|| argument.strip_prefix(b"--split-string="));
    let name = match split {
        Some(words) => words
            .split(u8::is_ascii_whitespace)
            .find(|word| !word.is_empty() && !word.contains(&b'='))
            .unwrap_or_default(),
        None => argument,
    };
    if name.is_empty() || name.starts_with(b"-") {
        return Ok(Interpreter::Other("a script that `env` runs"));
    }
    let name = Path::new(OsStr::from_bytes(name));
    if name.as_os_str().as_bytes().contains(&b'/') {
        return there(program, name.to_owned()).map(named);
    }
    search(path, name.as_os_str()).map(named).map_err(|nothing| {
        if let Some((found, reason)) = nothing.refused {
            return refused(program, &found, reason);
        }
        let message = format!("{} is run by {}, which is not on `PATH`", quoted(program), quoted(name));
        Failure::not_found(message).hint("add the directory of vLLM's Python to `PATH`")
    })
}

/// The Python to which a script hands itself on: `'''exec' "/a path/bin/python" "$0" "$@"`, which to Python
/// is the beginning of a string.
fn handed_on(line: &[u8], program: &Path) -> Option<PathBuf> {
    let rest = line.strip_prefix(b"'''exec' ")?;
    let Some(rest) = rest.strip_prefix(BESIDE) else {
        return first_word(rest).map(|word| bytes(&word));
    };
    let directory = fs::canonicalize(program).ok()?.parent()?.to_owned();
    Some(directory.join(bytes(&first_word(rest)?)))
}

/// The first word as a shell reads it; none where the shell would have to expand something.
fn first_word(line: &[u8]) -> Option<Vec<u8>> {
    let mut word = Vec::new();
    let mut quote = None;
    let mut rest = line.iter().copied();
    while let Some(byte) = rest.next() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(b'\''), _) => word.push(byte),
            (_, b'\\') => word.push(rest.next()?),
            (_, b'$' | b'`') => return None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b' ' | b'\t') => break,
            _ => word.push(byte),
        }
    }
    (quote.is_none() && !word.is_empty()).then_some(word)
}

/// The interpreter, where it can be executed.
fn there(program: &Path, interpreter: PathBuf) -> Result<PathBuf, Failure> {
    match check(&interpreter) {
        Check::Executable => Ok(interpreter),
        Check::Refused(reason) => Err(refused(program, &interpreter, reason)),
        Check::Missing => {
            let (script, shown) = (quoted(program), quoted(&interpreter));
            let message = match fs::read_link(&interpreter) {
                Ok(target) => {
                    format!("{script} is run by {shown}, a link to {}, which leads nowhere", quoted(&target))
                }
                Err(_) => format!("{script} is run by {shown}, which is not there"),
            };
            Err(Failure::not_found(message).hint(
                "a venv cannot be moved, nor copied without its Python: install vLLM where it is to run",
            ))
        }
    }
}

fn refused(program: &Path, interpreter: &Path, reason: &str) -> Failure {
    let message =
        format!("{} is run by {}, which cannot be executed: {reason}", quoted(program), quoted(interpreter));
    Failure::not_executable(message).hint("install vLLM with a Python that every user may execute")
}

fn named(interpreter: PathBuf) -> Interpreter {
    let name = interpreter.file_name().map(OsStr::as_bytes).unwrap_or_default();
    if name.starts_with(b"python") || name.starts_with(b"pypy") {
        Interpreter::Python(interpreter)
    } else {
        Interpreter::Other("a script that is not Python's")
    }
}

/// As the kernel trims: a carriage return stays, and belongs to the name in front of it.
fn trimmed(mut line: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = line
        && is_blank(*first)
    {
        line = rest;
    }
    while let [rest @ .., last] = line
        && is_blank(*last)
    {
        line = rest;
    }
    line
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn bytes(path: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(path))
}
