//! What RDMA hardware and network one pod sees. `prefill-launcher probe` writes it, `plan` reads it,
//! a bug report carries it. It says what is there; what follows from it is the rest of this crate's.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The version of the types on this page. An inventory of another one is refused.
pub const VERSION: u32 = 1;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inventory {
    /// [`VERSION`] of the program that wrote it.
    pub version: u32,
    /// Whether libibverbs could be asked.
    pub verbs: Verbs,
    /// RDMA devices, by PCI path, then name.
    pub devices: Vec<Device>,
    /// This network namespace.
    pub network: Network,
    /// The process that looked, which is what vLLM will be.
    pub process: Process,
    /// PCI addresses of the GPUs that NVIDIA's driver shows here; absent without that driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Vec<String>>,
    /// What could not be read, and where two sources disagree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Whether libibverbs could be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Verbs {
    /// This library answered.
    Library(String),
    /// It could not, for this reason; the inventory is what sysfs and `/dev/infiniband` say.
    Missing(String),
    /// It was not to be: another machine's files were read, of which this one's library knows nothing.
    NotAsked,
}

impl Verbs {
    /// Why it did not answer, where it was asked.
    pub fn fault(&self) -> Option<&str> {
        match self {
            Self::Missing(reason) => Some(reason),
            Self::NotAsked | Self::Library(_) => None,
        }
    }
}

/// One RDMA device (HCA).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Device {
    /// Name in `/sys/class/infiniband`.
    pub name: String,
    /// Kernel driver of the PCI function (`mlx5_core`); none for software devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Node type as the kernel names it: `CA`, `RNIC`, `usNIC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_type: Option<String>,
    /// Model (`hca_type`): `MT4129`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Firmware version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// PCI address: `0000:1a:00.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci: Option<String>,
    /// PCI path below `/sys/devices`: `pci0000:15/0000:15:01.0/0000:1a:00.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci_path: Option<String>,
    /// NUMA node of the PCI function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numa_node: Option<u32>,
    /// Whether it is an SR-IOV virtual function.
    #[serde(default, skip_serializing_if = "is_false")]
    pub virtual_function: bool,
    /// Whether it is made of software on top of a network interface (soft-RoCE, siw).
    #[serde(default, skip_serializing_if = "is_false")]
    pub software: bool,
    /// Its node in `/dev/infiniband`: `uverbs0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uverbs: Option<String>,
    /// Whether this process can open it.
    pub access: Access,
    /// Its ports, by number.
    pub ports: Vec<Port>,
}

/// Whether this process can open a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Access {
    /// It was opened.
    Open,
    /// It was not, for this reason.
    Closed(String),
}

/// One port of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Port {
    /// Number, from 1.
    pub number: u32,
    /// Logical state.
    pub state: PortState,
    /// Physical state as the kernel names it: `LinkUp`, `Polling`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_state: Option<String>,
    /// What the link speaks.
    pub link_layer: LinkLayer,
    /// Rate in Mbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub megabits: Option<u64>,
    /// Active MTU of the RDMA link, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Network interfaces of the device's PCI function, as far as this namespace shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub netdevs: Vec<String>,
    /// The entries of its GID table that are not empty, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gids: Vec<Gid>,
}

/// State of a port; the kernel's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PortState {
    /// 1: no link.
    Down,
    /// 2: link, not configured by the subnet manager.
    Init,
    /// 3: configured, not yet enabled.
    Armed,
    /// 4: the only state in which NCCL uses a port.
    Active,
    /// 5: active, with errors on the link.
    ActiveDefer,
    /// Any other number, or unreadable.
    Unknown,
}

impl fmt::Display for PortState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "DOWN",
            Self::Init => "INIT",
            Self::Armed => "ARMED",
            Self::Active => "ACTIVE",
            Self::ActiveDefer => "ACTIVE_DEFER",
            Self::Unknown => "UNKNOWN",
        })
    }
}

/// What a link speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LinkLayer {
    /// Native InfiniBand.
    InfiniBand,
    /// Ethernet: RoCE, or iWARP where the node type is `RNIC`.
    Ethernet,
    /// Neither (EFA, usNIC), or unreadable.
    Unspecified,
}

impl fmt::Display for LinkLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InfiniBand => "InfiniBand",
            Self::Ethernet => "Ethernet",
            Self::Unspecified => "unspecified",
        })
    }
}

/// One entry of a port's GID table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gid {
    /// Its place in the table, from 0.
    pub index: u32,
    /// The 16 bytes, written as an IPv6 address (`::ffff:10.0.0.1` is an IPv4 one).
    pub gid: Ipv6Addr,
    /// Its type; none where it could not be read.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<GidType>,
    /// Its network interface, where the kernel names one. It may be one of another namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netdev: Option<String>,
    /// Index of that interface in its own namespace, where libibverbs gave one. Two namespaces may each have
    /// an interface of one name; indices that differ tell them apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netdev_index: Option<u32>,
}

/// Type of a GID; the kernel's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GidType {
    /// InfiniBand, or RoCE v1: not routable.
    #[serde(rename = "IB/RoCE v1")]
    V1,
    /// RoCE v2: UDP.
    #[serde(rename = "RoCE v2")]
    V2,
}

impl GidType {
    /// The text in `gid_attrs/types`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::V1 => "IB/RoCE v1",
            Self::V2 => "RoCE v2",
        }
    }
}

/// Which addresses a GID stands for, in order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `::ffff:a.b.c.d`: bytes 0 to 9 are zero, 10 and 11 are `ff`.
    Ipv4,
    /// IPv6 that routers forward (global and unique local addresses).
    Ipv6,
    /// `fe80::/10`, which no router forwards.
    LinkLocal,
}

impl Gid {
    /// Which addresses it stands for.
    pub fn family(&self) -> Family {
        if self.gid.to_ipv4_mapped().is_some() {
            Family::Ipv4
        } else if self.gid.segments()[0] & 0xffc0 == 0xfe80 {
            Family::LinkLocal
        } else {
            Family::Ipv6
        }
    }

    /// The address that an interface must have for this GID to be its own.
    pub fn address(&self) -> IpAddr {
        self.gid.to_ipv4_mapped().map_or(IpAddr::V6(self.gid), IpAddr::V4)
    }
}

/// This network namespace. A part that could not be read is none: nothing follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// Interfaces, by index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<Vec<Interface>>,
    /// Local IPv4 addresses (`/proc/net/fib_trie`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Vec<Ipv4Addr>>,
    /// Local IPv6 addresses (`/proc/net/if_inet6`); empty where IPv6 is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Vec<LocalIpv6>>,
    /// The main routing tables, in the kernel's order.
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// A network interface of this namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// Index; none where unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// Whether it is up (`IFF_UP`) and not without a link (`operstate`).
    pub up: bool,
    /// Whether it is a loopback interface (`IFF_LOOPBACK`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub loopback: bool,
    /// MTU, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// A local IPv6 address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalIpv6 {
    /// The address.
    pub address: Ipv6Addr,
    /// Its interface.
    pub interface: String,
}

/// One route of the main table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// Destination network.
    pub destination: IpAddr,
    /// Length of its prefix, bits.
    pub prefix: u8,
    /// Next hop; none where the network is on the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Outgoing interface.
    pub interface: String,
    /// Metric; the lowest of equal prefixes is used.
    #[serde(default)]
    pub metric: u32,
}

/// The process that looked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Process {
    /// Effective user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// Effective capabilities as the kernel writes them (`CapEff`), hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}
