//! What may be said of the machine and of its NICs, and how a flag's value is read.

use crate::failure::Failure;
use crate::probe::Source;
use lexopt::{Parser, ValueExt};
use prefill_rdma::Options;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const HINT_HELP: &str = "`prefill-launcher --help` lists commands and flags";

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

/// What may be said of the machine and of its NICs.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) machine: Machine,
    pub(crate) wait: Option<Duration>,
    pub(crate) options: Options,
}

pub(super) fn usage(error: &lexopt::Error) -> Failure {
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

pub(super) fn path(parser: &mut Parser) -> Result<PathBuf, Failure> {
    parser.value().map(PathBuf::from).map_err(|error| usage(&error))
}

pub(super) fn text(parser: &mut Parser) -> Result<String, Failure> {
    parser.value().and_then(ValueExt::string).map_err(|error| usage(&error))
}
