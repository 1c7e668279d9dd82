//! NCCL: how it reads its variables, which GID it takes by itself, and whose plug-in may have replaced it.
//!
//! Sources: NCCL 2.21 to 2.30 `src/transport/net_ib/connect.cc` (the choice), `src/misc/utils.cc` (`parseStringList`,
//! `matchIf`), `src/misc/socket.cc` (`ncclFindInterfaces`: a port behind a name does not count for interfaces).

use super::list::Devices;
use super::names::Interfaces;
use super::range::Range;
use crate::inventory::{Family, Gid, GidType, Port};
use prefill_core::environment as env;
use prefill_core::environment::Environment;
use std::net::Ipv6Addr;

/// It reads no further than so many ports.
pub(crate) const MOST: usize = 32;

/// `[^][=]name[:port],…`: without `=` a name is a beginning.
pub(crate) fn devices(text: &str) -> Devices<'_> {
    if text.starts_with('^') {
        return Devices::Except;
    }
    let (exact, list) = text.strip_prefix('=').map_or((false, text), |list| (true, list));
    Devices::only(exact, list)
}

/// The same grammar; the ports say nothing about interfaces, and one letter alone is taken for nothing.
pub(crate) fn interfaces(text: &str) -> Interfaces<'_> {
    match devices(text) {
        _ if text.len() < 2 => Interfaces::Any,
        Devices::Only { exact, entries } => {
            Interfaces::Only { exact, names: entries.into_iter().map(|entry| entry.name).collect() }
        }
        Devices::All | Devices::Except => Interfaces::Any,
    }
}

/// How NCCL and NVSHMEM are told to choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NcclRule {
    pub(crate) ipv6: bool,
    pub(crate) version: GidType,
    pub(crate) range: Option<Range>,
}

/// The index that NCCL (2.21 or newer) and NVSHMEM (3.1 or newer) choose. They begin with entry 0 and
/// take a later one only for a reason, so entry 0 is also what is left where nothing fits.
pub(crate) fn choose(port: &Port, rule: NcclRule) -> u32 {
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

/// What a vendor's transport for NCCL is recognised by: (variable, its value in lower case, what it is). A name that
/// ends in `_` is the beginning of one, and an empty value is any. Sources: the guides and images of GKE and AWS.
const OWNERS: [(&str, &str, &str); 16] = [
    (env::NCCL_NET, "gib", GIB),
    (env::NCCL_NET, "fastrak", "GKE's TCPXO plug-in"),
    (env::NCCL_NET, "gpudirecttcpx_v7", "GKE's TCPX plug-in"),
    (env::NCCL_NET, "gpudirecttcpx", "GKE's TCPX plug-in"),
    (env::NCCL_NET, "libfabric", OFI),
    (env::NCCL_NET, "aws libfabric", OFI),
    (env::NCCL_NET, "ofi", OFI),
    (env::NCCL_NET_PLUGIN, "ofi", OFI),
    (env::NCCL_NET_PLUGIN, "aws-ofi", OFI),
    (env::NCCL_NET_PLUGIN, "libnccl-net-ofi.so", OFI),
    (env::NCCL_NET_PLUGIN, "libnccl-net-aws-ofi.so", OFI),
    ("NCCL_FASTRAK_", "", "GKE's TCPXO plug-in"),
    ("NCCL_SHIMNET_", "", "GKE's plug-ins"),
    ("NCCL_GPUDIRECTTCPX_", "", "GKE's TCPX plug-in"),
    ("OFI_NCCL_", "", OFI),
    ("FI_PROVIDER", "efa", OFI),
];
const GIB: &str = "GKE's gIB plug-in";
const OFI: &str = "aws-ofi-nccl";
/// gIB's own tuner, which is of no use to another plug-in.
const GIB_TUNER: &str = "NCCL_TUNER_CONFIG_PATH";

/// Who owns NCCL's settings, with the variable that shows it. A network that the user names comes before all signs.
pub(crate) fn owner(environment: &Environment) -> Option<String> {
    let own = ["ib", "socket"];
    if environment.get(env::NCCL_NET).is_some_and(|net| own.contains(&net.to_ascii_lowercase().as_str())) {
        return None;
    }
    let found = OWNERS.iter().find_map(|(variable, text, owner)| {
        let (name, value) = environment.iter().find(|(name, value)| {
            let named = if variable.ends_with('_') { name.starts_with(variable) } else { name == variable };
            let file = value.rsplit('/').next().unwrap_or(value).to_ascii_lowercase();
            named && (text.is_empty() || file == *text)
        })?;
        Some(format!("{owner} (`{name}` is `{value}`)"))
    });
    let tuner = environment.get(GIB_TUNER).filter(|path| path.starts_with("/usr/local/gib/"));
    found.or_else(|| tuner.map(|path| format!("{GIB} (`{GIB_TUNER}` is `{path}`)")))
}

/// The user's index for NCCL, where it is one; -1 lets NCCL choose, and says nothing to the others.
pub(crate) fn index_for_all(environment: &Environment) -> Option<u32> {
    environment.get(env::NCCL_IB_GID_INDEX)?.trim().parse().ok()
}
