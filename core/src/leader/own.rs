//! What a pod knows of its own network, as far as the leader's address depends on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A pod's own addresses and ways out. What could not be read is none, and decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Every IPv4 address.
    pub ipv4: Option<Vec<Ipv4Addr>>,
    /// Every IPv6 address.
    pub ipv6: Option<Vec<Ipv6Addr>>,
    /// Whether there is a default route of IPv4.
    pub ipv4_route: bool,
    /// Whether there is a default route of IPv6.
    pub ipv6_route: bool,
}

impl Own {
    /// Whether this pod has that address; none where its addresses could not be read.
    pub(super) fn has(&self, address: IpAddr) -> Option<bool> {
        match address {
            IpAddr::V4(address) => self.ipv4.as_ref().map(|all| all.contains(&address)),
            IpAddr::V6(address) => self.ipv6.as_ref().map(|all| all.contains(&address)),
        }
    }

    pub(super) fn is_routed(&self, ipv4: bool) -> bool {
        if ipv4 { self.ipv4_route } else { self.ipv6_route }
    }
}
