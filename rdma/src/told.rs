//! What the user has told a library about GIDs already. What a user set stays; the rest is judged with it.

use super::libraries::{NcclRule, Network};
use super::users;
use crate::inventory::{Family, Gid, GidType};
use prefill_core::environment as env;
use prefill_core::environment::Environment;

/// A library that chooses GIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    Nccl,
    Nvshmem,
    Ucx,
}

/// The variables by which NCCL, or NVSHMEM, is told.
pub(super) struct Names {
    pub(super) index: &'static str,
    pub(super) family: &'static str,
    pub(super) version: &'static str,
    pub(super) range: &'static str,
}

pub(super) const NCCL: Names = Names {
    index: env::NCCL_IB_GID_INDEX,
    family: env::NCCL_IB_ADDR_FAMILY,
    version: env::NCCL_IB_ROCE_VERSION_NUM,
    range: env::NCCL_IB_ADDR_RANGE,
};
pub(super) const NVSHMEM: Names = Names {
    index: env::NVSHMEM_IB_GID_INDEX,
    family: env::NVSHMEM_IB_ADDR_FAMILY,
    version: env::NVSHMEM_IB_ROCE_VERSION_NUM,
    range: env::NVSHMEM_IB_ADDR_RANGE,
};

/// What the user has told a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing.
    Nothing,
    /// An index: it is used as it is.
    Index,
    /// To choose by itself (`-1`, `auto`).
    Automatic,
    /// Among what this variable leaves.
    Narrowed(&'static str),
}

impl Told {
    pub(super) fn of(library: Library, environment: &Environment) -> Self {
        let inherited = library != Library::Nccl && users::index_for_all(environment).is_some();
        let (index, automatic) = match library {
            Library::Nccl => (env::NCCL_IB_GID_INDEX, "-1"),
            Library::Nvshmem => (env::NVSHMEM_IB_GID_INDEX, "-1"),
            Library::Ucx => (env::UCX_IB_GID_INDEX, "auto"),
        };
        match environment.get(index).map(str::trim) {
            Some(value) if value == automatic => return Self::Automatic,
            Some(_) => return Self::Index,
            None => {}
        }
        let narrowing: &[&'static str] = match library {
            Library::Nccl => &[NCCL.range, NCCL.family, NCCL.version],
            Library::Nvshmem => &[NVSHMEM.range, NVSHMEM.family, NVSHMEM.version],
            Library::Ucx => &[env::UCX_IB_ROCE_SUBNETS],
        };
        match narrowing.iter().find(|name| environment.get(name).is_some()) {
            // UCX refuses an index beside its subnets.
            Some(name) if library == Library::Ucx || !inherited => Self::Narrowed(name),
            _ if inherited => Self::Index,
            _ => Self::Nothing,
        }
    }
}

/// How NCCL, or NVSHMEM, will choose: the user's words where there are any, else what the best GID needs.
pub(super) fn rule(names: &Names, environment: &Environment, best: &Gid, range: Option<Network>) -> NcclRule {
    let user = |name: &str| environment.get(name).map(str::trim);
    NcclRule {
        ipv6: user(names.family).map_or(best.family() != Family::Ipv4, |family| family == "AF_INET6"),
        version: match user(names.version) {
            Some("1") => GidType::V1,
            Some(_) => GidType::V2,
            None => best.kind.unwrap_or(GidType::V2),
        },
        range: user(names.range).map_or(range, Network::parse),
    }
}

/// The user's own networks for UCX.
pub(super) fn subnets(environment: &Environment) -> Vec<Network> {
    let list = environment.get(env::UCX_IB_ROCE_SUBNETS).unwrap_or_default();
    list.split(',').filter_map(Network::parse).collect()
}
