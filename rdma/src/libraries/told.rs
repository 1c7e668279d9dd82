//! What the user has told a library about GIDs already. What a user set stays; the rest is judged with it.

use super::nccl::{self, NcclRule};
use super::range::Range;
use super::{Index, Library};
use crate::inventory::{Family, Gid, GidType};
use prefill_core::environment as env;
use prefill_core::environment::Environment;

/// The variables by which NCCL, or NVSHMEM, is told.
pub(crate) struct Names {
    pub(crate) index: &'static str,
    pub(crate) family: &'static str,
    pub(crate) version: &'static str,
    pub(crate) range: &'static str,
}

pub(crate) const NCCL: Names = Names {
    index: env::NCCL_IB_GID_INDEX,
    family: env::NCCL_IB_ADDR_FAMILY,
    version: env::NCCL_IB_ROCE_VERSION_NUM,
    range: env::NCCL_IB_ADDR_RANGE,
};
pub(crate) const NVSHMEM: Names = Names {
    index: env::NVSHMEM_IB_GID_INDEX,
    family: env::NVSHMEM_IB_ADDR_FAMILY,
    version: env::NVSHMEM_IB_ROCE_VERSION_NUM,
    range: env::NVSHMEM_IB_ADDR_RANGE,
};

/// What the user has told a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
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
    pub(crate) fn of(library: Library, environment: &Environment) -> Self {
        let inherited = library != Library::Nccl && nccl::index_for_all(environment).is_some();
        match environment.get(library.index_variable()).map(|text| library.index(text)) {
            Some(Index::Automatic) => return Self::Automatic,
            Some(Index::At(_) | Index::Unreadable) => return Self::Index,
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
pub(crate) fn rule(names: &Names, environment: &Environment, best: &Gid, range: Option<Range>) -> NcclRule {
    let user = |name: &str| environment.get(name).map(str::trim);
    NcclRule {
        ipv6: user(names.family).map_or(best.family() != Family::Ipv4, |family| family == "AF_INET6"),
        version: match user(names.version) {
            Some("1") => GidType::V1,
            Some(_) => GidType::V2,
            None => best.kind.unwrap_or(GidType::V2),
        },
        range: user(names.range).map_or(range, Range::parse),
    }
}
