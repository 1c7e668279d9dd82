//! How the libraries come to use the right GID on every port: an index for all, or nothing, or a network
//! to choose from, or fewer ports. Never a vote.

use super::candidates::{Candidate, Selection};
use super::drivers;
use super::libraries::range::Range;
use super::libraries::told::{self, NCCL, NVSHMEM, Names, Told};
use super::libraries::{Library, nccl, ucx};
use super::plan::{Concern, Rule, Warning};
use crate::inventory::{Family, Gid, Inventory, Verbs};
use prefill_core::environment::Environment;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// How the libraries come to use the right GID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Addressing {
    /// Nothing is to be said about GIDs, for this reason.
    Nothing(String),
    /// Every port has its best GID at this index.
    Index(u32),
    /// The indices differ; each library chooses for itself, some among these networks only.
    Choose {
        /// For NCCL; none where it is right by itself.
        nccl: Option<Range>,
        /// For NVSHMEM.
        nvshmem: Option<Range>,
        /// For UCX; empty where it is right by itself.
        ucx: Vec<Range>,
        /// `mlx5_0:1 has 3, mlx5_1:1 has 5`.
        indices: String,
    },
}

/// Which libraries choose GIDs without a word of the user's, or of a plug-in's, and are there at all.
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub(super) struct Asks<'e> {
    pub(super) nccl: bool,
    pub(super) nvshmem: bool,
    pub(super) ucx: bool,
    pub(super) environment: &'e Environment,
    /// Whether the tables are whole: without libibverbs, an entry that sysfs hides looks empty.
    pub(super) known: bool,
}

