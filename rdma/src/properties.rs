//! What holds for every inventory, environment and options, also those that no machine has.

use super::options::{Expect, Functions, GidScope, Options, Pattern, Rdma, UcxTcp};
use super::{Decision, Plan, plan};
use crate::inventory::{
    Access, Device, Gid, GidType, Interface, Inventory, LinkLayer, LocalIpv6, Network, Port, PortState,
    Process, Route, VERSION, Verbs,
};
use prefill_core::environment as env;
use prefill_core::environment::Environment;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const NETDEVS: [&str; 4] = ["eth0", "net1", "net2", "foreign0"];
const GIDS: [&str; 7] = [
    "fe80::1",
    "::ffff:10.1.0.1",
    "::ffff:10.1.0.2",
    "::ffff:192.168.7.9",
    "fd00:ffff::1",
    "2001:db8::5",
    "fe80::2",
];
const NAMES: [&str; 6] = ["mlx5_0", "mlx5_1", "mlx5_10", "ibp0", "bnxt_re0", "bad,name"];

fn gid() -> impl Strategy<Value = Gid> {
    let kind = option::weighted(0.9, select(vec![GidType::V1, GidType::V2]));
    let netdev = option::weighted(0.9, select(NETDEVS.to_vec()));
    let index = option::weighted(0.2, 1_u32..4);
    (0_u32..12, select(GIDS.to_vec()), kind, netdev, index).prop_map(
        |(index, gid, kind, netdev, netdev_index)| Gid {
            index,
            gid: gid.parse().unwrap(),
            kind,
            netdev: netdev.map(str::to_owned),
            netdev_index,
        },
    )
}

fn port() -> impl Strategy<Value = Port> {
    let state = prop_oneof![4 => Just(PortState::Active), 1 => Just(PortState::Down), 1 => Just(PortState::ActiveDefer)];
    let link = prop_oneof![
        5 => Just(LinkLayer::Ethernet), 2 => Just(LinkLayer::InfiniBand), 1 => Just(LinkLayer::Unspecified)
    ];
    let rate = option::weighted(0.9, select(vec![100_000_u64, 400_000]));
    (state, link, rate, vec(gid(), 0..6)).prop_map(|(state, link_layer, megabits, mut gids)| {
        gids.sort_by_key(|gid| gid.index);
        gids.dedup_by_key(|gid| gid.index);
        Port {
            number: 0,
            state,
            physical_state: None,
            link_layer,
            megabits,
            mtu: None,
            netdevs: Vec::new(),
            gids,
        }
    })
}

fn device() -> impl Strategy<Value = Device> {
    let driver = option::weighted(0.9, select(vec!["mlx5_core", "bnxt_en", "mana", "efa"]));
    let kind = prop_oneof![8 => Just("CA"), 1 => Just("RNIC")];
    (driver, kind, any::<(bool, bool)>(), 0_u8..10, vec(port(), 0..3)).prop_map(
        |(driver, node_type, (virtual_function, software), closed, mut ports)| {
            for (port, number) in ports.iter_mut().zip(1..) {
                port.number = number;
            }
            Device {
                name: String::new(),
                driver: driver.map(str::to_owned),
                node_type: Some(node_type.to_owned()),
                model: (closed % 2 == 0).then(|| "MT4129".to_owned()),
                firmware: None,
                pci: None,
                pci_path: None,
                numa_node: None,
                virtual_function,
                software: software && closed > 7,
                uverbs: None,
                access: if closed == 0 { Access::Closed("no".to_owned()) } else { Access::Open },
                ports,
            }
        },
    )
}

fn network() -> impl Strategy<Value = Network> {
    let up = any::<[bool; 4]>();
    let known = option::weighted(0.9, vec(select(GIDS.to_vec()), 0..7));
    (up, known, any::<bool>()).prop_map(|(up, addresses, routed)| {
        let interface = |((name, up), index): ((&str, bool), u32)| Interface {
            name: name.to_owned(),
            index: Some(index),
            up,
            loopback: name == "lo",
            mtu: None,
        };
        let all = addresses
            .map(|texts| texts.into_iter().map(|text| text.parse::<Ipv6Addr>().unwrap()).collect::<Vec<_>>());
        Network {
            interfaces: Some(
                ["lo", "eth0", "net1", "net2"].into_iter().zip(up).zip(1..).map(interface).collect(),
            ),
            ipv4: all.as_ref().map(|all| all.iter().filter_map(Ipv6Addr::to_ipv4_mapped).collect()),
            ipv6: all.map(|all| {
                let local = |address| LocalIpv6 { address, interface: "net1".to_owned() };
                all.into_iter().map(local).collect()
            }),
            routes: if routed { vec![default_route()] } else { Vec::new() },
        }
    })
}

