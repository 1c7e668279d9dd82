//! A list of devices, whoever reads it.

/// What a variable for devices says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Devices<'a> {
    /// `all`.
    All,
    /// All but some (`^`).
    Except,
    /// These.
    Only {
        /// Whether names are whole; else they are beginnings.
        exact: bool,
        /// One each.
        entries: Vec<Entry<'a>>,
    },
}

/// One device of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    /// Whether something stands behind a colon.
    pub(crate) numbered: bool,
    pub(crate) port: Option<u32>,
}

impl<'a> Devices<'a> {
    pub(super) fn only(exact: bool, list: &'a str) -> Self {
        let entry = |text: &'a str| {
            let mut parts = text.split(':');
            let name = parts.next().unwrap_or_default();
            let port = parts.next();
            Entry { name, numbered: port.is_some(), port: port.and_then(|port| port.parse().ok()) }
        };
        let entries = list.split(',').filter(|text| !text.is_empty()).map(entry).collect();
        Self::Only { exact, entries }
    }

    /// Those that are named.
    pub(crate) fn entries(&self) -> &[Entry<'a>] {
        match self {
            Self::Only { entries, .. } => entries,
            Self::All | Self::Except => &[],
        }
    }
}
