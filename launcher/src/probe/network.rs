//! This network namespace: interfaces, local addresses, routes.

use crate::root::Root;
use prefill_rdma::inventory::{Interface, LocalIpv6, Network, Route};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `IFF_UP` and `IFF_LOOPBACK` of linux/if.h.
const UP: u32 = 0x1;
const LOOPBACK: u32 = 0x8;
/// `RTF_UP`, `RTF_GATEWAY` and `RTF_REJECT` of linux/route.h.
const ROUTE_UP: u32 = 0x1;
const ROUTE_GATEWAY: u32 = 0x2;
const ROUTE_REJECT: u32 = 0x200;
/// An address of this machine, as the kernel lists it among the routes of IPv6, on the interface that has it.
const ROUTE_LOCAL: u32 = 0x8000_0000;
/// What stands for the interface of a route that leads nowhere (blackhole, unreachable).
const NOWHERE: &str = "*";
/// `IFA_F_DADFAILED` and `IFA_F_TENTATIVE` of `linux/if_addr.h`: nobody can use such an address.
const UNUSABLE: u32 = 0x08 | 0x40;

/// What is there. What cannot be read is none, and `warnings` says so.
pub(super) fn read(root: &Root, warnings: &mut Vec<String>) -> Network {
    let mut missing = |path: &str, error: rustix::io::Errno| {
        warnings.push(format!("`/{path}` cannot be read: {error}"));
    };
    let interfaces = interfaces(root).map_err(|error| missing("sys/class/net", error)).ok();
    let ipv4 = root.read("proc/net/fib_trie");
    let ipv4 = ipv4.map(|text| local_ipv4(&text)).map_err(|error| missing("proc/net/fib_trie", error)).ok();
    // No such file: a kernel without IPv6, which has no address. That is knowledge, not ignorance.
    let ipv6 = match root.read("proc/net/if_inet6") {
        Ok(text) => Some(local_ipv6(&text)),
        Err(rustix::io::Errno::NOENT) => Some(Vec::new()),
        Err(error) => {
            missing("proc/net/if_inet6", error);
            None
        }
    };
    let mut routes = match root.read("proc/net/route") {
        Ok(text) => routes_ipv4(&text),
        Err(error) => {
            missing("proc/net/route", error);
            Vec::new()
        }
    };
    routes.extend(root.read("proc/net/ipv6_route").map(|text| routes_ipv6(&text)).unwrap_or_default());
    Network { interfaces, ipv4, ipv6, routes }
}

fn interfaces(root: &Root) -> Result<Vec<Interface>, rustix::io::Errno> {
    let class = root.directory("sys/class/net")?;
    let mut all: Vec<Interface> = Vec::new();
    for name in class.names() {
        // `bonding_masters` stands among the interfaces and is a file.
        class.link(&name);
        let Ok(directory) = class.directory(&name) else { continue };
        let flags = directory.read("flags").ok().and_then(|text| hexadecimal(&text)).unwrap_or(0);
        let state = directory.read("operstate").unwrap_or_default();
        let linked = !matches!(state.as_str(), "down" | "lowerlayerdown" | "notpresent");
        all.push(Interface {
            index: directory.read("ifindex").ok().and_then(|text| text.parse().ok()),
            up: flags & UP != 0 && linked,
            loopback: flags & LOOPBACK != 0,
            mtu: directory.read("mtu").ok().and_then(|text| text.parse().ok()),
            name,
        });
    }
    all.sort_by(|a, b| (a.index, &a.name).cmp(&(b.index, &b.name)));
    Ok(all)
}

/// A leaf of the trie is `|-- ADDRESS`; the line below a local one says `/32 host LOCAL`.
fn local_ipv4(text: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut leaf: Option<Ipv4Addr> = None;
    for line in text.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.trim().parse().ok();
        } else if let Some(address) = leaf.filter(|_| line.starts_with("/32 host LOCAL")) {
            found.push(address);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// `fe80…0001 02 40 20 80 eth0`: address, index, prefix, scope and flags, all hexadecimal.
fn local_ipv6(text: &str) -> Vec<LocalIpv6> {
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let address = ipv6(words.next()?)?;
        let flags = hexadecimal(words.nth(3)?)?;
        let interface = words.next()?.to_owned();
        (flags & UNUSABLE == 0).then_some(LocalIpv6 { address, interface })
    };
    text.lines().filter_map(line).collect()
}

