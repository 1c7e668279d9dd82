//! What libibverbs adds to sysfs: whether a device can be opened, which GIDs are valid. Where the two
//! disagree, libibverbs is right, because it is what NCCL and UCX ask; the disagreement is a warning.

use super::sysfs::{self, Found};
use crate::verbs::{Entry, Listed, OpenDevice, PortFacts};
use prefill_rdma::inventory::{Access, Device, Gid, Port, PortState};
use std::collections::BTreeMap;
use std::path::Path;

/// Adds what libibverbs says of each device; their nodes are in `nodes`.
pub(super) fn merge(found: &mut Vec<Found>, listed: &[Listed], nodes: &Path, warnings: &mut Vec<String>) {
    for one in listed {
        if !found.iter().any(|known| known.device.name == one.name) {
            warnings.push(format!(
                "libibverbs lists `{}`, which `/sys/class/infiniband` does not show",
                one.name
            ));
            found.push(Found { device: unknown_to_sysfs(one), ports: BTreeMap::new() });
        }
    }
    for one in found {
        let Some(listed) = listed.iter().find(|listed| listed.name == one.device.name) else {
            let node = one.device.uverbs.as_ref().map(|node| format!("`/dev/infiniband/{node}`"));
            let node = node.unwrap_or_else(|| "its node in `/dev/infiniband`".to_owned());
            let reason =
                format!("libibverbs does not list it: {node} is not in this pod, or its driver is missing");
            one.device.access = Access::Closed(reason);
            sysfs::read_gids(one, warnings);
            continue;
        };
        if !listed.uverbs.is_empty() {
            one.device.uverbs = Some(listed.uverbs.clone());
        }
        match listed.open(Some(nodes)) {
            Ok(open) => ask(one, &open, warnings),
            Err(reason) => {
                one.device.access = Access::Closed(reason);
                sysfs::read_gids(one, warnings);
            }
        }
    }
}

fn unknown_to_sysfs(listed: &Listed) -> Device {
    Device {
        name: listed.name.clone(),
        driver: None,
        node_type: listed.node_type.map(str::to_owned),
        model: None,
        firmware: None,
        pci: None,
        pci_path: None,
        numa_node: None,
        virtual_function: false,
        software: false,
        uverbs: Some(listed.uverbs.clone()),
        access: Access::Open,
        ports: Vec::new(),
    }
}

fn ask(one: &mut Found, open: &OpenDevice, warnings: &mut Vec<String>) {
    let device = &mut one.device;
    device.access = Access::Open;
    match open.query_device() {
        Ok(facts) => {
            if !facts.firmware.is_empty() {
                device.firmware = Some(facts.firmware);
            }
            // What sysfs does not show of a device is asked for by number.
            for number in 1..=facts.ports {
                if !device.ports.iter().any(|port| port.number == u32::from(number))
                    && let Ok(answer) = open.query_port(number)
                {
                    device.ports.push(new_port(u32::from(number), &answer));
                }
            }
            device.ports.sort_by_key(|port| port.number);
        }
        Err(reason) => warnings.push(format!("`{}`: {reason}", device.name)),
    }
    let mut places = 0;
    for port in &mut device.ports {
        let answer = u8::try_from(port.number).map_err(|_| "no such port".to_owned());
        match answer.and_then(|number| open.query_port(number)) {
            Ok(answer) => {
                places += answer.gid_table_length;
                compare(&device.name, port, &answer, warnings);
            }
            // NCCL and NVSHMEM ask the same, so what sysfs says of the port is of no use to them.
            Err(reason) => {
                warnings.push(format!("`{}:{}`: {reason}", device.name, port.number));
                port.state = PortState::Unknown;
            }
        }
    }
    match open.gid_table(places) {
        Ok(entries) => take(one, &entries, warnings),
        Err(error) => {
            let name = &one.device.name;
            warnings.push(format!("`{name}`: {error}; its GIDs are read from sysfs instead"));
            sysfs::read_gids(one, warnings);
        }
    }
}

fn new_port(number: u32, answer: &PortFacts) -> Port {
    Port {
        number,
        state: answer.state,
        physical_state: answer.physical_state.map(str::to_owned),
        link_layer: answer.link_layer,
        megabits: None,
        mtu: answer.mtu,
        netdevs: Vec::new(),
        gids: Vec::new(),
    }
}

fn compare(device: &str, port: &mut Port, answer: &PortFacts, warnings: &mut Vec<String>) {
    let label = format!("{device}:{}", port.number);
    if port.state != answer.state {
        warnings.push(format!("`{label}`: sysfs says {}, libibverbs {}", port.state, answer.state));
        port.state = answer.state;
    }
    if port.link_layer != answer.link_layer {
        let (ours, theirs) = (port.link_layer, answer.link_layer);
        warnings.push(format!("`{label}`: sysfs says its link is {ours}, libibverbs {theirs}"));
        port.link_layer = theirs;
    }
    port.mtu = answer.mtu;
    if let Some(state) = answer.physical_state {
        port.physical_state = Some(state.to_owned());
    }
}

/// The valid entries, each with the interface that sysfs names. The index that libibverbs gives is one of the
/// namespace of that interface: by itself it names nothing here.
fn take(one: &mut Found, entries: &[Entry], warnings: &mut Vec<String>) {
    for entry in entries.iter().filter(|entry| !entry.gid.is_unspecified()) {
        let Some(port) = one.device.ports.iter_mut().find(|port| port.number == entry.port) else { continue };
        let directory = one.ports.get(&entry.port);
        let sysfs = directory.and_then(|directory| sysfs::gid(directory, entry.index));
        if let Some(sysfs) = sysfs.filter(|sysfs| *sysfs != entry.gid && !sysfs.is_unspecified()) {
            let label = format!("{}:{}", one.device.name, entry.port);
            let (index, gid) = (entry.index, entry.gid);
            warnings.push(format!("`{label}`: sysfs says GID {index} is {sysfs}, libibverbs {gid}"));
        }
        let netdev = directory.and_then(|directory| sysfs::netdev(directory, entry.index));
        let (index, gid, kind, netdev_index) = (entry.index, entry.gid, entry.kind, entry.netdev_index);
        port.gids.push(Gid { index, gid, kind, netdev, netdev_index });
    }
    for port in &mut one.device.ports {
        port.gids.sort_by_key(|gid| gid.index);
    }
}
