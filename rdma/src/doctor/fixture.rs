//! Two sound rails, from which each test departs.

use super::{Code, Facts, Finding, Limit, MemoryLock, Mount, Nvidia, Registration, Severity, diagnose};
use crate::inventory::{
    Access, Device, Gid, GidType, Interface, Inventory, LinkLayer, LocalIpv6, Network, Port, PortState,
    Process, Route, VERSION, Verbs,
};
use crate::{Options, Plan, plan};
use prefill_core::environment::Environment;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// What a diagnosis is made from.
pub(super) struct Scene {
    pub(super) inventory: Inventory,
    pub(super) options: Options,
    pub(super) facts: Facts,
    variables: BTreeMap<String, String>,
}

impl Scene {
    /// Two RoCE rails in one routed fabric, two GPUs near them, everything as it ought to be.
    pub(super) fn two_rails() -> Self {
        let interface = |name: &str, index, loopback| Interface {
            name: name.to_owned(),
            index: Some(index),
            up: true,
            loopback,
            mtu: Some(9000),
        };
        let network = Network {
            interfaces: Some(vec![
                interface("lo", 1, true),
                interface("eth0", 2, false),
                interface("net1", 3, false),
                interface("net2", 4, false),
            ]),
            ipv4: Some(
                ["127.0.0.1", "10.244.3.7", "10.10.0.5", "10.10.1.5"].map(|ip| ip.parse().unwrap()).into(),
            ),
            ipv6: Some(vec![local_ipv6("fe80::a288:0", "net1"), local_ipv6("fe80::a288:1", "net2")]),
            routes: vec![
                route("10.10.0.0", 24, None, "net1"),
                route("10.10.1.0", 24, None, "net2"),
                route("10.10.0.0", 16, Some("10.10.0.1"), "net1"),
                route("10.10.0.0", 16, Some("10.10.1.1"), "net2"),
                route("10.244.3.0", 24, None, "eth0"),
                route("0.0.0.0", 0, Some("10.244.3.1"), "eth0"),
            ],
        };
        Self {
            inventory: Inventory {
                version: VERSION,
                verbs: Verbs::Library("libibverbs.so.1".to_owned()),
                devices: vec![
                    rail("mlx5_0", "uverbs0", "pci0000:15/0000:15:01.0/0000:18:00.0", "net1", [10, 10, 0, 5]),
                    rail("mlx5_1", "uverbs1", "pci0000:26/0000:26:01.0/0000:29:00.0", "net2", [10, 10, 1, 5]),
                ],
                network,
                process: Process { user: Some(0), capabilities: Some("0000000000024000".to_owned()) },
                gpus: Some(vec!["0000:1b:00.0".to_owned(), "0000:2b:00.0".to_owned()]),
                warnings: Vec::new(),
            },
            options: Options::default(),
            facts: sound_facts(),
            variables: BTreeMap::new(),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn environment(&self) -> Environment {
        self.variables.clone().into_iter().collect()
    }

    pub(super) fn plan(&self) -> Plan {
        plan(&self.inventory, &self.environment(), &self.options)
    }

    pub(super) fn diagnose(&self) -> Vec<Finding> {
        diagnose(&self.inventory, &self.plan(), &self.environment(), &self.facts)
    }
}

fn sound_facts() -> Facts {
    let mount = |point: &str, file_system: &str| Mount {
        point: point.to_owned(),
        file_system: file_system.to_owned(),
        no_exec: false,
    };
    Facts {
        nodes: Some(vec!["rdma_cm".to_owned(), "uverbs0".to_owned(), "uverbs1".to_owned()]),
        first_user_namespace: Some(true),
        bounding_capabilities: Some("0000000000024000".to_owned()),
        memory_lock: Some(MemoryLock { soft: Limit::Unlimited, hard: Limit::Unlimited, raised: false }),
        registrations: ["mlx5_0", "mlx5_1"]
            .map(|device| Registration { device: device.to_owned(), bytes: 64 << 20, failure: None })
            .into(),
        kernel: Some("6.8.0-60-generic".to_owned()),
        nvidia: Nvidia {
            version: Some("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06".to_owned()),
            peer_memory: Some(vec!["/sys/module/nvidia_peermem/version".to_owned()]),
            parameters: Some((true, true)),
            gdrdrv: Some(true),
        },
        gpu_paths: vec![
            ("0000:1b:00.0".to_owned(), "pci0000:15/0000:15:01.0/0000:1b:00.0".to_owned()),
            ("0000:2b:00.0".to_owned(), "pci0000:26/0000:26:01.0/0000:2b:00.0".to_owned()),
        ],
        shared_memory: Some(8 << 30),
        mounts: Some(vec![mount("/", "overlay"), mount("/dev/shm", "tmpfs")]),
        program: Some("/opt/llm-d-prefill/prefill-launcher".to_owned()),
        authorities: Some(true),
        leader: None,
        other_tables: Some(false),
        unknown: Vec::new(),
    }
}

fn local_ipv6(address: &str, interface: &str) -> LocalIpv6 {
    LocalIpv6 { address: address.parse().unwrap(), interface: interface.to_owned() }
}

fn rail(name: &str, node: &str, path: &str, netdev: &str, address: [u8; 4]) -> Device {
    let gid = |index, gid: String, kind| Gid {
        index,
        gid: gid.parse().unwrap(),
        kind: Some(kind),
        netdev: Some(netdev.to_owned()),
        netdev_index: None,
    };
    let local = || format!("fe80::a288:{:x}", address[2]);
    let mapped = || format!("::ffff:{}", Ipv4Addr::from(address));
    Device {
        name: name.to_owned(),
        driver: Some("mlx5_core".to_owned()),
        node_type: Some("CA".to_owned()),
        model: Some("MT4129".to_owned()),
        firmware: None,
        pci: path.rsplit('/').next().map(str::to_owned),
        pci_path: Some(path.to_owned()),
        numa_node: Some(0),
        virtual_function: false,
        software: false,
        uverbs: Some(node.to_owned()),
        access: Access::Open,
        ports: vec![Port {
            number: 1,
            state: PortState::Active,
            physical_state: None,
            link_layer: LinkLayer::Ethernet,
            megabits: Some(400_000),
            mtu: Some(4096),
            netdevs: vec![netdev.to_owned()],
            gids: vec![
                gid(0, local(), GidType::V1),
                gid(1, local(), GidType::V2),
                gid(2, mapped(), GidType::V1),
                gid(3, mapped(), GidType::V2),
            ],
        }],
    }
}

pub(super) fn route(destination: &str, prefix: u8, gateway: Option<&str>, interface: &str) -> Route {
    let address = |text: &str| -> IpAddr { text.parse().unwrap() };
    Route {
        destination: address(destination),
        prefix,
        gateway: gateway.map(address),
        interface: interface.to_owned(),
        metric: 0,
    }
}

pub(super) fn codes(findings: &[Finding]) -> Vec<Code> {
    findings.iter().map(|finding| finding.code).collect()
}

pub(super) fn severity(findings: &[Finding], code: Code) -> Option<Severity> {
    findings.iter().find(|finding| finding.code == code).map(|finding| finding.severity)
}
