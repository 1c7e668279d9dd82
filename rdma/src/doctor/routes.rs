//! Whether peers can be reached from each rail, as UCX and NCCL ask it.
//!
//! UCX 1.20.1 and newer uses a RoCE port toward a peer only where the port's interface has a route to it, and no
//! other interface a more specific one, over all tables (`ucs_netlink_is_best_route`). Where the only way beyond
//! a rail's own subnet is `eth0`'s default route, peers beyond are "unreachable".

use super::codes::Code;
use super::{Case, Finding, Severity, listed};
use crate::inventory::{Network, Route};
use crate::{contains, label, ucx_without_rdma};
use prefill_core::environment as env;
use std::cmp::Reverse;
use std::net::IpAddr;

/// Reaching out from one port.
struct Reach<'a> {
    label: String,
    netdev: &'a str,
    address: IpAddr,
    /// The network on the link that its address is in.
    own: Option<&'a Route>,
    /// Whether its interface has a route beyond that.
    beyond: bool,
}

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    let network = &case.inventory.network;
    let mut found: Vec<Finding> = foreign(case).into_iter().collect();
    let reaches: Vec<Reach<'_>> = case
        .plan
        .kept
        .iter()
        .filter_map(|kept| {
            let gid = kept.gid.as_ref()?;
            let netdev = gid.netdev.as_deref()?;
            (network.has(netdev, None) == Some(true))
                .then(|| reach(network, label(&kept.device, kept.port), netdev, gid.address))
        })
        .collect();
    // Routes in other tables are not seen here, and UCX sees them.
    let complete = case.facts.other_tables == Some(false) && !network.routes.is_empty();
    let stuck: Vec<&Reach<'_>> = reaches.iter().filter(|reach| !reach.beyond).collect();
    if !complete || stuck.is_empty() {
        return found;
    }
    if asks_routes(case) {
        found.extend(alone(&stuck));
        found.extend(subnet_only(&stuck, &reaches));
    }
    if case.environment.get(env::NCCL_CROSS_NIC) != Some("0") {
        found.extend(cross(&stuck, &reaches));
    }
    found
}

fn reach<'a>(network: &'a Network, label: String, netdev: &'a str, address: IpAddr) -> Reach<'a> {
    let routes = || network.routes.iter().filter(|route| route.interface == netdev);
    let same_family = |route: &&Route| route.destination.is_ipv4() == address.is_ipv4();
    let own = routes()
        .filter(|route| route.gateway.is_none() && contains(route.destination, route.prefix, address))
        .min_by_key(|route| Reverse(route.prefix));
    let beyond = routes().filter(same_family).any(|route| route.gateway.is_some() || route.prefix == 0);
    Reach { label, netdev, address, own, beyond }
}

/// Whether UCX asks for routes at all.
fn asks_routes(case: Case<'_>) -> bool {
    let mode = case.environment.get(env::UCX_IB_ROCE_REACHABILITY_MODE);
    mode.is_none_or(|mode| mode == "route") && ucx_without_rdma(case.environment).is_none()
}

/// A network of two or four addresses is a cable to the switch: no peer is in it.
fn is_cable(reach: &Reach<'_>) -> bool {
    let bits = if reach.address.is_ipv4() { 32 } else { 128 };
    reach.own.is_none_or(|own| own.prefix >= bits - 2)
}

/// A GID whose interface is of another namespace, which `--rdma-gids=any` allows.
fn foreign(case: Case<'_>) -> Option<Finding> {
    let network = &case.inventory.network;
    let ports: Vec<String> = case
        .plan
        .kept
        .iter()
        .filter_map(|kept| {
            let netdev = kept.gid.as_ref()?.netdev.as_deref()?;
            let away = network.has(netdev, None) == Some(false);
            away.then(|| {
                format!("`{}`: `{netdev}` is not in `/sys/class/net`", label(&kept.device, kept.port))
            })
        })
        .collect();
    (asks_routes(case) && !ports.is_empty()).then(|| {
        Finding::new(
            Code::UcxRouteMode,
            Severity::Warning,
            listed(&ports),
            "UCX 1.19 and newer looks up the GID's interface in this pod, does not find it, and calls every peer unreachable",
            "set `UCX_IB_ROCE_REACHABILITY_MODE=all`",
        )
    })
}

