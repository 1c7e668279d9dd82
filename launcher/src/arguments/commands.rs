//! What each command takes: one struct each, so that a flag of another command is unknown.

use super::options::{Said, one_of};
use super::run::{self, Arguments};
use super::words::{Machine, path, text};
use crate::failure::Failure;
use crate::log::Log;
use lexopt::Parser;
use prefill_core::environment::Environment;
use prefill_rdma::Options;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What to do.
pub(crate) enum Command {
    /// Print this text.
    Say(&'static str),
    /// `probe`
    Probe(Probe),
    /// `run`
    Run(Box<Arguments>),
    /// `explain`
    Explain(Explain),
    /// `install`
    Install(PathBuf),
    /// `plan`
    Plan(Plan),
    /// `doctor`
    Doctor(Doctor),
}

impl Command {
    /// Whether variables say something of what it does.
    pub(crate) fn reads_variables(&self) -> bool {
        !matches!(self, Self::Say(_) | Self::Install(_))
    }

    /// How it says what it does.
    pub(crate) fn log(&self) -> Log {
        match self {
            Self::Run(arguments) => Log { format: arguments.log },
            _ => Log::default(),
        }
    }
}

/// A command while its words are read.
pub(super) trait Takes {
    /// What it is called.
    const NAME: &'static str;
    /// Takes `flag` and, from the parser, its value; false where it is none of this command's.
    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Failure>;
    /// Takes a word that is no flag; gives it back where it is one too many.
    fn word(&mut self, word: OsString) -> Option<OsString> {
        Some(word)
    }
    /// The command, once all words are read.
    fn whole(self, environment: &Environment) -> Result<Command, Failure>;
}

/// `probe`
#[derive(Default)]
pub(crate) struct Probe {
    pub(crate) machine: Machine,
    pub(crate) json: bool,
    pub(crate) save: Option<PathBuf>,
    pub(crate) options: Options,
    said: Said,
}

impl Takes for Probe {
    const NAME: &'static str = "probe";

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
        match flag {
            "save" => self.save = Some(path(parser)?),
            "format" => self.json = json(parser, "table")?,
            _ => return Ok(looks(&mut self.machine, flag, parser)? || self.said.take(flag, parser)?),
        }
        Ok(true)
    }

    fn whole(mut self, environment: &Environment) -> Result<Command, Failure> {
        self.options = self.said.given(environment)?.options;
        Ok(Command::Probe(self))
    }
}

/// How `plan` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PlanFormat {
    /// One decision a line, with its reason.
    #[default]
    Text,
    /// `NAME=value` lines that a shell reads.
    Env,
    /// The whole plan.
    Json,
}

/// `plan`
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) machine: Machine,
    pub(crate) format: PlanFormat,
    pub(crate) wait: Duration,
    pub(crate) options: Options,
    said: Said,
}

impl Takes for Plan {
    const NAME: &'static str = "plan";

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
        if flag == "format" {
            self.format = match text(parser)?.as_str() {
                "text" => PlanFormat::Text,
                "env" => PlanFormat::Env,
                "json" => PlanFormat::Json,
                other => return Err(one_of("`--format`", other, "`text`, `env` or `json`")),
            };
            return Ok(true);
        }
        Ok(replays(&mut self.machine, flag, parser)?
            || self.said.wait(flag, parser)?
            || self.said.take(flag, parser)?)
    }

    fn whole(mut self, environment: &Environment) -> Result<Command, Failure> {
        probes_or_replays(&self.machine)?;
        let given = self.said.given(environment)?;
        (self.options, self.wait) = (given.options, given.wait.unwrap_or_default());
        Ok(Command::Plan(self))
    }
}

/// `doctor`
#[derive(Default)]
pub(crate) struct Doctor {
    pub(crate) machine: Machine,
    pub(crate) json: bool,
    pub(crate) options: Options,
    said: Said,
}

