//! Really registering memory: limits, capabilities and user namespaces only say what ought to be.

use crate::probe::Source;
use crate::root::Root;
use crate::verbs::RegisterError;
use prefill_rdma::doctor::{Facts, Refusal, Registration};
use prefill_rdma::inventory::{Access, Inventory};
use prefill_rdma::{Plan, Rule};
use std::collections::BTreeSet;

/// More than any default limit, and less than any pod has.
const BYTES: usize = 64 << 20;

/// Registers memory on each device in turn, and lets it go again.
pub(super) fn register(root: &Root, source: &Source, inventory: &Inventory, plan: &Plan, facts: &mut Facts) {
    let wanted = devices(inventory, plan);
    if wanted.is_empty() {
        return;
    }
    if let Err(reason) = attempt(root, source, &wanted, facts) {
        facts.unknown.push(format!("whether memory can be registered: {reason}"));
    }
}

/// The devices of the ports that are used; where there is none, those that lack nothing but a link or an address.
fn devices(inventory: &Inventory, plan: &Plan) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = plan.kept.iter().map(|kept| kept.device.clone()).collect();
    if names.is_empty() {
        let passing = plan.excluded.iter().filter(|one| matches!(one.rule, Rule::NotActive | Rule::NoGid));
        names.extend(passing.map(|one| one.device.clone()));
    }
    let opens = |name: &String| {
        inventory.devices.iter().any(|device| device.name == *name && device.access == Access::Open)
    };
    names.into_iter().filter(opens).collect()
}

fn attempt(root: &Root, source: &Source, wanted: &BTreeSet<String>, facts: &mut Facts) -> Result<(), String> {
    let library = source.open().map_err(|reason| {
        reason.unwrap_or_else(|| {
            "a `--sysroot` is read without libibverbs, unless `--ibverbs` names one".to_owned()
        })
    })?;
    let listed = library.devices()?;
    let mut memory = memory()?;
    let nodes = root.path().join("dev/infiniband");
    for name in wanted {
        let Some(device) = listed.iter().find(|device| device.name == *name) else { continue };
        let open = match device.open(Some(&nodes)) {
            Ok(open) => open,
            Err(reason) => {
                facts.unknown.push(format!("whether `{name}` can register memory: {reason}"));
                continue;
            }
        };
        let failure = match open.register(&mut memory) {
            Ok(()) => None,
            Err(RegisterError::MissingSymbol) => return Err(RegisterError::MissingSymbol.to_string()),
            Err(error @ RegisterError::Failed { errno, .. }) => {
                Some(Refusal { errno, text: error.to_string() })
            }
        };
        let bytes = u64::try_from(BYTES).unwrap_or(u64::MAX);
        facts.registrations.push(Registration { device: name.clone(), bytes, failure });
    }
    Ok(())
}

/// Memory of which every page is there: the limit counts pages, not addresses.
fn memory() -> Result<Vec<u8>, String> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(BYTES).map_err(|error| error.to_string())?;
    memory.resize(BYTES, 1);
    Ok(memory)
}
