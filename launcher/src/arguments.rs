//! The command line: which command, and what it is given.

mod options;

use crate::failure::Failure;
use crate::log::Log;
use crate::probe::Source;
use crate::run;
use lexopt::{Arg, Parser, ValueExt};
pub(crate) use options::{FLAGS, misspelt, option, options_of};
use options::{one_of, variable, variables};
use prefill_core::contract::SUBCOMMAND;
use prefill_core::environment::Environment;
use prefill_rdma::Options;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What to do.
pub(crate) enum Command {
    /// Print this text.
    Say(&'static str),
    /// `probe`
    Probe { machine: Machine, json: bool, save: Option<PathBuf>, options: Options, environment: Environment },
    /// `run`
    Run { arguments: Box<run::Arguments>, environment: Environment },
    /// `explain`
    Explain { machine: Machine, plan_file: PathBuf, options: Options, environment: Environment },
    /// `install`
    Install(PathBuf),
    /// `plan`
    Plan { machine: Machine, format: PlanFormat, wait: Duration, options: Options, environment: Environment },
    /// `doctor`
    Doctor { machine: Machine, json: bool, options: Options, environment: Environment },
}

impl Command {
    /// What it read variables from; none where it read none.
    pub(crate) fn environment(&self) -> Option<&Environment> {
        match self {
            Self::Run { environment, .. }
            | Self::Explain { environment, .. }
            | Self::Probe { environment, .. }
            | Self::Doctor { environment, .. }
            | Self::Plan { environment, .. } => Some(environment),
            Self::Say(_) | Self::Install(_) => None,
        }
    }

    /// How it says what it does.
    pub(crate) fn log(&self) -> Log {
        match self {
            Self::Run { arguments, .. } => Log { format: arguments.log },
            _ => Log::default(),
        }
    }
}

/// What is looked at.
#[derive(Default)]
pub(crate) struct Machine {
    /// `--sysroot`
    pub(crate) sysroot: Option<PathBuf>,
    /// `--ibverbs`
    pub(crate) ibverbs: Option<PathBuf>,
    /// `--inventory`
    pub(crate) inventory: Option<PathBuf>,
}

impl Machine {
    /// Which libibverbs knows of it.
    pub(crate) fn source(&self) -> Source {
        match (&self.ibverbs, &self.sysroot) {
            (Some(path), _) => Source::At(path.clone()),
            (None, Some(_)) => Source::None,
            (None, None) => Source::Installed,
        }
    }
}

/// How `plan` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanFormat {
    /// One decision a line, with its reason.
    Text,
    /// `NAME=value` lines that a shell reads.
    Env,
    /// The whole plan.
    Json,
}

const HELP: &str = include_str!("help.txt");
const VERSION: &str = concat!("prefill-launcher ", env!("CARGO_PKG_VERSION"), "\n");
const COMMANDS: &str = "`run`, `probe`, `plan`, `doctor`, `explain` or `install`";
const HINT_HELP: &str = "`prefill-launcher --help` lists commands and flags";

/// This process's environment. What is not UTF-8 is nothing that the launcher reads.
pub(crate) fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Everything that was given, before the command is known to take it.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) machine: Machine,
    format: Option<String>,
    save: Option<PathBuf>,
    plan_file: Option<PathBuf>,
    directory: Option<PathBuf>,
    pub(crate) wait: Option<Duration>,
    pub(crate) options: Options,
}

/// The command that `words` ask for; the first of them is the program's own name.
pub(crate) fn read(
    words: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Command, Failure> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut given = Given::default();
    // The words behind `run` are the contract's and vLLM's: they have a grammar of their own.
    if let Some(rest) = words.get(2..).filter(|_| words.get(1).is_some_and(|word| word == SUBCOMMAND)) {
        let rest = utf8(rest)?;
        let flags: Vec<&str> =
            rest.iter().take_while(|word| *word != "--").filter_map(|word| name_of(word)).collect();
        if let Some(text) = flags.iter().find_map(|flag| said(flag)) {
            return Ok(Command::Say(text));
        }
        variables(&mut given, &flags, environment)?;
        let arguments = Box::new(run::read(&rest, given, environment)?);
        return Ok(Command::Run { arguments, environment: environment.clone() });
    }
    let mut parser = Parser::from_iter(words);
    let mut name: Option<String> = None;
    let mut seen: Vec<String> = Vec::new();
    while let Some(argument) = parser.next().map_err(|error| usage(&error))? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Say(HELP)),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Say(VERSION)),
            Arg::Long("sysroot") => given.machine.sysroot = Some(path(&mut parser)?),
            Arg::Long("ibverbs") => given.machine.ibverbs = Some(path(&mut parser)?),
            Arg::Long("inventory") => given.machine.inventory = Some(path(&mut parser)?),
            Arg::Long("plan-file") => given.plan_file = Some(path(&mut parser)?),
            Arg::Long("save") => given.save = Some(path(&mut parser)?),
            Arg::Long("format") => given.format = Some(text(&mut parser)?),
            Arg::Long(flag) if FLAGS.contains(&flag) => {
                let flag = flag.to_owned();
                let value = text(&mut parser)?;
                option(&mut given, &flag, &value, &format!("`--{flag}`"))?;
                seen.push(flag);
            }
            Arg::Value(word) if name.is_none() => name = Some(word.to_string_lossy().into_owned()),
            Arg::Value(word) if name.as_deref() == Some("install") && given.directory.is_none() => {
                given.directory = Some(word.into());
            }
            other => return Err(usage(&other.unexpected())),
        }
    }
    variables(&mut given, &seen.iter().map(String::as_str).collect::<Vec<_>>(), environment)?;
    match name.as_deref() {
        Some("probe") => probe(given, environment),
        Some("plan") => plan(given, environment),
        Some("explain") => {
            let plan_file = given.plan_file.unwrap_or_else(|| PathBuf::from(run::PLAN_FILE));
            let (machine, options) = (given.machine, given.options);
            Ok(Command::Explain { machine, plan_file, options, environment: environment.clone() })
        }
        Some("install") => match given.directory {
            Some(directory) => Ok(Command::Install(directory)),
            None => Err(Failure::usage("`install` needs a directory", "`prefill-launcher install DIR`")),
        },
        Some("doctor") => doctor(given, environment),
        Some(other) => {
            Err(Failure::usage(format!("there is no command `{other}`, expected {COMMANDS}"), HINT_HELP))
        }
        None => Err(Failure::usage(format!("no command was given, expected {COMMANDS}"), HINT_HELP)),
    }
}

