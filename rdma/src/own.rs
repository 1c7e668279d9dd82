//! What the choice of the leader's address wants to know of an inventory's network.

use crate::inventory::Network;
use prefill_core::leader::Own;

impl From<&Network> for Own {
    fn from(network: &Network) -> Self {
        let routed = |ipv4: bool| {
            network.routes.iter().any(|route| route.prefix == 0 && route.destination.is_ipv4() == ipv4)
        };
        Self {
            ipv4: network.ipv4.clone(),
            ipv6: network.ipv6.as_ref().map(|all| all.iter().map(|local| local.address).collect()),
            ipv4_route: routed(true),
            ipv6_route: routed(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, Own};
    use crate::inventory::Route;

    #[test]
    fn a_default_route_is_one_of_all_addresses_and_what_is_unknown_stays_so() {
        let route = |destination: &str, prefix| Route {
            destination: destination.parse().unwrap(),
            prefix,
            gateway: None,
            interface: "eth0".to_owned(),
            metric: 0,
        };
        let routes = vec![route("10.0.0.0", 8), route("::", 0)];
        let network = Network { ipv4: Some(vec![[10, 0, 0, 5].into()]), routes, ..Network::default() };
        let want = Own { ipv4: network.ipv4.clone(), ipv6: None, ipv4_route: false, ipv6_route: true };
        assert_eq!(Own::from(&network), want);
    }
}
