//! Environment variables that belong to no other unit.

use super::{Work, caches};
use crate::json;
use crate::verdict::Unit;
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let Some(canonical) = work.canonical().get("env") else { return };
    let own: Vec<_> = canonical
        .items()
        .iter()
        .filter_map(|item| Some((item.get("name")?.text()?, item.get("value")?.text()?)))
        .filter(|(name, _)| !caches::owns(name))
        .collect();
    let environment = work.environment();
    if !enforce && own.iter().any(|(name, _)| environment.has(name)) {
        return;
    }
    if !enforce && environment.open {
        return work.code(Unit::Environment, "withheld", Some("envFrom may define the same names"));
    }
    let mut changed = false;
    for (name, value) in own {
        changed |= set_variable(work, Unit::Environment, name, value, "the canonical environment");
    }
    if changed {
        work.code(Unit::Environment, if enforce { "enforced" } else { "filled" }, None);
    }
}

/// Sets a variable in place, or appends it; false where it has that value already.
pub(super) fn set_variable(
    work: &mut Work<'_>,
    unit: Unit,
    name: &str,
    value: &str,
    why: &'static str,
) -> bool {
    let entry = serde_json::json!({ "name": name, "value": value });
    let env = work.serving()["env"].as_array().map_or(&[][..], Vec::as_slice);
    // Of several entries the last counts.
    match env.iter().rposition(|item| json::text(item, "name") == Some(name)) {
        Some(at) if env[at] == entry => false,
        Some(at) => {
            let path = format!("/spec/containers/{}/env/{at}", work.container);
            let slot =
                work.serving_mut().and_then(|serving| serving.get_mut("env")).and_then(|env| env.get_mut(at));
            if let Some(slot) = slot {
                *slot = entry;
                work.changed(unit, path, why);
            }
            true
        }
        None => {
            work.append(unit, "env", Value::clone(&entry), why);
            true
        }
    }
}
