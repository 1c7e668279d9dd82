//! Which entries of a GID table count, and which one is best.

use super::network::contains;
use super::options::GidScope;
use crate::inventory::{Family, Gid, GidType, Interface, LinkLayer, LocalIpv6, Network, Port};
use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr};

/// What a GID must be.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    /// The namespace it must belong to.
    pub(super) network: &'a Network,
    /// Whether it must.
    pub(super) scope: GidScope,
    /// Its type.
    pub(super) kind: Kind<'a>,
}

/// What the type of a GID must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    /// This one.
    Exactly(GidType),
    /// One whose text contains this (`KSERVE_INFER_IB_GID_INDEX_GREP`).
    Containing(&'a str),
}

impl Kind<'_> {
    fn allows(self, kind: Option<GidType>) -> bool {
        match self {
            Self::Exactly(wanted) => kind == Some(wanted),
            Self::Containing(text) => kind.is_some_and(|kind| kind.text().contains(text)),
        }
    }
}

/// Why a GID does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault<'a> {
    /// Its type is not the wanted one.
    Kind,
    /// Its interface is not one of this namespace.
    Foreign(&'a str),
    /// This namespace has an interface of that name, but it is another.
    Namesake(&'a str),
    /// Its address is not assigned here.
    NotLocal(IpAddr),
}

impl Wanted<'_> {
    /// Why `gid` does not count; none where it does.
    pub(super) fn fault<'g>(&self, gid: &'g Gid) -> Option<Fault<'g>> {
        if !self.kind.allows(gid.kind) {
            return Some(Fault::Kind);
        }
        if self.scope == GidScope::Any {
            return None;
        }
        let netdev = gid.netdev.as_deref();
        if let Some(netdev) = netdev
            && self.network.has(netdev, gid.netdev_index) == Some(false)
        {
            let namesake = self.network.has(netdev, None) == Some(true);
            return Some(if namesake { Fault::Namesake(netdev) } else { Fault::Foreign(netdev) });
        }
        let address = gid.address();
        (self.network.is_local(address, netdev) == Some(false)).then_some(Fault::NotLocal(address))
    }

    /// The entries of `port` that count, best first: family, then the interface of entry 0 (which is the
    /// port's own, where bonds, VLANs and tunnels above it have entries too), then the lowest index.
    pub(super) fn counting<'g>(&self, port: &'g Port) -> Vec<&'g Gid> {
        let own = port.gids.iter().find(|gid| gid.index == 0).and_then(|gid| gid.netdev.as_deref());
        let mut gids: Vec<&Gid> = port.gids.iter().filter(|gid| self.fault(gid).is_none()).collect();
        gids.sort_by_key(|gid| {
            (gid.family(), Reverse(own.is_some() && gid.netdev.as_deref() == own), gid.index)
        });
        gids
    }

    /// Why no entry of `port` counts.
    pub(super) fn why_none(&self, port: &Port) -> String {
        if port.gids.is_empty() {
            return "its GID table is empty".to_owned();
        }
        let mut foreign = Vec::new();
        let mut elsewhere = Vec::new();
        for gid in &port.gids {
            match self.fault(gid) {
                Some(Fault::Foreign(netdev)) => {
                    foreign.push(format!("`{netdev}`, which this pod's network does not have"));
                }
                Some(Fault::Namesake(netdev)) => foreign.push(format!("another `{netdev}` than this pod's")),
                Some(Fault::NotLocal(address)) => elsewhere.push(address.to_string()),
                Some(Fault::Kind) | None => {}
            }
        }
        foreign.dedup();
        elsewhere.dedup();
        if !foreign.is_empty() && elsewhere.is_empty() {
            let names = foreign.join(", ");
            return format!("its GIDs belong to {names}; {ATTACH}");
        }
        if !elsewhere.is_empty() {
            let addresses = elsewhere.join(", ");
            return format!("its GIDs stand for {addresses}, which this pod does not have; {ATTACH}");
        }
        let wanted = match self.kind {
            Kind::Exactly(kind) => kind.text(),
            Kind::Containing(text) => text,
        };
        format!("it has no GID of type `{wanted}`")
    }
}

const ATTACH: &str = "hint: attach the pod to the RDMA network (Multus: SR-IOV, macvlan or host-device)";

impl Network {
    /// Whether this namespace has that interface; none where interfaces could not be read.
    pub fn has(&self, interface: &str, index: Option<u32>) -> Option<bool> {
        let same = |one: &Interface| {
            one.name == interface && (index.is_none() || one.index.is_none() || one.index == index)
        };
        self.interfaces.as_ref().map(|all| all.iter().any(same))
    }

    /// Whether `address` is local here (an IPv6 one: on that interface); none where that could not be read.
    pub fn is_local(&self, address: IpAddr, interface: Option<&str>) -> Option<bool> {
        match address {
            IpAddr::V4(address) => self.ipv4.as_ref().map(|all| all.contains(&address)),
            IpAddr::V6(address) => self.ipv6.as_ref().map(|all| {
                all.iter().any(|local| {
                    local.address == address && interface.is_none_or(|name| name == local.interface)
                })
            }),
        }
    }

    /// The interface of the route that `address` is reached by: longest prefix, then lowest metric.
    pub fn interface_toward(&self, address: IpAddr) -> Option<&str> {
        self.routes
            .iter()
            .filter(|route| contains(route.destination, route.prefix, address))
            .min_by_key(|route| (Reverse(route.prefix), route.metric))
            .map(|route| route.interface.as_str())
    }

    /// The pod's own address: the one on the interface of the default route, as far as routes tell. A pod whose
    /// network gives it a single address with no network around it (Calico) has just that one.
    pub fn own_address(&self) -> Option<IpAddr> {
        let own = self.default_interface()?;
        let on = |address: &Ipv4Addr| {
            let direct = self.routes.iter().filter(|route| route.gateway.is_none() && route.prefix > 0);
            let mut fitting =
                direct.filter(|route| contains(route.destination, route.prefix, IpAddr::V4(*address)));
            fitting.next().map(|route| route.interface.as_str())
        };
        let all: Vec<&Ipv4Addr> =
            self.ipv4.iter().flatten().filter(|address| !address.is_loopback()).collect();
        let direct = all.iter().find(|address| on(address) == Some(own));
        let alone = || all.iter().find(|address| on(address).is_none());
        let ipv6 = || {
            let global =
                |local: &&LocalIpv6| local.interface == own && local.address.segments()[0] & 0xffc0 != 0xfe80;
            self.ipv6.iter().flatten().find(global).map(|local| IpAddr::V6(local.address))
        };
        direct.or_else(alone).map(|address| IpAddr::V4(**address)).or_else(ipv6)
    }

    /// The interface of the default route: IPv4's, else IPv6's.
    pub fn default_interface(&self) -> Option<&str> {
        let best = |ipv4: bool| {
            self.routes
                .iter()
                .filter(|route| route.prefix == 0 && route.destination.is_ipv4() == ipv4)
                .min_by_key(|route| route.metric)
        };
        best(true).or_else(|| best(false)).map(|route| route.interface.as_str())
    }
}

/// What a port is called: `mlx5_0:1`.
pub(crate) fn label(device: &str, port: u32) -> String {
    format!("{device}:{port}")
}

/// Whether GIDs matter to this port: on InfiniBand, peers are addressed by LID.
pub(super) const fn addressed_by_gid(port: &Port) -> bool {
    matches!(port.link_layer, LinkLayer::Ethernet)
}

/// The best family that any of `gids` has.
pub(super) fn best_family(gids: &[&Gid]) -> Option<Family> {
    gids.first().map(|gid| gid.family())
}
