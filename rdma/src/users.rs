//! What the user or a cloud's installation set already: whom it belongs to, and what is wrong with it.

use super::drivers;
use super::libraries::Network;
use super::plan::{Concern, Excluded, Warning};
use super::select::Candidate;
use crate::inventory::Inventory;
use prefill_core::environment as env;
use prefill_core::environment::Environment;

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
pub(super) fn nccl_owner(environment: &Environment) -> Option<String> {
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
pub(super) fn index_for_all(environment: &Environment) -> Option<u32> {
    environment.get(env::NCCL_IB_GID_INDEX)?.trim().parse().ok()
}

/// The user's transports for UCX, where none of them is RDMA.
pub(crate) fn ucx_without_rdma(environment: &Environment) -> Option<&str> {
    let transports = environment.get(env::UCX_TLS)?;
    let rdma = |name: &str| {
        let name = name.trim().trim_start_matches('\\');
        name == "all" || ["rc", "ud", "dc", "ib", "gga", "srd"].iter().any(|start| name.starts_with(start))
    };
    (!transports.starts_with('^') && !transports.split(',').any(rdma)).then_some(transports)
}

/// What is known of this machine, to hold the user's words against.
pub(super) struct Known<'a> {
    pub(super) kept: &'a [Candidate<'a>],
    pub(super) excluded: &'a [Excluded],
    pub(super) inventory: &'a Inventory,
    /// Names of its RDMA devices, in order.
    pub(super) devices: &'a [&'a str],
}

impl Known<'_> {
    /// Why a device, or its port, that the list `name` names is of no use here; none where it is used.
    fn fault(&self, name: &'static str, list: &str, device: &str, port: Option<u32>) -> Option<Warning> {
        let warning = |concern, fault: String| {
            Some(Warning::new(concern, format!("`{name}` is `{list}`, but {fault}")))
        };
        let Some(found) = self.inventory.devices.iter().find(|one| one.name == device) else {
            return warning(Concern::ListAbsent, format!("there is no device `{device}` here"));
        };
        let same = |number: u32| port.is_none_or(|port| port == number);
        if !found.ports.iter().any(|one| same(one.number)) {
            return warning(
                Concern::ListAbsent,
                format!("`{device}` has no port {}", port.unwrap_or_default()),
            );
        }
        if self.kept.iter().any(|one| one.device.name == device && same(one.port.number)) {
            return None;
        }
        let reason = self
            .excluded
            .iter()
            .find(|one| one.device == device && one.port.is_none_or(same))
            .map_or("it is left out", |one| one.reason.as_str());
        let concern = Concern::ListUnusable { list: name, device: device.to_owned() };
        warning(concern, format!("`{device}` would not be used: {reason}"))
    }

    fn has_interface(&self, name: &str) -> bool {
        self.inventory.network.has(name, None) != Some(false)
    }
}

/// The user's lists that name devices which are there but not used: (variable, device).
pub(super) fn beyond(environment: &Environment, known: &Known<'_>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for name in [env::NCCL_IB_HCA, env::NVSHMEM_HCA_LIST, env::UCX_NET_DEVICES] {
        let list = environment.get(name).filter(|list| !list.starts_with('^') && *list != "all");
        for entry in list.unwrap_or_default().trim_start_matches('=').split(',') {
            let device = entry.split(':').next().unwrap_or_default();
            let used = known.kept.iter().any(|one| one.device.name == device);
            if known.devices.contains(&device) && !used {
                found.push((name, device.to_owned()));
            }
        }
    }
    found
}

/// What is wrong with the variables that the user set, seen from the ports that are used.
pub(super) fn warnings(environment: &Environment, known: &Known<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for name in [env::NCCL_IB_GID_INDEX, env::NVSHMEM_IB_GID_INDEX, env::UCX_IB_GID_INDEX] {
        if let Some(value) = environment.get(name) {
            index(name, value, known.kept, &mut warnings);
        }
    }
    if let Some(list) = environment.get(env::NCCL_IB_HCA) {
        nccl_list(list, known, &mut warnings);
    }
    for name in [env::NVSHMEM_HCA_LIST, env::UCX_NET_DEVICES] {
        if let Some(list) = environment.get(name) {
            exact_list(name, list, known, &mut warnings);
        }
    }
    for name in [env::NCCL_IB_ADDR_RANGE, env::NVSHMEM_IB_ADDR_RANGE, env::UCX_IB_ROCE_SUBNETS] {
        if let Some(value) = environment.get(name) {
            range(name, value, known.kept, &mut warnings);
        }
    }
    prefix(environment, known.kept, &mut warnings);
    for name in [env::NCCL_SOCKET_IFNAME, env::NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME, env::GLOO_SOCKET_IFNAME] {
        if let Some(value) = environment.get(name) {
            interface(name, value, known, &mut warnings);
        }
    }
    warnings
}

/// Networks of which no port has an address.
fn range(name: &str, value: &str, kept: &[Candidate<'_>], warnings: &mut Vec<Warning>) {
    let networks: Vec<Option<Network>> =
        value.trim_start_matches('^').split(',').map(Network::parse).collect();
    if networks.contains(&None) {
        if value != "all" {
            let text = format!("`{name}` is `{value}`, expected a network such as `10.0.0.0/16`");
            warnings.push(Warning::new(Concern::RangeEmpty, text));
        }
        return;
    }
    let fits = |candidate: &&Candidate<'_>| {
        candidate.gids.iter().any(|gid| networks.iter().flatten().any(|network| network.has(gid)))
    };
    if !value.starts_with('^') {
        for candidate in kept.iter().filter(|one| one.by_gid()).filter(|one| !fits(one)) {
            let text = format!("`{name}` is `{value}`, but no GID of `{}` is in it", candidate.label());
            warnings.push(Warning::new(Concern::RangeEmpty, text));
        }
    }
}

