//! The network as one pod can judge it: MTUs, the leader, holes in GID tables.

use super::codes::Code;
use super::{Case, Finding, Leader, Severity, listed};
use crate::inventory::{LinkLayer, Port};
use crate::libraries::{Index, Library};
use crate::{Decision, label};
use prefill_core::environment as env;
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    [mtu, leader, sparse].into_iter().filter_map(|check| check(case)).collect()
}

/// A port that is used: its name, itself, and the MTU of its interface.
type Used<'a> = (String, &'a Port, Option<u32>);

fn used(case: Case<'_>) -> Vec<Used<'_>> {
    let one = |kept: &crate::Kept| {
        let netdev = kept.gid.as_ref().and_then(|gid| gid.netdev.as_deref());
        let interfaces = case.inventory.network.interfaces.iter().flatten();
        let mtu =
            interfaces.into_iter().find(|one| Some(one.name.as_str()) == netdev).and_then(|one| one.mtu);
        Some((label(&kept.device, kept.port), case.port(kept)?, mtu))
    };
    case.plan.kept.iter().filter_map(one).collect()
}

/// Peers' MTUs cannot be seen, but rails that differ here differ from their peers' too.
fn mtu(case: Case<'_>) -> Option<Finding> {
    let used = used(case);
    let differ = [LinkLayer::Ethernet, LinkLayer::InfiniBand].into_iter().any(|link| {
        let same = || used.iter().filter(|(_, port, _)| port.link_layer == link);
        let active: BTreeSet<u32> = same().filter_map(|(_, port, _)| port.mtu).collect();
        let of_netdevs: BTreeSet<u32> = same().filter_map(|(_, _, mtu)| *mtu).collect();
        active.len() > 1 || of_netdevs.len() > 1
    });
    let describe = |(label, port, netdev): &Used<'_>| {
        let active = port.mtu.map(|mtu| format!("active_mtu {mtu}"));
        let netdev = netdev.map(|mtu| format!("interface {mtu}"));
        let parts: Vec<String> = [active, netdev].into_iter().flatten().collect();
        format!("`{label}`: {}", parts.join(", "))
    };
    differ.then(|| {
        let ports: Vec<String> = used.iter().map(describe).collect();
        Finding::new(
            Code::MtuMismatch,
            Severity::Warning,
            listed(&ports),
            "the rails' MTUs differ: a pair of ports whose MTUs differ loses large packets (NCCL: status 12, vendor error 129)",
            "give all rails one MTU (9000 on the interface gives 4096 on RoCE), also on the switches and in the other pods",
        )
    })
}

fn leader(case: Case<'_>) -> Option<Finding> {
    let network = &case.inventory.network;
    let address = match case.facts.leader.as_ref()? {
        Leader::At(address) => *address,
        Leader::Unresolved(reason) => {
            return Some(Finding::new(
                Code::LeaderUnresolved,
                Severity::Warning,
                format!("`{}`: {reason}", env::LWS_LEADER_ADDRESS),
                "the leader's name has no address yet: a worker waits for it",
                "look whether the leader's pod runs, and whether the group's headless Service publishes addresses that are not ready",
            ));
        }
    };
    let local = network.is_local(address, None) == Some(true);
    let same_family = |route: &&crate::inventory::Route| route.destination.is_ipv4() == address.is_ipv4();
    // A table that could not be read is empty.
    let known = network.routes.iter().any(|route| same_family(&route));
    (!local && known && network.interface_toward(address).is_none()).then(|| {
        let family = if matches!(address, IpAddr::V4(_)) { "IPv4" } else { "IPv6" };
        Finding::new(
            Code::NoRouteToLeader,
            Severity::Error,
            format!(
                "`/proc/net/route`, `/proc/net/ipv6_route`: no {family} route contains the leader's address"
            ),
            "this pod cannot reach its leader, so data parallelism does not start",
            "give the pod a route to it: usually its network attachment took the default route away",
        )
    })
}