impl Takes for Doctor {
    const NAME: &'static str = "doctor";

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
        if flag == "format" {
            self.json = json(parser, "text")?;
            return Ok(true);
        }
        Ok(replays(&mut self.machine, flag, parser)? || self.said.take(flag, parser)?)
    }

    fn whole(mut self, environment: &Environment) -> Result<Command, Failure> {
        probes_or_replays(&self.machine)?;
        self.options = self.said.given(environment)?.options;
        Ok(Command::Doctor(self))
    }
}

/// `explain`
#[derive(Default)]
pub(crate) struct Explain {
    pub(crate) machine: Machine,
    plan_file: Option<PathBuf>,
    said: Said,
}

impl Takes for Explain {
    const NAME: &'static str = "explain";

    fn flag(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
        if flag == "plan-file" {
            self.plan_file = Some(path(parser)?);
            return Ok(true);
        }
        Ok(replays(&mut self.machine, flag, parser)? || self.said.take(flag, parser)?)
    }

    fn whole(self, environment: &Environment) -> Result<Command, Failure> {
        probes_or_replays(&self.machine)?;
        // What is wrong with them is said before a file is looked for.
        self.said.given(environment)?;
        Ok(Command::Explain(self))
    }
}

impl Explain {
    /// Where `run` left its plan.
    pub(crate) fn plan_file(&self) -> PathBuf {
        self.plan_file.clone().unwrap_or_else(|| PathBuf::from(run::PLAN_FILE))
    }

    /// The options of the `run` that had `flags` and came to `leader`, in this environment, so that only the machine
    /// can differ; what this command was given is said last.
    pub(crate) fn options(
        &self,
        flags: &[String],
        leader: Option<IpAddr>,
        environment: &Environment,
    ) -> Result<Options, Failure> {
        let own = self.said.given(&Environment::default())?.options.leader;
        let mut options = self.said.behind(flags).given(environment)?.options;
        // What `run` resolved decided over the variable.
        options.leader = own.or(leader).or(options.leader);
        Ok(options)
    }
}

/// `install`
#[derive(Default)]
pub(super) struct Install {
    directory: Option<PathBuf>,
}

impl Takes for Install {
    const NAME: &'static str = "install";

    fn flag(&mut self, _: &str, _: &mut Parser) -> Result<bool, Failure> {
        Ok(false)
    }

    fn word(&mut self, word: OsString) -> Option<OsString> {
        if self.directory.is_some() {
            return Some(word);
        }
        self.directory = Some(word.into());
        None
    }

    fn whole(self, _: &Environment) -> Result<Command, Failure> {
        self.directory
            .map(Command::Install)
            .ok_or_else(|| Failure::usage("`install` needs a directory", "`prefill-launcher install DIR`"))
    }
}

/// Flags of what looks at a machine.
fn looks(machine: &mut Machine, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
    match flag {
        "sysroot" => machine.sysroot = Some(path(parser)?),
        "ibverbs" => machine.ibverbs = Some(path(parser)?),
        _ => return Ok(false),
    }
    Ok(true)
}

/// Flags of what looks at a machine, or at what a probe of one wrote.
fn replays(machine: &mut Machine, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
    if flag == "inventory" {
        machine.inventory = Some(path(parser)?);
        return Ok(true);
    }
    looks(machine, flag, parser)
}

fn probes_or_replays(machine: &Machine) -> Result<(), Failure> {
    if machine.inventory.is_some() && (machine.sysroot.is_some() || machine.ibverbs.is_some()) {
        let message = "`--inventory` replays a probe, so it stands without `--sysroot` and `--ibverbs`";
        return Err(Failure::usage(message, "leave one of them out"));
    }
    Ok(())
}

fn json(parser: &mut Parser, other: &str) -> Result<bool, Failure> {
    match text(parser)?.as_str() {
        "json" => Ok(true),
        found if found == other => Ok(false),
        found => Err(one_of("`--format`", found, &format!("`{other}` or `json`"))),
    }
}
