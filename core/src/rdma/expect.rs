//! Whether the ports are there that somebody counts on.

use super::gids::label;
use super::options::{Expect, Options, Rdma};
use super::plan::{Excluded, Plan, Rule};
use crate::inventory::{Device, Inventory, LinkLayer};

/// Expected ports that are missing, each with its reason; empty where nothing is.
pub(super) fn missing(plan: &Plan, options: &Options, inventory: &Inventory) -> Vec<String> {
    let kept = u32::try_from(plan.kept.len()).unwrap_or(u32::MAX);
    let first = match (options.expect, options.rdma) {
        (Some(Expect::All), _) | (None, Rdma::Require) if kept == 0 => {
            "no port at all can be used".to_owned()
        }
        (Some(Expect::All), _) => {
            return plan.excluded.iter().filter(|one| is_rail(one, plan, inventory)).map(describe).collect();
        }
        (Some(Expect::Ports(count)), _) if kept < count => {
            format!("{count} ports are expected, {kept} can be used")
        }
        _ => return Vec::new(),
    };
    let rails: Vec<String> =
        plan.excluded.iter().filter(|one| is_rail(one, plan, inventory)).map(describe).collect();
    let rest = if rails.is_empty() { plan.excluded.iter().map(describe).collect() } else { rails };
    [first].into_iter().chain(rest).collect()
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