/// NCCL reads types entry by entry. Where the kernel hides another pod's entry from sysfs but not from libibverbs,
/// the type is unreadable, and versions 2.21 to 2.25 stop there.
fn sparse(case: Case<'_>) -> Option<Finding> {
    let index_is_set = case.plan.variables.iter().any(|one| {
        one.name == env::NCCL_IB_GID_INDEX
            && match &one.decision {
                Decision::Set(value) | Decision::Kept(value) => {
                    Library::Nccl.index(value) != Index::Automatic
                }
                Decision::Withheld | Decision::Removed => false,
            }
    });
    if index_is_set {
        return None;
    }
    let hole = |port: &Port| {
        let last = port.gids.iter().map(|gid| gid.index).max()?;
        let empty = |index: &u32| port.gids.iter().all(|gid| gid.index != *index || gid.kind.is_none());
        (0..last).find(empty)
    };
    let holes: Vec<String> = used(case)
        .into_iter()
        .filter(|(_, port, _)| port.link_layer == LinkLayer::Ethernet)
        .filter_map(|(label, port, _)| Some(format!("`{label}`: entry {} is empty or hidden", hole(port)?)))
        .collect();
    (!holes.is_empty()).then(|| {
        Finding::new(
            Code::NcclSparseTable,
            Severity::Info,
            listed(&holes),
            "a GID table has holes: NCCL 2.21 to 2.25 may stop there (`ncclIbRoceGetVersionNum`: Invalid argument)",
            "use NCCL 2.26.2 or newer, or set `NCCL_IB_GID_INDEX` where every pod's ports have the same",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, codes, severity};
    use super::*;

    #[test]
    fn mtus_are_compared_on_the_link_and_on_the_interface() {
        let mut scene = Scene::two_rails();
        scene.inventory.devices[1].ports[0].mtu = Some(1024);
        let found = scene.diagnose();
        assert_eq!(codes(&found), [Code::MtuMismatch]);
        assert!(found[0].evidence.contains("`mlx5_1:1`: active_mtu 1024, interface 9000"), "{found:?}");
        let mut scene = Scene::two_rails();
        scene.inventory.network.interfaces.as_mut().unwrap()[3].mtu = Some(1500);
        assert_eq!(codes(&scene.diagnose()), [Code::MtuMismatch]);
        for device in &mut scene.inventory.devices {
            device.ports[0].mtu = None;
        }
        scene.inventory.network.interfaces.as_mut().unwrap()[3].mtu = None;
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "what is unknown is no mismatch");
    }

    #[test]
    fn the_leader_is_reached_or_not_or_not_known() {
        let mut scene = Scene::two_rails();
        scene.facts.leader = Some(Leader::At("10.244.9.9".parse().unwrap()));
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.inventory.network.routes.retain(|route| route.prefix != 0);
        assert_eq!(severity(&scene.diagnose(), Code::NoRouteToLeader), Some(Severity::Error));
        assert!(!format!("{:?}", scene.diagnose()).contains("10.244.9.9"), "an address of the environment");
        scene.facts.leader = Some(Leader::At("10.10.1.5".parse().unwrap()));
        assert_eq!(severity(&scene.diagnose(), Code::NoRouteToLeader), None, "it is this pod");
        scene.facts.leader = Some(Leader::At("10.244.9.9".parse().unwrap()));
        scene.inventory.network.routes.clear();
        assert_eq!(severity(&scene.diagnose(), Code::NoRouteToLeader), None, "nothing is known");
        scene.facts.leader = Some(Leader::Unresolved("no such name".to_owned()));
        assert_eq!(severity(&scene.diagnose(), Code::LeaderUnresolved), Some(Severity::Warning));
    }

    #[test]
    fn a_hole_matters_where_nccl_looks_for_itself() {
        let mut scene = Scene::two_rails();
        for (device, from) in scene.inventory.devices.iter_mut().zip([4, 6]) {
            for gid in &mut device.ports[0].gids {
                gid.index += from;
            }
        }
        scene.inventory.verbs = crate::inventory::Verbs::NotAsked;
        let found = scene.diagnose();
        assert_eq!(severity(&found, Code::NcclSparseTable), Some(Severity::Info), "{found:?}");
        scene.set(env::NCCL_IB_GID_INDEX, "7");
        assert_eq!(severity(&scene.diagnose(), Code::NcclSparseTable), None);
    }
}
