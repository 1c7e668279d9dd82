//! Which GID each library chooses by itself: its own algorithm, told in our words. A variable is set only
//! where that choice would be wrong.
//!
//! Sources: NCCL 2.21 to 2.30 `src/transport/net_ib/connect.cc`, NVSHMEM 3.4.5 `transport_ib_common.h` (the
//! same loop), UCX 1.18 to 1.22 `src/uct/ib/base/ib_device.c`.

use super::gids::contains;
use crate::inventory::{Family, Gid, GidType, Port};
use std::net::{IpAddr, Ipv6Addr};

/// A network, as `address/length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) address: IpAddr,
    pub(super) prefix: u8,
}

impl Network {
    /// `10.0.0.0/8`; none where it is no network, which the libraries take for none given.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.trim().split_once('/')?;
        let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
        (prefix <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self { address, prefix })
    }

    /// The network of one address.
    pub(super) fn host(address: IpAddr) -> Self {
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    pub(super) fn has(self, gid: &Gid) -> bool {
        contains(self.address, self.prefix, gid.address())
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// How NCCL and NVSHMEM are told to choose.
#[derive(Clone, Copy, Debug)]
pub(super) struct NcclRule {
    pub(super) ipv6: bool,
    pub(super) version: GidType,
    pub(super) range: Option<Network>,
}

/// The index that NCCL (2.21 or newer) and NVSHMEM (3.1 or newer) choose. They begin with entry 0 and
/// take a later one only for a reason, so entry 0 is also what is left where nothing fits.
pub(super) fn nccl(port: &Port, rule: NcclRule) -> u32 {
    let mut chosen = 0;
    // An empty entry looks like an IPv6 one to them; the first of them stands for all.
    let filled: Vec<u32> = port.gids.iter().map(|gid| gid.index).collect();
    let gap = (1..=u32::MAX).find(|index| !filled.contains(index));
    let mut indices: Vec<u32> = filled.into_iter().filter(|index| *index > 0).chain(gap).collect();
    indices.sort_unstable();
    for index in indices {
        let (now, next) = (View::of(port, chosen), View::of(port, index));
        let in_range = rule.range.is_none_or(|range| next.gid.is_some_and(|gid| range.has(gid)));
        if next.ipv6 != rule.ipv6 || !in_range {
            continue;
        }
        let better = next.usable()
            && next.version() == Some(rule.version)
            && (now.version() != next.version() || !now.usable());
        if now.ipv6 != next.ipv6 || better {
            chosen = index;
        }
    }
    chosen
}

/// One entry as NCCL sees it.
struct View<'a> {
    gid: Option<&'a Gid>,
    ipv6: bool,
}

impl<'a> View<'a> {
    fn of(port: &'a Port, index: u32) -> Self {
        let gid = port.gids.iter().find(|gid| gid.index == index);
        Self { gid, ipv6: gid.is_none_or(|gid| gid.family() != Family::Ipv4) }
    }
    fn usable(&self) -> bool {
        self.gid.is_some_and(|gid| gid.family() != Family::LinkLocal && gid.gid != Ipv6Addr::UNSPECIFIED)
    }
    fn version(&self) -> Option<GidType> {
        self.gid.and_then(|gid| gid.kind)
    }
}

/// The index that UCX chooses: the first entry of the best kind; none where it drops the port, which it does
/// where entry 0 is empty, as far as that is `known`. Before 1.21 it does not tell link-local IPv6 from global. `subnets` is its own filter.
pub(super) fn ucx(port: &Port, known: bool, link_local_is_worse: bool, subnets: &[Network]) -> Option<u32> {
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
pub(super) fn ucx_chooses(port: &Port, known: bool, index: u32, subnets: &[Network]) -> bool {
    [false, true].into_iter().all(|worse| ucx(port, known, worse, subnets) == Some(index))
}
