//! Interfaces that the bootstraps are told: one judgement, for the plan and for `doctor`.

use super::names::Interfaces;
use super::{gloo, nccl, nvshmem};
use crate::inventory::Network;
use prefill_core::environment as env;
use prefill_core::environment::Environment;

/// What is wrong with one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault<'a> {
    pub(crate) name: &'static str,
    pub(crate) value: &'a str,
    pub(crate) kind: Kind<'a>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// Gloo is told in NCCL's grammar.
    Grammar,
    /// These are not there.
    Absent {
        names: Vec<&'a str>,
        /// Whether others that are named are there, which are enough for this library.
        others: bool,
    },
}

/// How a library reads the text.
type Read = for<'a> fn(&'a str) -> Interfaces<'a>;

/// What is wrong with what the user set. Where interfaces could not be read, none is missed.
pub(crate) fn faults<'a>(environment: &'a Environment, network: &Network) -> Vec<Fault<'a>> {
    let readers: [(&'static str, Read); 3] = [
        (env::NCCL_SOCKET_IFNAME, nccl::interfaces),
        (env::NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME, nvshmem::interfaces),
        (env::GLOO_SOCKET_IFNAME, gloo::interfaces),
    ];
    let fault = |(name, read): (&'static str, Read)| {
        let value = environment.get(name)?;
        let told = read(value);
        let kind = match &told {
            Interfaces::Any => return None,
            Interfaces::Unreadable => Kind::Grammar,
            Interfaces::Only { names: all, .. } => {
                let names = told.absent(network.interfaces.as_ref()?);
                let others = name != env::GLOO_SOCKET_IFNAME && names.len() < all.len();
                if names.is_empty() {
                    return None;
                }
                Kind::Absent { names, others }
            }
        };
        Some(Fault { name, value, kind })
    };
    readers.into_iter().filter_map(fault).collect()
}
