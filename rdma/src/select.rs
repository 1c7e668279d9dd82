//! Which ports are used. One function a rule, in the order of [`Rule`].

use super::candidates::{Candidate, Selection, refusal};
use super::gids::{Kind, Wanted, addressed_by_gid, best_family};
use super::options::{Functions, GidScope, Options};
use super::plan::{Concern, Rule, Warning};
use super::{drivers, rails};
use crate::inventory::{Access, Device, Family, GidType, Inventory, LinkLayer, Port, PortState};
use prefill_core::environment::{Environment, KSERVE_INFER_IB_GID_INDEX_GREP, PCIDEVICE};

/// The ports of `inventory` that this pod is to use, and why not the others.
pub(super) fn select<'a>(
    inventory: &'a Inventory,
    environment: &Environment,
    options: &Options,
) -> Selection<'a> {
    let mut selection = Selection::default();
    let allowed = allocated(inventory, environment, &mut selection);
    for device in in_order(inventory) {
        match device_fault(device, options, allowed.as_deref()) {
            Some((rule, reason)) => selection.excluded.push(refusal(device, None, rule, reason)),
            None => selection.kept.extend(device.ports.iter().map(|port| Candidate {
                device,
                port,
                gids: Vec::new(),
            })),
        }
    }
    by_options(&mut selection, options);
    selection.keep(Rule::NotActive, |candidate| {
        let physical = candidate.port.physical_state.as_deref();
        let detail = physical.map(|state| format!(" (physically {state})")).unwrap_or_default();
        let state = candidate.port.state;
        (state != PortState::Active).then(|| format!("port state is {state}{detail}, only ACTIVE is used"))
    });
    by_gids(&mut selection, &wanted(inventory, environment, options));
    if options.include.is_empty() {
        drivers::leave_out_front_ends(&mut selection);
        by_default_route(&mut selection, inventory);
        rails::leave_out_others(&mut selection);
    }
    by_family(&mut selection);
    selection
}

/// The devices by PCI path; shorter names first (`mlx5_2` before `mlx5_10`) where there is no path to go by.
pub(super) fn in_order(inventory: &Inventory) -> Vec<&Device> {
    let mut devices: Vec<&Device> = inventory.devices.iter().collect();
    devices.sort_by_key(|device| (&device.pci_path, device.name.len(), &device.name));
    devices
}

/// PCI addresses that the SR-IOV device plugin gave this pod; none where it gave no RDMA device.
fn allocated(
    inventory: &Inventory,
    environment: &Environment,
    selection: &mut Selection<'_>,
) -> Option<Vec<String>> {
    let named: Vec<String> = environment
        .iter()
        .filter(|(name, _)| name.starts_with(PCIDEVICE) && !name.ends_with("_INFO"))
        .flat_map(|(_, value)| value.split(',').map(|address| address.trim().to_ascii_lowercase()))
        .filter(|address| !address.is_empty())
        .collect();
    if named.is_empty() {
        return None;
    }
    let list = named.join(", ");
    if inventory.devices.iter().any(|device| is_allocated(device, &named)) {
        let here = |name: &&String| {
            !inventory.devices.iter().any(|device| is_allocated(device, std::slice::from_ref(*name)))
        };
        for name in named.iter().filter(here) {
            let text = format!("`{PCIDEVICE}*` gives this pod {name}, which is no RDMA device here");
            selection.warnings.push(Warning::new(Concern::FunctionAbsent, text));
        }
        selection.notes.push(format!("`{PCIDEVICE}*` gives this pod {list}; no other RDMA device is used"));
        return Some(named);
    }
    if inventory.devices.iter().any(|device| device.pci.is_none() && !device.software) {
        let text = format!(
            "`{PCIDEVICE}*` gives this pod {list}, but sysfs does not show which device that is: all that open are used"
        );
        selection.warnings.push(Warning::new(Concern::FunctionAbsent, text));
    } else {
        let text = format!("`{PCIDEVICE}*` names {list}, none of them an RDMA device here; it is not used");
        selection.notes.push(text);
    }
    None
}

/// Whether the plugin's list names the function of `device`, or its auxiliary device (`mlx5_core.sf.4`).
fn is_allocated(device: &Device, named: &[String]) -> bool {
    let path = device.pci_path.as_deref().unwrap_or_default();
    named.iter().any(|name| {
        device.pci.as_ref().is_some_and(|pci| pci.eq_ignore_ascii_case(name))
            || path.split('/').any(|part| part.starts_with("mlx5_core.") && part.eq_ignore_ascii_case(name))
    })
}

fn device_fault(device: &Device, options: &Options, allowed: Option<&[String]>) -> Option<(Rule, String)> {
    if let Access::Closed(reason) = &device.access {
        return Some((Rule::NotOpenable, reason.clone()));
    }
    if let Some(allowed) = allowed
        && !is_allocated(device, allowed)
    {
        let reason = format!("`{PCIDEVICE}*` does not name it: it is another pod's, or the node's");
        return Some((Rule::NotAllocated, reason));
    }
    if let Some(reason) = drivers::node_type(device) {
        return Some((Rule::Kind, reason));
    }
    if device.name.is_empty()
        || device.name.contains(|letter: char| !letter.is_ascii_graphic() || ",:=^".contains(letter))
    {
        let reason =
            "its name cannot stand in the libraries' lists; hint: `rdma dev set` renames it".to_owned();
        return Some((Rule::Kind, reason));
    }
    let named = |port: &Port| options.include.iter().any(|pattern| pattern.matches(device, port));
    if device.software && !device.ports.iter().any(named) {
        let reason = "made of software, slower than TCP; hint: name it with `--rdma-include`".to_owned();
        return Some((Rule::Kind, reason));
    }
    if device.ports.is_empty() {
        return Some((Rule::NotActive, "it shows no port".to_owned()));
    }
    None
}

