//! Whether the ports are there that somebody counts on.

use super::gids::label;
use super::options::{Expect, Options, Rdma};
use super::plan::{Excluded, Kept, Plan, Rule};
use crate::inventory::{Device, Inventory, LinkLayer};
use std::net::IpAddr;

/// Expected ports that are missing, each with its reason; empty where nothing is.
pub(super) fn missing(plan: &Plan, options: &Options, inventory: &Inventory) -> Vec<String> {
    // A link-local GID is there as soon as the link is up; the address that is waited for comes later.
    let local = |kept: &&Kept| kept.gid.as_ref().is_some_and(|gid| is_link_local(gid.address));
    let unroutable: Vec<String> = plan
        .kept
        .iter()
        .filter(local)
        .map(|kept| format!("`{}`: it has a link-local GID only", label(&kept.device, kept.port)))
        .collect();
    let usable = u32::try_from(plan.kept.len() - unroutable.len()).unwrap_or(u32::MAX);
    let rails = plan.excluded.iter().filter(|one| is_rail(one, plan, inventory)).map(describe);
    let rails: Vec<String> = rails.chain(unroutable).collect();
    let required = options.rdma == Rdma::Require;
    let first = match options.expect {
        Some(Expect::All) if usable == 0 => "no port at all can be used".to_owned(),
        Some(Expect::All) => return rails,
        Some(Expect::Ports(count)) if usable < count => {
            format!("{count} ports are expected, {usable} can be used")
        }
        _ if required && usable == 0 => "no port at all can be used".to_owned(),
        _ => return Vec::new(),
    };
    let rest = if rails.is_empty() { plan.excluded.iter().map(describe).collect() } else { rails };
    [first].into_iter().chain(rest).collect()
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfe80)
}

/// Whether a port that is not used looks like one of the rails: something is wrong with it that time or a
/// cable can change, and it is of a model and link layer that are used (any, where none is).
fn is_rail(excluded: &Excluded, plan: &Plan, inventory: &Inventory) -> bool {
    let find = |name: &str| inventory.devices.iter().find(|device| device.name == name);
    let link = |device: &Device, number: u32| -> Option<LinkLayer> {
        device.ports.iter().find(|port| port.number == number).map(|port| port.link_layer)
    };
    let passing = matches!(excluded.rule, Rule::NotActive | Rule::NoGid | Rule::Family | Rule::Index);
    if !passing && excluded.rule != Rule::Slower {
        return false;
    }
    let Some(device) = find(&excluded.device) else { return false };
    let number = excluded.port.unwrap_or(1);
    let same_model = |other: &Device| match (&other.model, &device.model) {
        (Some(one), Some(other)) => one == other,
        _ => passing,
    };
    plan.kept.is_empty()
        || plan.kept.iter().any(|kept| {
            find(&kept.device).is_some_and(|other| {
                same_model(other) && link(device, number).is_none_or(|link| link == kept.link_layer)
            })
        })
}

fn describe(excluded: &Excluded) -> String {
    let name = excluded.port.map_or_else(|| excluded.device.clone(), |port| label(&excluded.device, port));
    format!("`{name}`: {}", excluded.reason)
}