fn alone(stuck: &[&Reach<'_>]) -> Option<Finding> {
    let ports: Vec<String> =
        stuck.iter().filter(|reach| is_cable(reach)).map(|reach| describe(reach)).collect();
    (!ports.is_empty()).then(|| {
        Finding::new(
            Code::UcxRouteMode,
            Severity::Warning,
            listed(&ports),
            "UCX 1.20.1 and newer calls every peer of these rails unreachable: no route over their interface leads to one, the default route is another interface's (`Destination is unreachable`)",
            "give the rails' networks a route over each rail's interface, or set `UCX_IB_ROCE_REACHABILITY_MODE=all`",
        )
    })
}

fn subnet_only(stuck: &[&Reach<'_>], all: &[Reach<'_>]) -> Option<Finding> {
    let ports: Vec<String> =
        stuck.iter().filter(|reach| !is_cable(reach)).map(|reach| describe(reach)).collect();
    // Rails in one subnet reach each other, and their peers are in it too.
    (!ports.is_empty() && several_subnets(all)).then(|| {
        Finding::new(
            Code::UcxRouteMode,
            Severity::Info,
            listed(&ports),
            "UCX 1.20.1 and newer reaches peers of the same subnet only over these rails: no route over their interface leads beyond",
            "where peers' rails are in other subnets, route those over each rail's interface, or set `UCX_IB_ROCE_REACHABILITY_MODE=all`",
        )
    })
}

fn cross(stuck: &[&Reach<'_>], all: &[Reach<'_>]) -> Option<Finding> {
    let ports: Vec<String> = stuck.iter().map(|reach| describe(reach)).collect();
    several_subnets(all).then(|| {
        Finding::new(
            Code::RailsNotCrossConnected,
            Severity::Info,
            listed(&ports),
            "a rail does not reach the others' subnets: where NCCL pairs different rails, it fails (`Network is unreachable`, `Connection timed out`)",
            "set `NCCL_CROSS_NIC=0` where rails are separate networks, or route between them over each rail's interface",
        )
    })
}

fn several_subnets(all: &[Reach<'_>]) -> bool {
    let mut subnets = all.iter().map(|reach| reach.own.map(|own| (own.destination, own.prefix)));
    let first = subnets.next();
    subnets.any(|other| Some(other) != first)
}

fn describe(reach: &Reach<'_>) -> String {
    let Reach { label, netdev, own, .. } = reach;
    match own {
        Some(own) => format!("`{label}`: `{netdev}` has routes to {}/{} only", own.destination, own.prefix),
        None => format!("`{label}`: `{netdev}` has no route"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, codes, route, severity};
    use super::*;

    fn unrouted() -> Scene {
        let mut scene = Scene::two_rails();
        scene.inventory.network.routes.retain(|route| route.prefix != 16);
        scene
    }

    #[test]
    fn rails_with_a_route_beyond_are_nothing_to_say() {
        assert_eq!(codes(&Scene::two_rails().diagnose()), [] as [Code; 0]);
    }

    #[test]
    fn rails_of_separate_subnets_are_a_hint_for_ucx_and_for_nccl() {
        let mut scene = unrouted();
        let found = scene.diagnose();
        assert_eq!(codes(&found), [Code::UcxRouteMode, Code::RailsNotCrossConnected]);
        assert_eq!(severity(&found, Code::UcxRouteMode), Some(Severity::Info));
        assert!(found[0].evidence.contains("`net1` has routes to 10.10.0.0/24 only"), "{found:?}");
        scene.set(env::UCX_IB_ROCE_REACHABILITY_MODE, "all");
        assert_eq!(codes(&scene.diagnose()), [Code::RailsNotCrossConnected]);
        scene.set(env::NCCL_CROSS_NIC, "0");
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.set(env::NCCL_CROSS_NIC, "2");
        scene.facts.other_tables = Some(true);
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "another table may have the route");
        scene.facts.other_tables = None;
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "and so may one that could not be read");
    }

    #[test]
    fn rails_that_are_cables_to_the_switch_reach_nobody() {
        let mut scene = unrouted();
        let routes = &mut scene.inventory.network.routes;
        routes.retain(|route| !route.interface.starts_with("net"));
        routes.push(route("10.10.0.4", 31, None, "net1"));
        routes.push(route("10.10.1.4", 31, None, "net2"));
        let found = scene.diagnose();
        assert_eq!(severity(&found, Code::UcxRouteMode), Some(Severity::Warning), "{found:?}");
        scene.set(env::UCX_TLS, "tcp,self");
        assert_eq!(severity(&scene.diagnose(), Code::UcxRouteMode), None, "UCX uses no RDMA here");
    }

    #[test]
    fn rails_of_one_subnet_reach_their_peers() {
        let mut scene = unrouted();
        let routes = &mut scene.inventory.network.routes;
        routes.retain(|route| !route.interface.starts_with("net"));
        routes.push(route("10.10.0.0", 16, None, "net1"));
        routes.push(route("10.10.0.0", 16, None, "net2"));
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
    }

    #[test]
    fn an_interface_of_another_namespace_is_unreachable_to_ucx() {
        let mut scene = Scene::two_rails();
        scene.options.gids = crate::options::GidScope::Any;
        scene.inventory.network.interfaces.as_mut().unwrap().retain(|one| !one.name.starts_with("net"));
        assert_eq!(severity(&scene.diagnose(), Code::UcxRouteMode), Some(Severity::Warning));
    }
}