fn by_options(selection: &mut Selection<'_>, options: &Options) {
    selection.keep(Rule::Kind, |candidate| {
        (candidate.port.link_layer == LinkLayer::Unspecified)
            .then(|| drivers::unspecified_link(candidate.device))
    });
    if !options.include.is_empty() {
        selection.keep(Rule::NotIncluded, |candidate| {
            let named =
                options.include.iter().any(|pattern| pattern.matches(candidate.device, candidate.port));
            (!named).then(|| "`--rdma-include` names others".to_owned())
        });
    }
    selection.keep(Rule::Excluded, |candidate| {
        let named = options.exclude.iter().any(|pattern| pattern.matches(candidate.device, candidate.port));
        named.then(|| "`--rdma-exclude` names it".to_owned())
    });
    selection.keep(Rule::Function, |candidate| {
        match (options.functions, candidate.device.virtual_function) {
            (Functions::Physical, true) => Some("a virtual function; `--rdma-functions=physical`".to_owned()),
            (Functions::Virtual, false) => Some("a physical function; `--rdma-functions=virtual`".to_owned()),
            _ => None,
        }
    });
}

/// What a GID must be: RoCE v2, or v1 where no usable port has v2 (no router forwards v1), or what the user's text says.
pub(super) fn wanted<'a>(
    inventory: &'a Inventory,
    environment: &'a Environment,
    options: &Options,
) -> Wanted<'a> {
    let grep = environment.get(KSERVE_INFER_IB_GID_INDEX_GREP);
    let kind = grep.map_or(Kind::Exactly(GidType::V2), Kind::Containing);
    let wanted = Wanted { network: &inventory.network, scope: options.gids, kind };
    let any = |wanted: &Wanted<'_>| {
        let open = inventory.devices.iter().filter(|device| device.access == Access::Open);
        let mut ports = open.flat_map(|device| &device.ports);
        ports.any(|port| {
            port.state == PortState::Active && addressed_by_gid(port) && !wanted.counting(port).is_empty()
        })
    };
    let first = Wanted { kind: Kind::Exactly(GidType::V1), ..wanted.clone() };
    if grep.is_none() && !any(&wanted) && any(&first) { first } else { wanted }
}

fn by_gids(selection: &mut Selection<'_>, wanted: &Wanted<'_>) {
    if wanted.network.ipv4.is_none() && wanted.scope == GidScope::Local {
        selection.warnings.push(Warning::new(
            Concern::AddressesUnknown,
            "`/proc/net/fib_trie` could not be read: whether the addresses of GIDs are this pod's is unknown",
        ));
    }
    for candidate in selection.kept.iter_mut().filter(|candidate| candidate.by_gid()) {
        candidate.gids = wanted.counting(candidate.port);
    }
    selection.keep(Rule::NoGid, |candidate| {
        (candidate.by_gid() && candidate.gids.is_empty()).then(|| wanted.why_none(candidate.port))
    });
}

fn by_default_route(selection: &mut Selection<'_>, inventory: &Inventory) {
    let Some(interface) = inventory.network.default_interface() else { return };
    selection.keep_while_others_remain(Rule::FrontEnd, |candidate| {
        candidate
            .netdevs()
            .any(|netdev| netdev == interface)
            .then(|| format!("front end: `{interface}` carries the default route"))
    });
}

/// One family for all: NCCL and NVSHMEM are told one, and peers of two families do not meet.
fn by_family(selection: &mut Selection<'_>) {
    let roce = || selection.kept.iter().filter(|candidate| candidate.by_gid());
    let bandwidth = |family: Family| -> u64 {
        roce()
            .filter(|candidate| candidate.gids.iter().any(|gid| gid.family() == family))
            .map(|candidate| candidate.megabits().max(1))
            .sum()
    };
    let routable = [Family::Ipv4, Family::Ipv6].into_iter().filter(|family| bandwidth(*family) > 0);
    // `max_by_key` takes the last of equals; IPv4 is to win.
    let Some(family) = routable.rev().max_by_key(|family| bandwidth(*family)) else { return };
    for candidate in &mut selection.kept {
        if candidate.gids.iter().any(|gid| gid.family() == family) {
            candidate.gids.retain(|gid| gid.family() == family);
        }
    }
    let name = if family == Family::Ipv4 { "IPv4" } else { "global IPv6" };
    let mut dropped = Vec::new();
    selection.keep(Rule::Family, |candidate| {
        let other = candidate.by_gid() && best_family(&candidate.gids) != Some(family);
        other.then(|| {
            dropped.push(candidate.label());
            format!("it has no {name} GID, which the other ports have")
        })
    });
    for label in dropped {
        let text = format!("`{label}` is not used: it has no {name} GID, which the others have");
        selection.warnings.push(Warning::new(Concern::LeftOut, text));
    }
}