/// Words: interface, destination, gateway, flags, …, metric, mask; addresses in the machine's byte order.
fn routes_ipv4(text: &str) -> Vec<Route> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [interface, destination, gateway, flags, _, _, metric, mask, ..] = words.as_slice() else {
            return None;
        };
        let flags = hexadecimal(flags)?;
        if flags & ROUTE_REJECT != 0 || *interface == NOWHERE {
            return None;
        }
        let address = |text: &str| Some(Ipv4Addr::from(hexadecimal(text)?.to_ne_bytes()));
        let prefix = hexadecimal(mask)?.count_ones();
        (flags & ROUTE_UP != 0).then_some(Route {
            destination: IpAddr::V4(address(destination)?),
            prefix: u8::try_from(prefix).ok()?,
            gateway: if flags & ROUTE_GATEWAY == 0 { None } else { Some(IpAddr::V4(address(gateway)?)) },
            interface: (*interface).to_owned(),
            metric: metric.parse().ok()?,
        })
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// Words: destination, its prefix, source, its prefix, next hop, metric, references, uses, flags, interface.
fn routes_ipv6(text: &str) -> Vec<Route> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [destination, prefix, _, _, gateway, metric, _, _, flags, interface] = words.as_slice() else {
            return None;
        };
        let flags = hexadecimal(flags)?;
        let destination = ipv6(destination)?;
        // The kernel's own entries stand here too: local addresses, multicast, and what leads nowhere on `lo`.
        let own =
            flags & (ROUTE_REJECT | ROUTE_LOCAL) != 0 || destination.is_multicast() || *interface == "lo";
        if flags & ROUTE_UP == 0 || own {
            return None;
        }
        Some(Route {
            destination: IpAddr::V6(destination),
            prefix: u8::try_from(hexadecimal(prefix)?).ok()?,
            gateway: if flags & ROUTE_GATEWAY == 0 { None } else { Some(IpAddr::V6(ipv6(gateway)?)) },
            interface: (*interface).to_owned(),
            metric: hexadecimal(metric)?,
        })
    };
    text.lines().filter_map(line).collect()
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    (text.len() == 32).then_some(())?;
    u128::from_str_radix(text, 16).ok().map(Ipv6Addr::from_bits)
}

#[cfg(test)]
mod tests {
    use super::{local_ipv4, local_ipv6, routes_ipv4, routes_ipv6};

    #[test]
    fn a_local_address_is_a_host_leaf() {
        let text = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 10.1.0.0\n        /24 link UNICAST\nLocal:\n     |-- 10.1.0.7\n        /32 host LOCAL\n     |-- 10.1.0.255\n        /32 link BROADCAST\n";
        assert_eq!(local_ipv4(text), ["10.1.0.7".parse::<std::net::Ipv4Addr>().unwrap()]);
    }

    #[test]
    fn an_address_that_is_still_being_checked_is_not_local_yet() {
        let text = "fe800000000000000000000000000001 02 40 20 80     eth0\n\
                    fd000000000000000000000000000002 02 40 00 c0     eth0\nhalf a line\n";
        let found = local_ipv6(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].interface, "eth0");
    }

    #[test]
    fn routes_are_read_from_both_tables() {
        let ipv4 = format!(
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
             eth0\t00000000\t{:08X}\t0003\t0\t0\t0\t00000000\t0\t0\t0\nbroken\n\
             *\t0000010A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
             *\t00000000\t00000000\t0201\t0\t0\t9\t00000000\t0\t0\t0\n",
            u32::from_ne_bytes([10, 0, 0, 1])
        );
        let found = routes_ipv4(&ipv4);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].prefix, found[0].gateway), (0, Some("10.0.0.1".parse().unwrap())));
        let ipv6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
                    fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n";
        let found = routes_ipv6(ipv6);
        assert_eq!((found[0].prefix, found[0].metric, found[0].interface.as_str()), (0, 1024, "eth0"));
    }

    #[test]
    fn what_the_kernel_lists_beside_routes_is_no_way_to_a_peer() {
        // As Linux 6.1 lists them: the network, the address itself, multicast.
        let zero = "00000000000000000000000000000000";
        let line = |to: &str, prefix: &str, flags: &str| {
            format!("{to} {prefix} {zero} 00 {zero} 00000100 00000001 00000000 {flags}     net1\n")
        };
        let text = line("fd000000000000000000000000000000", "40", "00000001")
            + &line("fd000000000000000000000000000001", "80", "80200001")
            + &line("ff000000000000000000000000000000", "08", "00000001");
        let found = routes_ipv6(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].prefix, found[0].interface.as_str()), (64, "net1"));
    }
}
