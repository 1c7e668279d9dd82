//! Which interface the libraries meet over, and which TCP interfaces UCX may use.

use super::options::{Options, UcxTcp};
use super::variables::Variables;
use crate::inventory::{Interface, Network};
use prefill_core::environment as env;
use prefill_core::environment::Environment;
use std::net::IpAddr;

/// The pod's interface toward its leader, with the reason.
pub(super) fn interface<'n>(
    network: &'n Network,
    environment: &Environment,
    options: &Options,
) -> Option<(&'n str, String)> {
    let named = environment.get(env::LWS_LEADER_ADDRESS);
    let leader = options.leader.or_else(|| named.and_then(prefill_core::leader::address));
    if let Some(leader) = leader {
        if let Some(own) = owner(network, leader) {
            return Some((own, format!("it has the leader's address {leader}")));
        }
        if let Some(interface) = network.interface_toward(leader) {
            return Some((interface, format!("the leader {leader} is reached over it")));
        }
    }
    network.default_interface().map(|interface| (interface, "it carries the default route".to_owned()))
}

/// The interface that has `address`, where this pod is the leader itself.
fn owner(network: &Network, address: IpAddr) -> Option<&str> {
    network.is_local(address, None).filter(|local| *local)?;
    match address {
        IpAddr::V6(address) => {
            let all = network.ipv6.as_ref()?;
            all.iter().find(|local| local.address == address).map(|local| local.interface.as_str())
        }
        // A local address lies in the network of its interface.
        IpAddr::V4(_) => network.interface_toward(address),
    }
}

/// TCP interfaces for UCX.
pub(super) fn tcp<'n>(network: &'n Network, own: Option<&'n str>, rule: UcxTcp) -> Vec<&'n str> {
    // Where interfaces could not be read, loopback has the name that it has everywhere.
    let loopback = match &network.interfaces {
        None => Some("lo"),
        Some(all) => all.iter().find(|one| one.loopback && one.up).map(|one| one.name.as_str()),
    };
    match rule {
        UcxTcp::Loopback => loopback.into_iter().collect(),
        UcxTcp::Interface => own.into_iter().chain(loopback).collect(),
        UcxTcp::None => Vec::new(),
    }
}

/// Names the interface where several are up: the libraries would take the first, or all.
pub(super) fn name_interface(variables: &mut Variables<'_>, network: &Network, own: Option<&(&str, String)>) {
    let count = |all: &Vec<Interface>| all.iter().filter(|one| one.up && !one.loopback).count();
    let up = network.interfaces.as_ref().map(count);
    let names = [env::NCCL_SOCKET_IFNAME, env::GLOO_SOCKET_IFNAME, env::NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME];
    for name in names {
        match own {
            Some((interface, reason)) if up.is_some_and(|up| up > 1) => {
                let up = up.unwrap_or_default();
                // NCCL's grammar, which NVSHMEM has too; Gloo takes `=` for a part of the name.
                let exact = if name == env::GLOO_SOCKET_IFNAME { "" } else { "=" };
                let reason = format!("{reason}; {up} interfaces are up");
                variables.set(name, format!("{exact}{interface}"), reason);
            }
            Some(_) if up == Some(1) => variables.withhold(name, "one interface is up: nothing to choose"),
            Some(_) => variables.withhold(name, "which interfaces are up is unknown"),
            None if up == Some(0) => variables.withhold(name, "no interface but loopback is up"),
            None => variables.withhold(name, "no route says which interface is the pod's"),
        }
    }
}
