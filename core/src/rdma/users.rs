//! What the user or a cloud's installation set already: whom it belongs to, and what is wrong with it.

use super::select::Candidate;
use crate::environment as env;
use crate::environment::Environment;

/// What a vendor's transport for NCCL is recognised by: (variable, text in its value, what it is). A name that
/// ends in `_` is the beginning of one. Sources: the guides and images of GKE and AWS.
const OWNERS: [(&str, &str, &str); 12] = [
    (env::NCCL_NET, "gib", "GKE's gIB plug-in"),
    (env::NCCL_NET, "fastrak", "GKE's TCPXO plug-in"),
    (env::NCCL_NET, "gpudirecttcpx", "GKE's TCPX plug-in"),
    (env::NCCL_NET, "libfabric", "aws-ofi-nccl"),
    (env::NCCL_NET, "ofi", "aws-ofi-nccl"),
    (env::NCCL_NET_PLUGIN, "ofi", "aws-ofi-nccl"),
    ("NCCL_TUNER_CONFIG_PATH", "/usr/local/gib/", "GKE's gIB plug-in"),
    ("NCCL_FASTRAK_", "", "GKE's TCPXO plug-in"),
    ("NCCL_SHIMNET_", "", "GKE's plug-ins"),
    ("NCCL_GPUDIRECTTCPX_", "", "GKE's TCPX plug-in"),
    ("OFI_NCCL_", "", "aws-ofi-nccl"),
    ("FI_PROVIDER", "efa", "aws-ofi-nccl"),
];

/// Who owns NCCL's settings, with the variable that shows it.
pub(super) fn nccl_owner(environment: &Environment) -> Option<String> {
    OWNERS.iter().find_map(|(variable, text, owner)| {
        let (name, value) = environment.iter().find(|(name, value)| {
            let named = if variable.ends_with('_') { name.starts_with(variable) } else { name == variable };
            named && value.to_ascii_lowercase().contains(text)
        })?;
        Some(format!("{owner} (`{name}` is `{value}`)"))
    })
}

/// The user's index for NCCL, where it is one; -1 lets NCCL choose, and says nothing to the others.
pub(super) fn index_for_all(environment: &Environment) -> Option<u32> {
    environment.get(env::NCCL_IB_GID_INDEX)?.trim().parse().ok()
}

/// The user's transports for UCX, where none of them is RDMA.
pub(super) fn ucx_without_rdma(environment: &Environment) -> Option<&str> {
    let transports = environment.get(env::UCX_TLS)?;
    let rdma = |name: &str| {
        let name = name.trim().trim_start_matches('\\');
        name == "all" || ["rc", "ud", "dc", "ib", "gga", "srd"].iter().any(|start| name.starts_with(start))
    };
    (!transports.starts_with('^') && !transports.split(',').any(rdma)).then_some(transports)
}

/// What is wrong with the variables that the user set, seen from the ports that are used.
pub(super) fn warnings(environment: &Environment, kept: &[Candidate<'_>], known: &[&str]) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in [env::NCCL_IB_GID_INDEX, env::NVSHMEM_IB_GID_INDEX, env::UCX_IB_GID_INDEX] {
        if let Some(value) = environment.get(name) {
            index(name, value, kept, &mut warnings);
        }
    }
    if let Some(list) = environment.get(env::NCCL_IB_HCA) {
        nccl_list(list, kept, known, &mut warnings);
    }
    for name in [env::NVSHMEM_HCA_LIST, env::UCX_NET_DEVICES] {
        if let Some(list) = environment.get(name) {
            exact_list(name, list, kept, known, &mut warnings);
        }
    }
    warnings
}

fn index(name: &str, value: &str, kept: &[Candidate<'_>], warnings: &mut Vec<String>) {
    let automatic = if name == env::UCX_IB_GID_INDEX { "auto" } else { "-1" };
    if value.trim() == automatic {
        return;
    }
    let Ok(index) = value.trim().parse::<u32>() else {
        warnings.push(format!("`{name}` is `{value}`, expected a whole number from 0, or `{automatic}`"));
        return;
    };
    for candidate in kept {
        if !candidate.by_gid() {
            if name == env::UCX_IB_GID_INDEX {
                warnings.push(format!(
                    "`{name}` is `{index}`, but `{}` is an InfiniBand port: UCX applies it there too and drops the port where entry {index} is empty",
                    candidate.label()
                ));
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
        warnings.push(format!(
            "`{name}` is `{index}`, but entry {index} of `{}` {there}{best}: connections over it fail",
            candidate.label()
        ));
    }
}

/// NCCL's own grammar: `[^][=]name[:port],…`; without `=` a name is a beginning.
fn nccl_list(list: &str, kept: &[Candidate<'_>], known: &[&str], warnings: &mut Vec<String>) {
    let name = env::NCCL_IB_HCA;
    if list.starts_with('^') {
        return;
    }
    let exact = list.starts_with('=');
    for entry in list.trim_start_matches('=').split(',') {
        let device = entry.split(':').next().unwrap_or_default();
        let matches: Vec<&str> = known
            .iter()
            .filter(|known| if exact { **known == device } else { known.starts_with(device) })
            .copied()
            .collect();
        if matches.is_empty() {
            warnings.push(format!("`{name}` is `{list}`, but there is no device `{device}` here"));
        } else if !exact && known.contains(&device) && matches.len() > 1 {
            warnings.push(format!(
                "`{name}` is `{list}`: NCCL compares beginnings, so `{device}` also selects {}; hint: write `={}`",
                quoted(matches.iter().filter(|one| **one != device)),
                list
            ));
        } else if let Some(unused) = matches.iter().find(|one| !used(one, kept)) {
            warnings.push(format!("`{name}` is `{list}`, but `{unused}` is not usable here"));
        }
    }
}

/// NVSHMEM's and UCX's: whole names.
fn exact_list(name: &str, list: &str, kept: &[Candidate<'_>], known: &[&str], warnings: &mut Vec<String>) {
    if list.starts_with('^') || list == "all" {
        return;
    }
    for entry in list.split(',') {
        let Some((device, _)) = entry.split_once(':') else { continue };
        if !known.contains(&device) {
            warnings.push(format!("`{name}` is `{list}`, but there is no device `{device}` here"));
        } else if !used(device, kept) {
            warnings.push(format!("`{name}` is `{list}`, but `{device}` is not usable here"));
        }
    }
}

fn used(device: &str, kept: &[Candidate<'_>]) -> bool {
    kept.iter().any(|candidate| candidate.device.name == device)
}

fn quoted<'a>(names: impl Iterator<Item = &'a &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