fn probe(given: Given, environment: &Environment) -> Result<Command, Failure> {
    refuse(given.machine.inventory.is_some(), "--inventory", "`plan` and `doctor`")?;
    refuse(given.wait.is_some() && environment.get(&variable("rdma-wait")).is_none(), "--rdma-wait", "plan")?;
    let json = match given.format.as_deref() {
        None | Some("table") => false,
        Some("json") => true,
        Some(other) => return Err(one_of("`--format`", other, "`table` or `json`")),
    };
    let (machine, save, options) = (given.machine, given.save, given.options);
    Ok(Command::Probe { machine, json, save, options, environment: environment.clone() })
}

fn plan(given: Given, environment: &Environment) -> Result<Command, Failure> {
    probes_or_replays(&given)?;
    let format = match given.format.as_deref() {
        None | Some("text") => PlanFormat::Text,
        Some("env") => PlanFormat::Env,
        Some("json") => PlanFormat::Json,
        Some(other) => return Err(one_of("`--format`", other, "`text`, `env` or `json`")),
    };
    let (machine, options) = (given.machine, given.options);
    let wait = given.wait.unwrap_or_default();
    Ok(Command::Plan { machine, format, wait, options, environment: environment.clone() })
}

fn doctor(given: Given, environment: &Environment) -> Result<Command, Failure> {
    probes_or_replays(&given)?;
    let json = match given.format.as_deref() {
        None | Some("text") => false,
        Some("json") => true,
        Some(other) => return Err(one_of("`--format`", other, "`text` or `json`")),
    };
    let (machine, options) = (given.machine, given.options);
    Ok(Command::Doctor { machine, json, options, environment: environment.clone() })
}

/// What `plan` and `doctor` have in common: they look at a machine, or at what a probe of one wrote.
fn probes_or_replays(given: &Given) -> Result<(), Failure> {
    refuse(given.save.is_some(), "--save", "`probe`")?;
    let machine = &given.machine;
    if machine.inventory.is_some() && (machine.sysroot.is_some() || machine.ibverbs.is_some()) {
        let message = "`--inventory` replays a probe, so it stands without `--sysroot` and `--ibverbs`";
        return Err(Failure::usage(message, "leave one of them out"));
    }
    Ok(())
}

fn refuse(given: bool, flag: &str, commands: &str) -> Result<(), Failure> {
    let message = || format!("`{flag}` belongs to {commands}");
    if given { Err(Failure::usage(message(), HINT_HELP)) } else { Ok(()) }
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

fn usage(error: &lexopt::Error) -> Failure {
    let message = match error {
        lexopt::Error::UnexpectedOption(flag) => format!("there is no flag `{flag}`"),
        lexopt::Error::MissingValue { option: Some(flag) } => format!("`{flag}` needs a value"),
        lexopt::Error::UnexpectedValue { option, value } => {
            format!("`{option}` takes no value, but has `{}`", value.to_string_lossy())
        }
        lexopt::Error::UnexpectedArgument(word) => {
            format!("`{}` is one word too many", word.to_string_lossy())
        }
        other => other.to_string(),
    };
    Failure::usage(message, HINT_HELP)
}

fn path(parser: &mut Parser) -> Result<PathBuf, Failure> {
    parser.value().map(PathBuf::from).map_err(|error| usage(&error))
}

fn text(parser: &mut Parser) -> Result<String, Failure> {
    parser.value().and_then(ValueExt::string).map_err(|error| usage(&error))
}
