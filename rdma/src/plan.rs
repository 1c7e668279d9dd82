//! What was decided about NICs, and why. `plan --format json` is this page.

use crate::inventory::LinkLayer;
use crate::libraries::Library;
use serde::Serialize;
use std::net::IpAddr;

/// What was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Why nothing was looked for; none where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
    /// Ports that are used.
    pub kept: Vec<Kept>,
    /// Ports and devices that are not.
    pub excluded: Vec<Excluded>,
    /// Variables that were decided about.
    pub variables: Vec<Variable>,
    /// What else was seen.
    pub notes: Vec<String>,
    /// What may go wrong.
    pub warnings: Vec<Warning>,
    /// Expected ports that are missing, each with its reason; more cannot be waited for.
    pub missing: Vec<String>,
    /// Why this pod must not start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A port that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Device.
    pub device: String,
    /// Number of the port.
    pub port: u32,
    /// What the link speaks.
    pub link_layer: LinkLayer,
    /// The GID that the libraries are to use; none on InfiniBand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<ChosenGid>,
    /// Why.
    pub reason: String,
}

/// The GID that the libraries are to use on one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChosenGid {
    /// Its place in the table.
    pub index: u32,
    /// Its address.
    pub address: IpAddr,
    /// Its interface, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netdev: Option<String>,
}

/// A port or device that is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Excluded {
    /// Device.
    pub device: String,
    /// Number of the port; none where the reason is the device's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u32>,
    /// The rule that excluded it.
    pub rule: Rule,
    /// Why.
    pub reason: String,
}

/// Why something is not used, in the order in which it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// This pod cannot open the device.
    NotOpenable,
    /// The SR-IOV device plugin gave the pod other functions.
    NotAllocated,
    /// iWARP, EFA, usNIC, or software.
    Kind,
    /// `--rdma-include` names others.
    NotIncluded,
    /// `--rdma-exclude` names it.
    Excluded,
    /// `--rdma-functions` asks for the other kind of PCI function.
    Function,
    /// The port is not ACTIVE.
    NotActive,
    /// No GID of a RoCE port counts.
    NoGid,
    /// A front-end NIC, while others remain.
    FrontEnd,
    /// Another link layer than the rails'.
    LinkLayer,
    /// Slower than the rails.
    Slower,
    /// No GID of the family that the others have.
    Family,
    /// Its GID index differs, and nothing else can express that.
    Index,
}

/// What may go wrong. In JSON it is its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Warning {
    /// What it is about; `doctor` has a code, a severity and a remedy for each.
    pub concern: Concern,
    /// What was found.
    pub text: String,
}

impl Warning {
    pub(super) fn new(concern: Concern, text: impl Into<String>) -> Self {
        Self { concern, text: text.into() }
    }
}

impl From<Warning> for String {
    fn from(warning: Warning) -> Self {
        warning.text
    }
}

/// What a warning is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// `KSERVE_INFER_ROCE` says something else than `--rdma`, or nothing that is known.
    Switch,
    /// The addresses of this network namespace could not be read.
    AddressesUnknown,
    /// A port has link-local GIDs only.
    LinkLocalOnly,
    /// Only RoCE v1 GIDs are left.
    VersionOne,
    /// The libraries choose wrong GIDs, and nothing can tell them.
    WrongChoice,
    /// A port that works is left out, because it cannot be used together with the others.
    LeftOut,
    /// A port is slower than its model is elsewhere.
    Degraded,
    /// There are more ports than this library takes.
    TooMany(Library),
    /// The user's GID index is no number.
    IndexUnreadable,
    /// The user's GID index is wrong on a port.
    IndexWrong,
    /// The user's GID index is applied to an InfiniBand port.
    IndexOnInfiniBand,
    /// The user's list names a device that is not there.
    ListAbsent,
    /// The user's list names a device that cannot be used, or is not to be.
    ListUnusable {
        /// The variable.
        list: &'static str,
        /// The device.
        device: String,
    },
    /// The user's list selects more devices than it names.
    ListBeginning,
    /// What the user set leads a library to a wrong GID.
    Astray,
    /// The user's network for GIDs is none, or has no port's address in it.
    RangeEmpty,
    /// The user's prefix for NVSHMEM is not in a device's name.
    PrefixAbsent,
    /// Gloo is told an interface in another library's grammar.
    InterfaceGrammar,
    /// The user's interface is not there.
    InterfaceAbsent,
    /// The SR-IOV device plugin gave the pod a function that is not to be seen.
    FunctionAbsent,
    /// A pattern of the user's matches nothing.
    PatternIdle,
    /// libibverbs cannot be asked.
    LibraryMissing,
    /// There is no port that can be used.
    Nothing,
    /// An expected port is missing; [`Plan::missing`] has it too.
    Missing,
}

/// What was decided about one variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What was decided.
    #[serde(flatten)]
    pub decision: Decision,
    /// Why.
    pub reason: String,
}

/// What was decided about one variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "decision", content = "value")]
pub enum Decision {
    /// It is set to this.
    Set(String),
    /// The user set it to this.
    Kept(String),
    /// It is left unset: the library chooses.
    Withheld,
    /// It is there with nothing in it, which is no way to leave it unset, so it is taken away.
    Removed,
}

impl Plan {
    /// The variables that vLLM must not see.
    pub fn removed(&self) -> impl Iterator<Item = &'static str> {
        self.variables.iter().filter(|one| one.decision == Decision::Removed).map(|one| one.name)
    }

    /// The variables that vLLM gets in addition to what the user set, in order of decision.
    pub fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.variables.iter().filter_map(|variable| match &variable.decision {
            Decision::Set(value) => Some((variable.name, value.as_str())),
            Decision::Kept(_) | Decision::Withheld | Decision::Removed => None,
        })
    }
}
