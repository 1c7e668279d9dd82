//! UCX: how it reads its variables, and which GID it takes by itself.
//!
//! Sources: UCX 1.18 to 1.22 `src/uct/ib/base/ib_device.c` (the choice), `src/ucp/core/ucp_context.c` (lists).

use super::list::Devices;
use super::range::Range;
use crate::inventory::{Family, Gid, GidType, Port};
use prefill_core::environment as env;
use prefill_core::environment::Environment;

/// It asserts on a longer list.
pub(crate) const MOST: usize = 64;

/// `[^]name:port,…`: whole names, of TCP interfaces too, or `all`.
pub(crate) fn devices(text: &str) -> Devices<'_> {
    if text.starts_with('^') {
        Devices::Except
    } else if text.split(',').any(|entry| entry == "all") {
        Devices::All
    } else {
        Devices::only(true, text)
    }
}

/// The transports that it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transports<'a> {
    /// All, or all but some (`^`).
    Any,
    /// These.
    Only(Vec<&'a str>),
}

impl<'a> Transports<'a> {
    /// What `UCX_TLS` says.
    pub(crate) fn of(environment: &'a Environment) -> Self {
        let Some(text) = environment.get(env::UCX_TLS).filter(|text| !text.starts_with('^')) else {
            return Self::Any;
        };
        let names: Vec<&str> = text.split(',').map(|name| name.trim().trim_start_matches('\\')).collect();
        if names.contains(&"all") { Self::Any } else { Self::Only(names) }
    }

    fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.iter().any(|name| fits(name)),
        }
    }

    pub(crate) fn has_rdma(&self) -> bool {
        self.any(|name| ["rc", "ud", "dc", "ib", "gga", "srd"].iter().any(|start| name.starts_with(start)))
    }

    pub(crate) fn has_tcp(&self) -> bool {
        self.any(|name| name == "tcp")
    }

    pub(crate) fn has_shared_memory(&self) -> bool {
        self.any(|name| ["sm", "shm", "mm", "sysv", "posix"].contains(&name))
    }
}

/// The user's transports, where none of them is RDMA.
pub(crate) fn without_rdma(environment: &Environment) -> Option<&str> {
    environment.get(env::UCX_TLS).filter(|_| !Transports::of(environment).has_rdma())
}

/// The index that UCX chooses: the first entry of the best kind; none where it drops the port, which it does
/// where entry 0 is empty, as far as that is `known`. Before 1.21 it does not tell link-local IPv6 from global. `subnets` is its own filter.
pub(crate) fn choose(port: &Port, known: bool, link_local_is_worse: bool, subnets: &[Range]) -> Option<u32> {
    let first = port.gids.iter().any(|gid| gid.index == 0 && gid.gid.segments()[4..] != [0; 4]);
    if known && !first {
        return None;
    }
    let rank = |gid: &&Gid| {
        let family = match gid.family() {
            Family::LinkLocal if !link_local_is_worse => Family::Ipv6,
            family => family,
        };
        (gid.kind != Some(GidType::V2), family, gid.index)
    };
    let allowed = |gid: &&Gid| subnets.is_empty() || subnets.iter().any(|subnet| subnet.has(gid));
    port.gids.iter().filter(allowed).min_by_key(rank).map(|gid| gid.index)
}

/// Whether UCX chooses `index` in every version that is about: 1.18 to 1.20, and 1.21 or newer.
pub(crate) fn chooses(port: &Port, known: bool, index: u32, subnets: &[Range]) -> bool {
    [false, true].into_iter().all(|worse| choose(port, known, worse, subnets) == Some(index))
}

/// The user's own networks for UCX.
pub(crate) fn subnets(environment: &Environment) -> Vec<Range> {
    let list = environment.get(env::UCX_IB_ROCE_SUBNETS).unwrap_or_default();
    list.split(',').filter_map(Range::parse).collect()
}
