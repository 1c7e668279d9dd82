//! The command line: which command, and what it is given.

mod commands;
mod options;
mod run;
mod words;

use crate::failure::Failure;
pub(crate) use commands::{Command, Doctor, Explain, Plan, PlanFormat, Probe};
use commands::{Install, Takes};
use lexopt::{Arg, Parser};
pub(crate) use options::misspelt;
use options::variables;
use prefill_core::contract::SUBCOMMAND;
use prefill_core::environment::Environment;
pub(crate) use run::{Arguments, Shown};
use std::ffi::OsString;
pub(crate) use words::Machine;
use words::{Given, HINT_HELP, usage};

const HELP: &str = include_str!("help.txt");
const VERSION: &str = concat!("prefill-launcher ", env!("CARGO_PKG_VERSION"), "\n");
const COMMANDS: &str = "`run`, `probe`, `plan`, `doctor`, `explain` or `install`";

/// This process's environment. What is not UTF-8 is nothing that the launcher reads.
pub(crate) fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The command that `words` ask for; the first of them is the program's own name, the second the command's.
pub(crate) fn read(
    words: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Command, Failure> {
    let mut parser = Parser::from_iter(words);
    let name = match parser.next().map_err(|error| usage(&error))? {
        Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Say(HELP)),
        Some(Arg::Long("version") | Arg::Short('V')) => return Ok(Command::Say(VERSION)),
        Some(Arg::Value(word)) => word.to_string_lossy().into_owned(),
        Some(flag) => {
            let flag = shown(&flag);
            return Err(Failure::usage(
                format!("no command stands before `{flag}`, expected {COMMANDS}"),
                HINT_HELP,
            ));
        }
        None => {
            return Err(Failure::usage(format!("no command was given, expected {COMMANDS}"), HINT_HELP));
        }
    };
    match name.as_str() {
        SUBCOMMAND => read_run(&mut parser, environment),
        "probe" => flags(&mut parser, environment, Probe::default()),
        "plan" => flags(&mut parser, environment, Plan::default()),
        "doctor" => flags(&mut parser, environment, Doctor::default()),
        "explain" => flags(&mut parser, environment, Explain::default()),
        "install" => flags(&mut parser, environment, Install::default()),
        other => {
            Err(Failure::usage(format!("there is no command `{other}`, expected {COMMANDS}"), HINT_HELP))
        }
    }
}

/// The words behind `run` are the contract's and vLLM's: they have a grammar of their own.
fn read_run(parser: &mut Parser, environment: &Environment) -> Result<Command, Failure> {
    let rest: Vec<OsString> = parser.raw_args().map_err(|error| usage(&error))?.collect();
    let rest = utf8(&rest)?;
    let flags: Vec<&str> =
        rest.iter().take_while(|word| *word != "--").filter_map(|word| name_of(word)).collect();
    if let Some(text) = flags.iter().find_map(|flag| said(flag)) {
        return Ok(Command::Say(text));
    }
    let mut given = Given::default();
    variables(&mut given, &flags, environment)?;
    Ok(Command::Run(Box::new(run::read(&rest, given, environment)?)))
}

/// Reads what stands behind the name of a command; what it does not take is refused.
fn flags<T: Takes>(
    parser: &mut Parser,
    environment: &Environment,
    mut command: T,
) -> Result<Command, Failure> {
    while let Some(argument) = parser.next().map_err(|error| usage(&error))? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP)),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Say(VERSION)),
            Arg::Long(flag) => {
                let flag = flag.to_owned();
                if !command.flag(&flag, parser)? {
                    return Err(foreign(T::NAME, &format!("--{flag}")));
                }
            }
            Arg::Short(letter) => return Err(foreign(T::NAME, &format!("-{letter}"))),
            Arg::Value(word) => {
                if let Some(word) = command.word(word) {
                    return Err(usage(&lexopt::Error::UnexpectedArgument(word)));
                }
            }
        }
    }
    command.whole(environment)
}

fn foreign(command: &str, flag: &str) -> Failure {
    Failure::usage(format!("`{command}` has no flag `{flag}`"), HINT_HELP)
}

fn shown(argument: &Arg<'_>) -> String {
    match argument {
        Arg::Long(flag) => format!("--{flag}"),
        Arg::Short(letter) => format!("-{letter}"),
        Arg::Value(word) => word.to_string_lossy().into_owned(),
    }
}

/// The words as text: what is not UTF-8 is no flag, and vLLM's own words are text too.
fn utf8(words: &[OsString]) -> Result<Vec<String>, Failure> {
    let text = |word: &OsString| {
        word.clone().into_string().map_err(|word| {
            Failure::usage(
                format!("`{}` is not UTF-8", word.to_string_lossy()),
                "write the argument in UTF-8",
            )
        })
    };
    words.iter().map(text).collect()
}

/// `--dry-run` is `dry-run`, `--rdma=off` is `rdma`.
fn name_of(word: &str) -> Option<&str> {
    let body = word.strip_prefix("--")?;
    Some(body.split_once('=').map_or(body, |(name, _)| name))
}

/// What `--help` and `--version` say.
fn said(flag: &str) -> Option<&'static str> {
    match flag {
        "help" => Some(HELP),
        "version" => Some(VERSION),
        _ => None,
    }
}
