//! `/sys/class/infiniband`: what the kernel says about each device. Functions are named after what they
//! read. What cannot be read counts as empty, which is what the kernel's EINVAL means.

use crate::root::{Directory, Root};
use prefill_rdma::inventory::{Access, Device, Gid, GidType, LinkLayer, Port, PortState};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::num::NonZero;
use std::thread;

/// No GID table is longer than what two bytes count (`gid_tbl_len` of the longest known is 1024).
const LAST_INDEX: u32 = u16::MAX as u32;

/// What an entry of a GID table says that holds nothing; most of them do.
const EMPTY: &str = "0000:0000:0000:0000:0000:0000:0000:0000";

/// A device, and the open directories of its ports, by number.
pub(super) struct Found {
    pub(super) device: Device,
    pub(super) ports: BTreeMap<u32, Directory>,
}

/// Every device of the class.
pub(super) fn devices(root: &Root, warnings: &mut Vec<String>) -> Vec<Found> {
    let class = match root.directory("sys/class/infiniband") {
        Ok(class) => class,
        Err(rustix::io::Errno::NOENT) => return Vec::new(),
        Err(error) => {
            warnings.push(format!("`/sys/class/infiniband` cannot be read: {error}"));
            return Vec::new();
        }
    };
    let nodes = uverbs(root);
    let mut found = Vec::new();
    for raw in class.names_raw().unwrap_or_default() {
        let Ok(name) = raw.to_str().map(str::to_owned) else {
            let text = raw.to_string_lossy();
            warnings.push(format!("`/sys/class/infiniband/{text}` is passed over: its name is not UTF-8"));
            continue;
        };
        let link = class.link(&name);
        match class.directory_raw(&raw) {
            Ok(directory) => found.push(device(&directory, name, link.as_deref(), &nodes, warnings)),
            Err(error) => {
                warnings.push(format!("`/sys/class/infiniband/{name}` cannot be read: {error}"));
            }
        }
    }
    found
}

/// Which node in `/dev/infiniband` belongs to which device: (`mlx5_0`, `uverbs3`).
fn uverbs(root: &Root) -> Vec<(String, String)> {
    let Ok(class) = root.directory("sys/class/infiniband_verbs") else { return Vec::new() };
    let node = |node: String| {
        class.link(&node);
        Some((class.directory(&node).ok()?.read("ibdev").ok()?, node))
    };
    class.names().into_iter().filter_map(node).collect()
}

fn device(
    directory: &Directory,
    name: String,
    link: Option<&str>,
    nodes: &[(String, String)],
    warnings: &mut Vec<String>,
) -> Found {
    let pci_path = link.and_then(pci_path);
    let pci = pci_path.as_deref().and_then(pci_address);
    let function_link = directory.link("device");
    let function = directory.directory("device").ok();
    let driver = function.as_ref().and_then(|function| function.link("driver")).map(|link| last(&link));
    let number = |name: &str| function.as_ref()?.read(name).ok()?.parse().ok();
    let text = |name: &str| directory.read(name).ok().filter(|text| !text.is_empty());
    let software = link.is_some_and(|link| link.contains("/virtual/"))
        || function_link.is_none() && directory.has("parent");
    let mut device = Device {
        driver,
        node_type: text("node_type").map(|text| word_behind_number(&text)),
        model: text("hca_type"),
        firmware: text("fw_ver"),
        pci,
        pci_path,
        numa_node: number("numa_node"),
        virtual_function: function.as_ref().is_some_and(|function| function.has("physfn")),
        software,
        uverbs: nodes.iter().find(|(device, _)| *device == name).map(|(_, node)| node.clone()),
        access: Access::Closed(String::new()),
        ports: Vec::new(),
        name,
    };
    let mut ports = BTreeMap::new();
    if let Ok(numbers) = directory.directory("ports") {
        for number in numbers.numbers() {
            if let Ok(port) = numbers.directory(&number.to_string()) {
                device.ports.push(self::port(&port, number, warnings));
                ports.insert(number, port);
            }
        }
    }
    netdevs(function.as_ref(), &mut device);
    Found { device, ports }
}

