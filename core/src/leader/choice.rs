//! One address out of those that a name has. Every pod of a group must come to the same one, whatever order DNS
//! gives them in: the leader listens on it and the workers connect to it.

use super::Own;
use std::cmp::Reverse;
use std::net::IpAddr;

/// The one, and what else there was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The one.
    pub address: IpAddr,
    /// Why its family, where the name has both.
    pub family: Option<&'static str>,
    /// Further ones of the same family.
    pub same: Vec<IpAddr>,
    /// Those of the other.
    pub other: Vec<IpAddr>,
}

/// Chooses; none where there are none. Where this pod `leads`, an address that it has comes before all others.
pub fn choose(mut found: Vec<IpAddr>, own: &Own, leads: bool) -> Option<Choice> {
    let (ipv4, why) = family(own);
    found.sort_unstable();
    found.dedup();
    let address = *found.iter().min_by_key(|address| {
        let far = reaches_far(**address);
        let here = leads && far && is_here(**address, own) == Some(true);
        // Of equals the first, which is the lowest.
        (Reverse(here), !far, address.is_ipv4() != ipv4)
    })?;
    found.retain(|one| *one != address);
    let (same, other): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|one| one.is_ipv4() == address.is_ipv4());
    let why = if address.is_ipv4() == ipv4 { why } else { "the others fit less" };
    Some(Choice { address, family: (!other.is_empty()).then_some(why), same, other })
}

/// Why `address` cannot be the leader's, as far as this pod knows its own network.
pub fn doubt(address: IpAddr, own: &Own, leads: bool) -> Option<&'static str> {
    let known = if address.is_ipv4() { own.ipv4.is_some() } else { own.ipv6.is_some() };
    if leads && is_here(address, own) == Some(false) {
        Some("which this pod does not have, though it is the leader")
    } else if known
        && reaches_far(address)
        && !has(own, address.is_ipv4())
        && !own.is_routed(address.is_ipv4())
    {
        Some(if address.is_ipv4() { "and this pod has no IPv4" } else { "and this pod has no IPv6" })
    } else {
        None
    }
}

/// Whether this pod has that address; none where its addresses could not be read.
fn is_here(address: IpAddr, own: &Own) -> Option<bool> {
    // Every address of 127.0.0.0/8 is, and the kernel lists one.
    if address.is_loopback() || address.is_unspecified() { Some(true) } else { own.has(address) }
}

/// The addresses that this pod could be reached by.
pub fn locals(own: &Own) -> Vec<IpAddr> {
    let ipv4 = own.ipv4.iter().flatten().copied().map(IpAddr::V4);
    let ipv6 = own.ipv6.iter().flatten().copied().map(IpAddr::V6);
    ipv4.chain(ipv6).filter(|address| reaches_far(*address)).collect()
}

/// `10.0.0.1, fd00::1`
pub fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether other nodes may know it: neither loopback nor link-local.
fn reaches_far(address: IpAddr) -> bool {
    let near = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(near || address.is_loopback() || address.is_unspecified())
}

/// Whether IPv4 is preferred, and why. Routes come first: a rail may have addresses of another family than the
/// pod's network.
fn family(own: &Own) -> (bool, &'static str) {
    match ((own.is_routed(true), own.is_routed(false)), (has(own, true), has(own, false))) {
        ((true, false), _) => (true, "this pod's default route is IPv4"),
        ((false, true), _) => (false, "this pod's default route is IPv6"),
        ((false, false), (false, true)) => (false, "this pod has IPv6 addresses only"),
        ((false, false), (true, false)) => (true, "this pod has IPv4 addresses only"),
        _ => (true, "IPv4 is taken where nothing speaks against it"),
    }
}

fn has(own: &Own, ipv4: bool) -> bool {
    locals(own).iter().any(|address| address.is_ipv4() == ipv4)
}

#[cfg(test)]
mod tests {
    use super::{choose, doubt, locals};
    use crate::leader::Own;
    use std::net::IpAddr;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn network(locals: &[&str], routes: &[&str]) -> Own {
        let mut own = Own { ipv4: Some(Vec::new()), ipv6: Some(Vec::new()), ..Own::default() };
        for local in locals {
            match address(local) {
                IpAddr::V4(local) => own.ipv4.as_mut().unwrap().push(local),
                IpAddr::V6(local) => own.ipv6.as_mut().unwrap().push(local),
            }
        }
        own.ipv4_route = routes.contains(&"0.0.0.0");
        own.ipv6_route = routes.contains(&"::");
        own
    }