fn default_route() -> Route {
    Route {
        destination: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        prefix: 0,
        gateway: None,
        interface: "eth0".to_owned(),
        metric: 0,
    }
}

pub(crate) fn inventory() -> impl Strategy<Value = Inventory> {
    (vec(device(), 0..NAMES.len()), network(), any::<bool>()).prop_map(|(mut devices, network, verbs)| {
        for ((device, name), place) in devices.iter_mut().zip(NAMES).zip(0..) {
            device.name = name.to_owned();
            device.pci = Some(format!("0000:{place:02x}:00.0"));
            device.pci_path = Some(format!("pci0000:00/0000:{place:02x}:00.0"));
        }
        let reason = "none".to_owned();
        Inventory {
            version: VERSION,
            verbs: if verbs { Verbs::Library(reason) } else { Verbs::Missing(reason) },
            devices,
            network,
            process: Process::default(),
            gpus: None,
            warnings: Vec::new(),
        }
    })
}

pub(crate) fn environment() -> impl Strategy<Value = Environment> {
    let variables = vec![
        (env::NCCL_IB_HCA, "mlx5"),
        (env::NCCL_IB_HCA, ""),
        (env::NCCL_IB_GID_INDEX, "3"),
        (env::NCCL_IB_GID_INDEX, "three"),
        (env::NCCL_IB_GID_INDEX, "-1"),
        (env::UCX_IB_GID_INDEX, "auto"),
        (env::UCX_IB_ROCE_SUBNETS, "10.0.0.0/8"),
        (env::UCX_TLS, "tcp,cuda_copy"),
        (env::NVSHMEM_HCA_LIST, "^mlx5_1"),
        (env::NCCL_NET, "gIB"),
        (env::KSERVE_INFER_ROCE, "true"),
        (env::KSERVE_INFER_ROCE, "True"),
        (env::KSERVE_INFER_IB_GID_INDEX_GREP, "RoCE v1"),
        (env::LWS_LEADER_ADDRESS, "10.1.0.9"),
        ("PCIDEVICE_RDMA", "0000:00:00.0,0000:01:00.0"),
        ("PCIDEVICE_RDMA", "0000:ff:00.0"),
    ];
    vec(select(variables), 0..4).prop_map(|chosen| chosen.into_iter().collect())
}

pub(crate) fn options() -> impl Strategy<Value = Options> {
    let pattern =
        || prop_oneof![3 => Just(None), 1 => select(vec![Some("mlx5_*"), Some("*:1"), Some("nothing")])];
    let patterns = |text: Option<&str>| text.map(Pattern::new).into_iter().collect::<Vec<_>>();
    (
        select(vec![Rdma::Auto, Rdma::Require]),
        (pattern(), pattern()),
        select(vec![Functions::Any, Functions::Physical, Functions::Virtual]),
        select(vec![GidScope::Local, GidScope::Local, GidScope::Any]),
        select(vec![None, Some(Expect::All), Some(Expect::Ports(3))]),
        select(vec![UcxTcp::Loopback, UcxTcp::Interface, UcxTcp::None]),
    )
        .prop_map(move |(rdma, (include, exclude), functions, gids, expect, ucx_tcp)| Options {
            rdma,
            include: patterns(include),
            exclude: patterns(exclude),
            functions,
            gids,
            expect,
            ucx_tcp,
            leader: None,
        })
}

fn set<'p>(plan: &'p Plan, name: &str) -> Option<&'p str> {
    plan.environment().find(|(other, _)| *other == name).map(|(_, value)| value)
}