fn port(directory: &Directory, number: u32, warnings: &mut Vec<String>) -> Port {
    let mut read = |name: &str| {
        directory
            .read(name)
            .map_err(|error| warnings.push(format!("`{}/{name}` cannot be read: {error}", directory.path())))
            .ok()
    };
    let state = read("state").map_or(PortState::Unknown, |text| state(&text));
    let link_layer = match read("link_layer").as_deref() {
        Some("InfiniBand") => LinkLayer::InfiniBand,
        Some("Ethernet") => LinkLayer::Ethernet,
        _ => LinkLayer::Unspecified,
    };
    let physical_state = directory.read("phys_state").ok().map(|text| word_behind_number(&text));
    let megabits = directory.read("rate").ok().and_then(|text| megabits(&text));
    Port {
        number,
        state,
        physical_state,
        link_layer,
        megabits,
        mtu: None,
        netdevs: Vec::new(),
        gids: Vec::new(),
    }
}

/// The GID tables of all devices. Most of a probe is waiting for the kernel here, so every processor takes a share.
pub(super) fn read_all_gids(found: &mut [Found], warnings: &mut Vec<String>) {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let share = found.len().div_ceil(workers).max(1);
    thread::scope(|scope| {
        let read = |devices: &mut [Found]| {
            let mut warnings = Vec::new();
            for device in devices {
                read_gids(device, &mut warnings);
            }
            warnings
        };
        let mut shares = found.chunks_mut(share);
        let first = shares.next();
        let others: Vec<_> = shares.map(|devices| scope.spawn(move || read(devices))).collect();
        warnings.extend(first.map(read).unwrap_or_default());
        warnings.extend(others.into_iter().flat_map(|other| other.join().unwrap_or_default()));
    });
}

/// The GID tables of one device.
pub(super) fn read_gids(one: &mut Found, warnings: &mut Vec<String>) {
    for port in &mut one.device.ports {
        if let Some(directory) = one.ports.get(&port.number) {
            port.gids = gids(directory, warnings);
        }
    }
}

/// The GID table of a port: each entry is read once, its type and interface only where it is not empty.
fn gids(port: &Directory, warnings: &mut Vec<String>) -> Vec<Gid> {
    let Ok(table) = port.directory("gids") else { return Vec::new() };
    let attributes = port.directory("gid_attrs").ok();
    let attribute = |name: &str| attributes.as_ref().and_then(|all| all.directory(name).ok());
    let (types, netdevs) = (attribute("types"), attribute("ndevs"));
    let mut found = Vec::new();
    for index in table.numbers() {
        let entry = index.to_string();
        if index > LAST_INDEX {
            warnings.push(format!("`{}/{entry}` is passed over: no table is that long", table.path()));
            continue;
        }
        let Some(text) = table.read(&entry).ok().filter(|text| !text.is_empty() && text != EMPTY) else {
            continue;
        };
        let Some(gid) = address(&text) else {
            warnings.push(format!(
                "`{}/{entry}` is `{text}`, expected 8 groups of 4 hexadecimal digits",
                table.path()
            ));
            continue;
        };
        let kind = types.as_ref().and_then(|types| types.read(&entry).ok()).and_then(|text| kind(&text));
        found.push(Gid { index, gid, kind, netdev: netdev_of(netdevs.as_ref(), &entry), netdev_index: None });
    }
    found
}

/// The interface of one entry.
pub(super) fn netdev(port: &Directory, index: u32) -> Option<String> {
    netdev_of(port.directory("gid_attrs/ndevs").ok().as_ref(), &index.to_string())
}

/// The GID of one entry.
pub(super) fn gid(port: &Directory, index: u32) -> Option<Ipv6Addr> {
    address(&port.read(&format!("gids/{index}")).ok()?)
}

fn netdev_of(netdevs: Option<&Directory>, entry: &str) -> Option<String> {
    netdevs?.read(entry).ok().filter(|name| !name.is_empty())
}