    fn chosen(found: &[&str], own: &Own, leads: bool) -> String {
        let mut found: Vec<IpAddr> = found.iter().map(|text| address(text)).collect();
        let choice = choose(found.clone(), own, leads).unwrap();
        found.reverse();
        assert_eq!(choose(found, own, leads).unwrap(), choice, "the order of the answer decides nothing");
        choice.address.to_string()
    }

    #[test]
    fn the_family_is_that_of_the_pods_own_network() {
        let both = ["fd00::5", "10.244.1.5"];
        let rows: [(&[&str], &[&str], &str); 7] = [
            (&["10.244.1.9"], &["0.0.0.0"], "10.244.1.5"),
            (&["fd00::9"], &["::"], "fd00::5"),
            // IPv4 on the rails, and a pod network of IPv6.
            (&["192.168.0.9", "fd00::9"], &["::"], "fd00::5"),
            (&["10.244.1.9", "fd00::9"], &["0.0.0.0", "::"], "10.244.1.5"),
            (&["fd00::9", "127.0.0.1", "::1"], &[], "fd00::5"),
            (&["10.244.1.9", "fe80::9"], &[], "10.244.1.5"),
            (&[], &[], "10.244.1.5"),
        ];
        for (locals, routes, want) in rows {
            assert_eq!(chosen(&both, &network(locals, routes), false), want, "{locals:?} {routes:?}");
        }
        assert_eq!(chosen(&both, &Own::default(), false), "10.244.1.5");
    }

    #[test]
    fn the_lowest_is_the_same_for_all_pods_and_the_leader_takes_its_own() {
        let found = ["10.244.1.9", "10.244.1.10", "10.244.1.9"];
        assert_eq!(chosen(&found, &network(&["10.244.1.10"], &["0.0.0.0"]), false), "10.244.1.9");
        assert_eq!(chosen(&found, &network(&["10.244.1.10"], &["0.0.0.0"]), true), "10.244.1.10");
        let own = network(&["fd00::5", "10.244.1.5"], &["0.0.0.0"]);
        assert_eq!(chosen(&["10.9.9.9", "fd00::5"], &own, true), "fd00::5", "it can listen on no other");
        assert!(choose(Vec::new(), &own, true).is_none());
    }

    #[test]
    fn what_no_other_pod_reaches_comes_last() {
        let own = network(&["10.244.1.5"], &["0.0.0.0"]);
        assert_eq!(chosen(&["127.0.1.1", "10.244.1.5"], &own, true), "10.244.1.5");
        assert_eq!(chosen(&["127.0.1.1", "10.9.9.9"], &own, true), "10.9.9.9", "as the workers do");
        assert_eq!(chosen(&["169.254.1.1", "fd00::5"], &own, false), "fd00::5");
        assert_eq!(chosen(&["fe80::5"], &own, false), "fe80::5");
    }

    #[test]
    fn further_addresses_are_kept_for_the_log() {
        let own = network(&["10.244.1.5"], &["0.0.0.0"]);
        let choice = choose(["fd00::5", "10.0.0.2", "10.0.0.1"].map(address).to_vec(), &own, false).unwrap();
        assert_eq!((choice.same, choice.other), (vec![address("10.0.0.2")], vec![address("fd00::5")]));
        assert_eq!(choice.family, Some("this pod's default route is IPv4"));
        assert_eq!(choose(vec![address("10.0.0.1")], &own, false).unwrap().family, None);
    }

    #[test]
    fn an_address_that_cannot_be_the_leaders_is_doubted() {
        let own = network(&["10.244.1.5", "fe80::5", "127.0.0.1"], &["0.0.0.0"]);
        assert_eq!(locals(&own), ["10.244.1.5"].map(address));
        let doubts = |text: &str, leads: bool| doubt(address(text), &own, leads);
        for text in ["10.244.1.5", "127.0.1.1", "::1", "0.0.0.0"] {
            assert_eq!((doubts(text, true), doubts(text, false)), (None, None), "{text}");
        }
        assert_eq!(doubts("10.244.1.6", true), Some("which this pod does not have, though it is the leader"));
        assert_eq!(doubts("10.244.1.6", false), None);
        assert_eq!(doubts("fd00::6", false), Some("and this pod has no IPv6"));
        let routed = network(&["10.244.1.5"], &["::"]);
        assert_eq!(doubt(address("fd00::6"), &routed, false), None, "the kernel has a way there");
        for leads in [true, false] {
            assert_eq!(doubt(address("fd00::6"), &Own::default(), leads), None, "nothing could be read");
        }
    }
}
