//! What a variable for interfaces says, once its library's grammar is read.

use crate::inventory::Interface;

/// What a variable for interfaces says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interfaces<'a> {
    /// Nothing that names one.
    Any,
    /// These.
    Only {
        /// Whether names are whole; else they are beginnings.
        exact: bool,
        /// One each.
        names: Vec<&'a str>,
    },
    /// It is written in another library's grammar.
    Unreadable,
}

impl<'a> Interfaces<'a> {
    /// The names that fit no interface.
    pub(super) fn absent(&self, interfaces: &[Interface]) -> Vec<&'a str> {
        let Self::Only { exact, names } = self else { return Vec::new() };
        let fits = |name: &str, one: &Interface| {
            if *exact { one.name == name } else { one.name.starts_with(name) }
        };
        let there = |name: &str| interfaces.iter().any(|one| fits(name, one));
        names.iter().copied().filter(|name| !there(name)).collect()
    }
}