/// The network interfaces of the device's PCI function; of each port, where it has several.
fn netdevs(function: Option<&Directory>, device: &mut Device) {
    let Some(net) = function.and_then(|function| function.directory("net").ok()) else { return };
    let several = device.ports.len() > 1;
    for name in net.names() {
        let port = net.directory(&name).ok().and_then(|one| one.read("dev_port").ok()?.parse::<u32>().ok());
        for one in &mut device.ports {
            if !several || port == Some(one.number - 1) {
                one.netdevs.push(name.clone());
            }
        }
    }
}

/// `../../devices/pci0000:15/0000:1a:00.0/infiniband/mlx5_0` is at `pci0000:15/0000:1a:00.0`.
fn pci_path(link: &str) -> Option<String> {
    let (_, path) = link.rsplit_once("devices/")?;
    let (path, _) = path.rsplit_once("/infiniband/")?;
    (!path.starts_with("virtual")).then(|| path.to_owned())
}

/// The last `0000:1a:00.0` of a path; an auxiliary device stands below its function.
fn pci_address(path: &str) -> Option<String> {
    let is_address = |part: &&str| {
        let groups: Vec<&str> = part.split([':', '.']).collect();
        groups.len() == 4
            && groups.iter().all(|group| !group.is_empty() && u32::from_str_radix(group, 16).is_ok())
    };
    path.rsplit('/').find(is_address).map(str::to_owned)
}

/// `../../bus/pci/drivers/mlx5_core` is `mlx5_core`.
fn last(link: &str) -> String {
    link.rsplit('/').next().unwrap_or(link).to_owned()
}

/// `5: LinkUp` is `LinkUp`.
fn word_behind_number(text: &str) -> String {
    text.split_once(": ").map_or(text, |(_, word)| word).to_owned()
}

fn state(text: &str) -> PortState {
    match text.split(':').next() {
        Some("1") => PortState::Down,
        Some("2") => PortState::Init,
        Some("3") => PortState::Armed,
        Some("4") => PortState::Active,
        Some("5") => PortState::ActiveDefer,
        _ => PortState::Unknown,
    }
}

/// `2.5 Gb/sec (1X SDR)` is 2500.
fn megabits(text: &str) -> Option<u64> {
    let (number, _) = text.split_once(" Gb/sec")?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let thousandths: u64 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths).filter(|rate| *rate > 0)
}

fn address(text: &str) -> Option<Ipv6Addr> {
    let mut segments = [0; 8];
    let mut groups = text.split(':');
    for segment in &mut segments {
        let group = groups.next().filter(|group| group.len() == 4)?;
        *segment = u16::from_str_radix(group, 16).ok()?;
    }
    groups.next().is_none().then(|| Ipv6Addr::from(segments))
}

fn kind(text: &str) -> Option<GidType> {
    match text {
        "RoCE v2" => Some(GidType::V2),
        "IB/RoCE v1" => Some(GidType::V1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{address, megabits, pci_address, pci_path};

    #[test]
    fn rates_are_read_in_every_form() {
        assert_eq!(megabits("400 Gb/sec (4X NDR)"), Some(400_000));
        assert_eq!(megabits("2.5 Gb/sec (1X SDR)"), Some(2500));
        assert_eq!(megabits("0 Gb/sec"), None);
        assert_eq!(megabits(""), None);
        assert_eq!(megabits("9999999999999999999999 Gb/sec"), None);
    }

    #[test]
    fn a_gid_has_eight_groups_of_four() {
        assert_eq!(
            address("0000:0000:0000:0000:0000:ffff:0b00:0048"),
            Some("::ffff:11.0.0.72".parse().unwrap())
        );
        for broken in ["", "0000:0000", "0000:0000:0000:0000:0000:ffff:0b00:004", "::1"] {
            assert_eq!(address(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_function_is_the_last_address_of_the_path() {
        let link = "../../devices/pci0000:15/0000:15:01.0/0000:1a:00.0/mlx5_core.sf.4/infiniband/mlx5_4";
        let path = pci_path(link).unwrap();
        assert_eq!(pci_address(&path).as_deref(), Some("0000:1a:00.0"));
        assert_eq!(pci_path("../../devices/virtual/infiniband/rxe0"), None);
    }
}
