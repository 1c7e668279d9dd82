//! The libraries, a room each: how it reads its variables, what it chooses by itself, what it bears. Nobody else
//! reads `^`, `=`, `all` or a port behind a colon; a variable is set only where the library's own choice would be wrong.

pub(crate) mod gloo;
pub(crate) mod interfaces;
pub(crate) mod list;
mod names;
pub(crate) mod nccl;
pub(crate) mod nvshmem;
pub(crate) mod range;
pub(crate) mod told;
pub(crate) mod ucx;

use list::Devices;
use prefill_core::environment as env;

/// A library that uses HCAs and chooses GIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// NCCL.
    Nccl,
    /// NVSHMEM.
    Nvshmem,
    /// UCX, and so NIXL.
    Ucx,
}

/// What a variable for the index of GIDs says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    /// The library is to choose.
    Automatic,
    /// This one.
    At(u32),
    /// Nothing that is understood.
    Unreadable,
}

impl Library {
    pub(crate) const ALL: [Self; 3] = [Self::Nccl, Self::Nvshmem, Self::Ucx];

    /// The variable for its HCAs.
    pub(crate) const fn list_variable(self) -> &'static str {
        match self {
            Self::Nccl => env::NCCL_IB_HCA,
            Self::Nvshmem => env::NVSHMEM_HCA_LIST,
            Self::Ucx => env::UCX_NET_DEVICES,
        }
    }

    /// The variable for the index of its GIDs.
    pub(crate) const fn index_variable(self) -> &'static str {
        match self {
            Self::Nccl => env::NCCL_IB_GID_INDEX,
            Self::Nvshmem => env::NVSHMEM_IB_GID_INDEX,
            Self::Ucx => env::UCX_IB_GID_INDEX,
        }
    }

    /// What says in that variable that it is to choose.
    pub(crate) const fn automatic(self) -> &'static str {
        match self {
            Self::Nccl | Self::Nvshmem => "-1",
            Self::Ucx => "auto",
        }
    }

    /// How it reads that variable.
    pub(crate) fn index(self, text: &str) -> Index {
        let word = text.trim();
        // NCCL and NVSHMEM take any negative number so (`ncclIbGetGidIndex` asks for one from 0).
        let negative = || self != Self::Ucx && word.parse().is_ok_and(|number: i64| number < 0);
        if word == self.automatic() || negative() {
            return Index::Automatic;
        }
        word.parse().map_or(Index::Unreadable, Index::At)
    }

    /// How it reads its list.
    pub(crate) fn devices(self, text: &str) -> Devices<'_> {
        match self {
            Self::Nccl => nccl::devices(text),
            Self::Nvshmem => nvshmem::devices(text),
            Self::Ucx => ucx::devices(text),
        }
    }
}