fn prefix(environment: &Environment, kept: &[Candidate<'_>], warnings: &mut Vec<Warning>) {
    let Some(prefix) = environment.get(env::NVSHMEM_HCA_PREFIX) else { return };
    for candidate in kept.iter().filter(|one| drivers::has_ibgda(one)) {
        if !candidate.device.name.contains(prefix) {
            let name = env::NVSHMEM_HCA_PREFIX;
            let device = &candidate.device.name;
            let text = format!(
                "`{name}` is `{prefix}`, which `{device}` has not in its name: NVSHMEM passes over it"
            );
            warnings.push(Warning::new(Concern::PrefixAbsent, text));
        }
    }
}

/// NCCL and NVSHMEM compare beginnings unless told `=`; Gloo knows whole names only.
fn interface(name: &str, value: &str, known: &Known<'_>, warnings: &mut Vec<Warning>) {
    if value.starts_with('^') {
        return;
    }
    let exact = name == env::GLOO_SOCKET_IFNAME || value.starts_with('=');
    let names = if name == env::GLOO_SOCKET_IFNAME { value } else { value.trim_start_matches('=') };
    let all = known.inventory.network.interfaces.as_deref().unwrap_or_default();
    for one in names.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let found = if exact {
            known.has_interface(one)
        } else {
            all.is_empty() || all.iter().any(|all| all.name.starts_with(one))
        };
        if !found {
            let text = format!("`{name}` is `{value}`, but there is no interface `{one}` here");
            warnings.push(Warning::new(Concern::InterfaceAbsent, text));
        }
    }
}

fn index(name: &str, value: &str, kept: &[Candidate<'_>], warnings: &mut Vec<Warning>) {
    let automatic = if name == env::UCX_IB_GID_INDEX { "auto" } else { "-1" };
    if value.trim() == automatic {
        return;
    }
    let Ok(index) = value.trim().parse::<u32>() else {
        let text = format!("`{name}` is `{value}`, expected a whole number from 0, or `{automatic}`");
        warnings.push(Warning::new(Concern::IndexUnreadable, text));
        return;
    };
    for candidate in kept {
        if !candidate.by_gid() {
            if name == env::UCX_IB_GID_INDEX {
                let text = format!(
                    "`{name}` is `{index}`, but `{}` is an InfiniBand port: UCX applies it there too and drops the port where entry {index} is empty",
                    candidate.label()
                );
                warnings.push(Warning::new(Concern::IndexOnInfiniBand, text));
            }
            continue;
        }
        if candidate.gids.iter().any(|gid| gid.index == index) {
            continue;
        }
        let there = match candidate.port.gids.iter().find(|gid| gid.index == index) {
            None => "is empty".to_owned(),
            Some(gid) => {
                let netdev = gid.netdev.as_ref().map(|netdev| format!(" of `{netdev}`")).unwrap_or_default();
                let kind = gid.kind.map_or("unknown type", crate::inventory::GidType::text);
                format!("is {}{netdev}, {kind}", gid.address())
            }
        };
        let best = candidate.best().map(|gid| format!("; {} would be right", gid.index)).unwrap_or_default();
        let text = format!(
            "`{name}` is `{index}`, but entry {index} of `{}` {there}{best}: connections over it fail",
            candidate.label()
        );
        warnings.push(Warning::new(Concern::IndexWrong, text));
    }
}

/// NCCL's own grammar: `[^][=]name[:port],…`; without `=` a name is a beginning.
fn nccl_list(list: &str, known: &Known<'_>, warnings: &mut Vec<Warning>) {
    let name = env::NCCL_IB_HCA;
    if list.starts_with('^') {
        return;
    }
    let exact = list.starts_with('=');
    for entry in list.trim_start_matches('=').split(',') {
        let mut parts = entry.split(':');
        let device = parts.next().unwrap_or_default();
        let port = parts.next().and_then(|port| port.parse().ok());
        let matching = |one: &&str| if exact { *one == device } else { one.starts_with(device) };
        let matches: Vec<&str> = known.devices.iter().copied().filter(matching).collect();
        if matches.is_empty() {
            warnings.extend(known.fault(name, list, device, port));
        } else if !exact && known.devices.contains(&device) && matches.len() > 1 {
            let others = matches.iter().filter(|one| **one != device).map(|one| format!("`{one}`"));
            let text = format!(
                "`{name}` is `{list}`: NCCL compares beginnings, so `{device}` also selects {}; hint: write `={list}`",
                others.collect::<Vec<_>>().join(", ")
            );
            warnings.push(Warning::new(Concern::ListBeginning, text));
        } else {
            warnings.extend(matches.iter().find_map(|one| known.fault(name, list, one, port)));
        }
    }
}

/// NVSHMEM's and UCX's: whole names.
fn exact_list(name: &'static str, list: &str, known: &Known<'_>, warnings: &mut Vec<Warning>) {
    if list.starts_with('^') || list == "all" {
        return;
    }
    for entry in list.split(',') {
        let (device, port) =
            entry.split_once(':').map_or((entry, None), |(device, port)| (device, port.parse().ok()));
        let tcp = name == env::UCX_NET_DEVICES && !entry.contains(':') && !known.devices.contains(&device);
        if !tcp {
            warnings.extend(known.fault(name, list, device, port));
        } else if !known.has_interface(device) {
            let text = format!("`{name}` is `{list}`, but there is no device or interface `{device}` here");
            warnings.push(Warning::new(Concern::ListAbsent, text));
        }
    }
}