impl<'e> Asks<'e> {
    pub(super) fn new(kept: &[Candidate<'_>], environment: &'e Environment, inventory: &Inventory) -> Self {
        let free = |library| Told::of(library, environment) == Told::Nothing;
        Self {
            nccl: free(Library::Nccl) && nccl::owner(environment).is_none(),
            nvshmem: free(Library::Nvshmem) && kept.iter().any(drivers::has_ibgda),
            ucx: free(Library::Ucx),
            environment,
            known: matches!(inventory.verbs, Verbs::Library(_)),
        }
    }
}

/// Decides, and leaves out the ports that cannot be reconciled with the others.
pub(super) fn settle(selection: &mut Selection<'_>, asks: &Asks<'_>) -> Addressing {
    let roce: Vec<&Candidate<'_>> = selection.kept.iter().filter(|candidate| candidate.by_gid()).collect();
    if roce.is_empty() {
        return Addressing::Nothing("InfiniBand ports address their peers by LID".to_owned());
    }
    if roce.iter().any(|candidate| candidate.best().is_some_and(|gid| gid.family() == Family::LinkLocal)) {
        let list =
            roce.iter().map(|candidate| format!("`{}`", candidate.label())).collect::<Vec<_>>().join(", ");
        let text = format!(
            "{list}: only link-local GIDs, which no router forwards; hint: give the interfaces an IPv4 or global IPv6 address"
        );
        selection.warnings.push(Warning::new(Concern::LinkLocalOnly, text));
        return Addressing::Nothing(
            "only link-local GIDs, which reach the same Ethernet segment only".to_owned(),
        );
    }
    let indices: BTreeSet<u32> = roce.iter().filter_map(|c| c.best()).map(|gid| gid.index).collect();
    let mixed = roce.len() != selection.kept.len();
    if let (Some(index), 1, false) = (indices.first(), indices.len(), mixed) {
        return Addressing::Index(*index);
    }
    let text = roce
        .iter()
        .filter_map(|candidate| Some(format!("`{}` has {}", candidate.label(), candidate.best()?.index)))
        .collect::<Vec<_>>()
        .join(", ");
    match choose(&roce, asks, text) {
        Some(addressing) => addressing,
        None if mixed => {
            selection.warnings.push(Warning::new(
                Concern::WrongChoice,
                "the libraries choose other GIDs than the best ones, and with an InfiniBand port no index can be set; hint: leave one kind of port out with `--rdma-exclude`",
            ));
            Addressing::Nothing("an InfiniBand port is used: an index would be applied to it too".to_owned())
        }
        None => leave_out_minority(selection),
    }
}

/// Each library by itself, or among a network; none where that does not give every port its best GID. A library
/// that the user has told something is not asked: nothing is left out for its sake.
fn choose(roce: &[&Candidate<'_>], asks: &Asks<'_>, indices: String) -> Option<Addressing> {
    let best: Vec<IpAddr> = roce.iter().filter_map(|candidate| candidate.best()).map(Gid::address).collect();
    let common = common_network(&best);
    let one = |names: &Names, asked: bool| -> Option<Option<Range>> {
        match common {
            _ if !asked || nccl_is_right(roce, names, asks.environment, None) => Some(None),
            Some(_) if nccl_is_right(roce, names, asks.environment, common) => Some(common),
            _ => None,
        }
    };
    // UCX takes a list, so where the rails have nothing in common, each may stand by itself.
    let each: Vec<Range> = best.iter().map(|address| Range::host(*address)).collect();
    let ways = [Vec::new(), common.into_iter().collect(), each];
    let nccl = one(&NCCL, asks.nccl)?;
    let nvshmem = one(&NVSHMEM, asks.nvshmem)?;
    let right = |subnets: &&Vec<Range>| !asks.ucx || ucx_is_right(roce, asks.known, subnets);
    let ucx = ways.iter().find(right)?.clone();
    Some(Addressing::Choose { nccl, nvshmem, ucx, indices })
}

/// Whether NCCL, or NVSHMEM, chooses a GID as good as the best on every port.
pub(super) fn nccl_is_right(
    roce: &[&Candidate<'_>],
    names: &Names,
    environment: &Environment,
    range: Option<Range>,
) -> bool {
    roce.iter().all(|candidate| {
        let chosen = |best| nccl::choose(candidate.port, told::rule(names, environment, best, range));
        candidate.best().is_some_and(|best| equivalent(candidate, chosen(best)))
    })
}

/// Whether UCX does.
pub(super) fn ucx_is_right(roce: &[&Candidate<'_>], known: bool, subnets: &[Range]) -> bool {
    roce.iter().all(|candidate| {
        let mut good = candidate.gids.iter().filter(|gid| equivalent(candidate, gid.index));
        good.any(|gid| ucx::chooses(candidate.port, known, gid.index, subnets))
    })
}

/// Whether entry `index` is as good as the best one: same interface, family and type.
fn equivalent(candidate: &Candidate<'_>, index: u32) -> bool {
    let Some(best) = candidate.best() else { return false };
    candidate.gids.iter().any(|gid| {
        gid.index == index
            && gid.netdev == best.netdev
            && gid.family() == best.family()
            && gid.kind == best.kind
    })
}

/// The smallest network that contains all of `addresses`; none where that would be everything.
fn common_network(addresses: &[IpAddr]) -> Option<Range> {
    let (first, rest) = addresses.split_first()?;
    let (mut bits, width) = match first {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32_u8),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let mut prefix = width;
    for address in rest {
        let other = match address {
            IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
            IpAddr::V6(address) => address.to_bits(),
        };
        let same = (bits ^ other).leading_zeros();
        prefix = prefix.min(u8::try_from(same).unwrap_or(u8::MAX));
    }
    if prefix == 0 {
        return None;
    }
    bits &= u128::MAX << (128 - u32::from(prefix));
    let address = match first {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::from_bits(u32::try_from(bits >> 96).ok()?)),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::from_bits(bits)),
    };
    Some(Range { address, prefix })
}

/// Keeps the ports of the index that carries the most, and says which others go.
fn leave_out_minority(selection: &mut Selection<'_>) -> Addressing {
    let mut groups: BTreeMap<u32, u64> = BTreeMap::new();
    for candidate in &selection.kept {
        if let Some(best) = candidate.best() {
            *groups.entry(best.index).or_default() += candidate.megabits().max(1);
        }
    }
    // `max_by_key` takes the last of equals; the lowest index is to win.
    let Some(index) = groups.iter().rev().max_by_key(|(_, total)| **total).map(|(index, _)| *index) else {
        return Addressing::Nothing("no port has a GID".to_owned());
    };
    let mut dropped = Vec::new();
    selection.keep(Rule::Index, |candidate| {
        let other = candidate.best().map(|gid| gid.index).filter(|other| *other != index)?;
        dropped.push((candidate.label(), other));
        Some(format!("its GID has index {other}, the others' {index}, and one index is set for all"))
    });
    for (label, other) in dropped {
        let text = format!(
            "`{label}` is not used: its GID has index {other}, the others' {index}, and no address range tells the right GIDs from the wrong ones; hint: give the rails addresses in the same order"
        );
        selection.warnings.push(Warning::new(Concern::LeftOut, text));
    }
    Addressing::Index(index)
}
