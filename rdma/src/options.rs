//! What the person who starts the launcher may say about NICs.

use super::plan::{Concern, Warning};
use crate::inventory::{Device, Inventory, Port};
use prefill_core::environment::{Environment, KSERVE_INFER_ROCE};
use std::net::IpAddr;
use wildmatch::WildMatch;

/// Everything that may be said.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--rdma`.
    pub rdma: Rdma,
    /// `--rdma-include`: nothing else is looked at, and no rule of thumb leaves these out.
    pub include: Vec<Pattern>,
    /// `--rdma-exclude`.
    pub exclude: Vec<Pattern>,
    /// `--rdma-functions`.
    pub functions: Functions,
    /// `--rdma-gids`.
    pub gids: GidScope,
    /// `--rdma-expect`.
    pub expect: Option<Expect>,
    /// `--ucx-tcp`.
    pub ucx_tcp: UcxTcp,
    /// `--leader-address`, or what the leader's name was resolved to.
    pub leader: Option<IpAddr>,
}

/// Whether NICs are looked for, and whether it is an error to find none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rdma {
    /// Use what is there.
    #[default]
    Auto,
    /// Fail where nothing can be used.
    Require,
    /// Look at nothing, set nothing.
    Off,
}

/// Which PCI functions are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Functions {
    /// Physical and virtual ones.
    #[default]
    Any,
    /// Physical ones.
    Physical,
    /// Virtual (SR-IOV) ones.
    Virtual,
}

/// Which GIDs count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GidScope {
    /// Those of this network namespace.
    #[default]
    Local,
    /// Those of any.
    Any,
}

/// How many ports must be usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// At least this many.
    Ports(u32),
    /// All that look like rails: of a model and link layer that is used.
    All,
}

/// Which TCP interfaces stand in `UCX_NET_DEVICES` beside the NICs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UcxTcp {
    /// Loopback: NIXL opens an endpoint to itself when it starts, and only TCP can always serve that. It
    /// reaches no other pod, so a fabric that does not work is seen at once instead of being slow.
    #[default]
    Loopback,
    /// The pod's own interface and loopback: where RDMA does not reach a peer, TCP does, slowly.
    Interface,
    /// None.
    None,
}

/// A glob (`*`, `?`) over a device's name, or over `name:port`.
#[derive(Clone, Debug)]
pub struct Pattern(WildMatch);

impl Options {
    /// Patterns that match nothing that is there: most likely written wrong.
    pub(super) fn idle_patterns(&self, inventory: &Inventory) -> Vec<Warning> {
        let flags = [("--rdma-include", &self.include), ("--rdma-exclude", &self.exclude)];
        let idle = |pattern: &&Pattern| {
            let mut ports = inventory
                .devices
                .iter()
                .flat_map(|device| device.ports.iter().map(move |port| (device, port)));
            !ports.any(|(device, port)| pattern.matches(device, port))
        };
        let all = flags
            .into_iter()
            .flat_map(|(flag, patterns)| patterns.iter().filter(idle).map(move |one| (flag, one)));
        all.map(|(flag, pattern)| {
            Warning::new(Concern::PatternIdle, format!("`{flag}`: `{}` matches no device here", pattern.0))
        })
        .collect()
    }
}

impl Pattern {
    /// The pattern that `text` is.
    pub fn new(text: &str) -> Self {
        Self(WildMatch::new(text))
    }

    /// Whether it names this port.
    pub fn matches(&self, device: &Device, port: &Port) -> bool {
        self.0.matches(&device.name) || self.0.matches(&format!("{}:{}", device.name, port.number))
    }
}

/// Whether to look for NICs, with the reason, and a warning where flag and variable contradict each other.
///
/// | `KSERVE_INFER_ROCE` | `auto` | `require` | `off` |
/// |---|---|---|---|
/// | unset | look | look | do not |
/// | `true` | look | look | do not, warn |
/// | `false` | do not | look, warn | do not |
/// | other | look, warn | look, warn | do not, warn |
pub fn look(rdma: Rdma, environment: &Environment) -> (Result<(), String>, Option<Warning>) {
    let variable = environment.get(KSERVE_INFER_ROCE);
    match (rdma, variable) {
        (Rdma::Off, None | Some("false")) => (Err("`--rdma=off`".to_owned()), None),
        (Rdma::Off, Some(value)) => {
            let warning = format!("`{KSERVE_INFER_ROCE}` is `{value}`, but `--rdma=off` decides");
            (Err("`--rdma=off`".to_owned()), Some(Warning::new(Concern::Switch, warning)))
        }
        (Rdma::Auto, Some("false")) => (Err(format!("`{KSERVE_INFER_ROCE}` is `false`")), None),
        (Rdma::Require, Some("false")) => {
            let warning = format!("`{KSERVE_INFER_ROCE}` is `false`, but `--rdma=require` decides");
            (Ok(()), Some(Warning::new(Concern::Switch, warning)))
        }
        (_, None | Some("true")) => (Ok(()), None),
        (_, Some(value)) => {
            let warning = format!(
                "`{KSERVE_INFER_ROCE}` is `{value}`, expected `true` or `false`; it is taken as unset"
            );
            (Ok(()), Some(Warning::new(Concern::Switch, warning)))
        }
    }
}