const INDICES: [&str; 3] = [env::NCCL_IB_GID_INDEX, env::NVSHMEM_IB_GID_INDEX, env::UCX_IB_GID_INDEX];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_plan_is_sound(inventory in inventory(), environment in environment(), options in options()) {
        let plan = plan(&inventory, &environment, &options);
        let kept: BTreeSet<(&str, u32)> = plan.kept.iter().map(|one| (one.device.as_str(), one.port)).collect();
        let find = |name: &str| inventory.devices.iter().find(|device| device.name == name).unwrap();

        // Each port has one answer, and those that are used can be.
        for device in &inventory.devices {
            let whole = plan.excluded.iter().any(|one| one.device == device.name && one.port.is_none());
            for port in &device.ports {
                let here = plan.excluded.iter().any(|one| one.device == device.name && one.port == Some(port.number));
                let used = kept.contains(&(device.name.as_str(), port.number));
                prop_assert_eq!(u8::from(whole) + u8::from(here) + u8::from(used), 1);
                if used {
                    prop_assert_eq!(&device.access, &Access::Open);
                    prop_assert_eq!(port.state, PortState::Active);
                    prop_assert!(port.link_layer != LinkLayer::Unspecified);
                }
            }
        }

        // Nothing is set twice, to nothing, or over the user.
        let mut names = BTreeSet::new();
        for (name, value) in plan.environment() {
            prop_assert!(names.insert(name), "{name} twice");
            prop_assert!(!value.is_empty() && !value.split(',').any(str::is_empty), "{name}={value}");
            prop_assert!(environment.get(name).is_none(), "{name} is the user's");
        }

        // Lists name what is kept, and nothing else.
        for name in [env::NCCL_IB_HCA, env::NVSHMEM_HCA_LIST, env::UCX_NET_DEVICES] {
            let Some(list) = set(&plan, name) else { continue };
            for entry in list.trim_start_matches('=').split(',') {
                let (device, port) = entry.split_once(':').unwrap_or((entry, "1"));
                let tcp = name == env::UCX_NET_DEVICES && (entry == "lo" || NETDEVS.contains(&entry));
                prop_assert!(tcp || kept.contains(&(device, port.parse().unwrap())), "{name}={list}");
            }
        }

        // An index that we chose is right on every port, and no InfiniBand port is among them.
        for name in INDICES {
            let (Some(index), None) = (set(&plan, name), environment.get(env::NCCL_IB_GID_INDEX)) else { continue };
            for (device, number) in &kept {
                let port = find(device).ports.iter().find(|port| port.number == *number).unwrap();
                prop_assert!(port.link_layer == LinkLayer::Ethernet, "{name} with an InfiniBand port");
                let gid = port.gids.iter().find(|gid| gid.index.to_string() == index);
                let foreign = |gid: &Gid| gid.netdev.as_deref() == Some("foreign0") && options.gids == GidScope::Local;
                prop_assert!(gid.is_some_and(|gid| gid.kind.is_some() && !foreign(gid)), "{name}={index}");
            }
        }
        if kept.iter().any(|(device, _)| find(device).ports.iter().any(|port| port.link_layer == LinkLayer::InfiniBand && kept.contains(&(*device, port.number)))) {
            prop_assert_eq!(set(&plan, env::UCX_IB_GID_INDEX), None);
        }

        // The order of devices means nothing, and twice is once.
        let mut turned = inventory.clone();
        turned.devices.reverse();
        prop_assert_eq!(&super::plan(&turned, &environment, &options), &plan);

        // Under `require`, nothing usable is a failure that says so.
        if options.rdma == Rdma::Require && kept.is_empty() {
            prop_assert!(plan.failure.is_some());
        }
    }

    #[test]
    fn an_inventory_is_its_json(inventory in inventory()) {
        let text = serde_json::to_string(&inventory).unwrap();
        prop_assert_eq!(serde_json::from_str::<Inventory>(&text).unwrap(), inventory);
    }
}

/// The table of `docs/rdma.md`.
#[test]
fn flag_and_variable_decide_together() {
    let rows = [
        (None, [true, true, false], [false, false, false]),
        (Some("true"), [true, true, false], [false, false, true]),
        (Some("false"), [false, true, false], [false, true, false]),
        (Some("True"), [true, true, false], [true, true, true]),
    ];
    for (variable, looks, warns) in rows {
        let environment: Environment =
            variable.map(|value| (env::KSERVE_INFER_ROCE, value)).into_iter().collect();
        for ((mode, look), warn) in [Rdma::Auto, Rdma::Require, Rdma::Off].into_iter().zip(looks).zip(warns) {
            let (found, warning) = super::options::look(mode, &environment);
            assert_eq!((found.is_ok(), warning.is_some()), (look, warn), "{variable:?} {mode:?}");
        }
    }
}

#[test]
fn what_is_not_looked_for_is_not_decided_about() {
    let environment: Environment = [(env::NCCL_IB_HCA, "mlx5")].into_iter().collect();
    let inventory = Inventory {
        version: VERSION,
        verbs: Verbs::Missing(String::new()),
        devices: Vec::new(),
        network: Network::default(),
        process: Process::default(),
        gpus: None,
        warnings: Vec::new(),
    };
    let off = plan(&inventory, &environment, &Options { rdma: Rdma::Off, ..Options::default() });
    assert!(off.off.is_some() && off.variables.is_empty() && off.failure.is_none());
    let auto = plan(&inventory, &environment, &Options::default());
    assert!(auto.variables.iter().all(|variable| !matches!(variable.decision, Decision::Set(_))));
}
