//! This pod's place in its group, as LeaderWorkerSet says.

use crate::environment::{Environment, LWS_GROUP_SIZE, LWS_WORKER_INDEX};
use std::fmt;

/// This pod's place in its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// `LWS_WORKER_INDEX`; none outside of a LeaderWorkerSet.
    pub index: Option<u32>,
    /// `LWS_GROUP_SIZE`.
    pub size: Option<u32>,
}

/// A variable of LeaderWorkerSet that is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupError {
    /// The variable.
    pub name: &'static str,
    /// What is in it.
    pub value: String,
    /// The least it may be.
    pub least: u32,
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is `{}`, expected a whole number from {}", self.name, self.value, self.least)
    }
}

impl std::error::Error for GroupError {}

impl Group {
    /// What the environment says.
    pub fn read(environment: &Environment) -> Result<Self, GroupError> {
        let number = |name: &'static str, least: u32| match environment.get(name) {
            None => Ok(None),
            Some(value) => match value.trim().parse() {
                Ok(number) if number >= least => Ok(Some(number)),
                _ => Err(GroupError { name, value: value.to_owned(), least }),
            },
        };
        Ok(Self { index: number(LWS_WORKER_INDEX, 0)?, size: number(LWS_GROUP_SIZE, 1)? })
    }

    /// Whether this pod is one of several, and not the first.
    pub fn is_worker(self) -> bool {
        self.index.is_some_and(|index| index > 0)
    }

    /// Whether this pod is one of several.
    pub fn has_others(self) -> bool {
        self.size.is_some_and(|size| size > 1) || self.is_worker()
    }
}
