//! Which NICs this pod is to use, and what NCCL, NVSHMEM and UCX must be told.
//!
//! [`plan`] is pure, total and deterministic: [`Inventory`] + [`Environment`] + [`Options`] give a [`Plan`],
//! which says why. The concept is told in `docs/rdma.md`. [`doctor`] judges the plan: what will go wrong all the same.
//!
//! This crate does no I/O: `prefill-launcher` probes, and prints.
#![forbid(unsafe_code)]

mod candidates;
pub mod doctor;
mod drivers;
mod expect;
mod gids;
mod index;
pub mod inventory;
mod libraries;
mod network;
pub mod options;
mod own;
mod plan;
#[cfg(test)]
pub(crate) mod properties;
mod rails;
mod select;
mod sockets;
pub mod text;
mod users;
mod variables;

pub(crate) use gids::label;
pub use libraries::Library;
pub(crate) use libraries::ucx::without_rdma as ucx_without_rdma;
pub(crate) use network::contains;
pub use options::Options;
pub use plan::{ChosenGid, Concern, Decision, Excluded, Kept, Plan, Rule, Variable, Warning};
pub use rails::gigabits;

use crate::inventory::{Gid, Inventory, Port, Verbs};
use candidates::{Candidate, Selection};
use index::{Addressing, Asks};
use options::Rdma;
use prefill_core::environment::Environment;
use users::Known;
use variables::Variables;

/// What this pod is to use.
pub fn plan(inventory: &Inventory, environment: &Environment, options: &Options) -> Plan {
    let (look, warning) = options::look(options.rdma, environment);
    let mut plan = Plan { warnings: warning.into_iter().collect(), ..Plan::default() };
    if let Err(reason) = look {
        plan.off = Some(reason);
        return plan;
    }
    let mut selection = select::select(inventory, environment, options);
    let asks = Asks::new(&selection.kept, environment, inventory);
    let addressing = if selection.kept.is_empty() {
        Addressing::Nothing("no port is used".to_owned())
    } else {
        index::settle(&mut selection, &asks)
    };
    let devices: Vec<&str> = select::in_order(inventory).iter().map(|device| device.name.as_str()).collect();
    let known = Known { kept: &selection.kept, excluded: &selection.excluded, inventory, devices: &devices };
    let mut variables = Variables::new(environment);
    variables.beyond = users::beyond(environment, &known);
    decide(&mut variables, &selection, &addressing, &asks, inventory, options);
    plan.warnings.extend(users::warnings(environment, &known));
    plan.kept = selection.kept.iter().map(kept).collect();
    plan.excluded = selection.excluded;
    plan.notes = selection.notes;
    plan.warnings.extend(selection.warnings);
    plan.warnings.extend(variables.warnings);
    plan.warnings.extend(options.idle_patterns(inventory));
    plan.variables = variables.decided;
    plan.missing = expect::missing(&plan, options, inventory);
    conclude(&mut plan, options, inventory, variables.nccl_owner.is_some());
    plan
}

/// The GIDs of a port that a library may use, best first.
pub fn counting_gids<'g>(
    inventory: &Inventory,
    environment: &Environment,
    options: &Options,
    port: &'g Port,
) -> Vec<&'g Gid> {
    if !gids::addressed_by_gid(port) {
        return Vec::new();
    }
    select::wanted(inventory, environment, options).counting(port)
}

fn decide(
    variables: &mut Variables<'_>,
    selection: &Selection<'_>,
    addressing: &Addressing,
    asks: &Asks<'_>,
    inventory: &Inventory,
    options: &Options,
) {
    let own = sockets::interface(&inventory.network, variables.environment, options);
    if !selection.kept.is_empty() {
        let tcp = sockets::tcp(&inventory.network, own.as_ref().map(|(name, _)| *name), options.ucx_tcp);
        variables.lists(&selection.kept, &tcp, options);
        variables.gids(&selection.kept, addressing, asks);
    }
    sockets::name_interface(variables, &inventory.network, own.as_ref());
    variables.remove_empty();
}

fn conclude(plan: &mut Plan, options: &Options, inventory: &Inventory, owned: bool) {
    if plan.kept.is_empty() {
        let what =
            if plan.excluded.is_empty() { "there is no RDMA device" } else { "no RDMA port can be used" };
        // What a plug-in of a vendor does is its own affair.
        let who = if owned { "UCX falls" } else { "NCCL and UCX fall" };
        let text = format!("{what}: {who} back to TCP, NVSHMEM does not start");
        plan.warnings.push(Warning::new(Concern::Nothing, text));
    }
    let mut missing = plan.missing.clone();
    if let Verbs::Missing(reason) = &inventory.verbs
        && !inventory.devices.is_empty()
    {
        let message = format!("libibverbs cannot be asked: {reason}; NCCL and UCX need it as well");
        plan.warnings.push(Warning::new(Concern::LibraryMissing, message.clone()));
        missing.push(message);
    }
    if options.rdma == Rdma::Require {
        plan.failure = (!missing.is_empty()).then(|| missing.join("; "));
    } else {
        let expected = |missing| Warning::new(Concern::Missing, format!("expected: {missing}"));
        plan.warnings.extend(plan.missing.iter().map(expected));
    }
}

fn kept(candidate: &Candidate<'_>) -> Kept {
    let gid = candidate.best().map(|gid| ChosenGid {
        index: gid.index,
        address: gid.address(),
        netdev: gid.netdev.clone(),
    });
    let rate = candidate.port.megabits.map_or_else(|| "unknown rate".to_owned(), gigabits);
    let reason = match (&gid, candidate.best().and_then(|gid| gid.kind)) {
        (Some(gid), Some(kind)) => {
            let netdev = gid.netdev.as_ref().map(|netdev| format!(" on `{netdev}`")).unwrap_or_default();
            format!("{}, {rate}, GID {} is {}{netdev}", kind.text(), gid.index, gid.address)
        }
        _ => format!("{}, {rate}", candidate.port.link_layer),
    };
    Kept {
        device: candidate.device.name.clone(),
        port: candidate.port.number,
        link_layer: candidate.port.link_layer,
        gid,
        reason,
    }
}
