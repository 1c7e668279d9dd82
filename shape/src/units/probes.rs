//! Probes. They are filled for single pods only, and lengthened where an administrator enforces them:
//! a worker answers no HTTP, and `/health` of a leader answers when its group is complete, which it
//! never is where the others wait for a ready leader.

mod obstacle;

use crate::canonical::Node;
use crate::json;
use crate::reason::Fate;
use crate::role::Role;
use crate::unit::Unit;
use crate::work::Work;
use serde_json::{Map, Value};

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

/// Each number of a probe with the API server's default, which counts as not said.
const NUMBERS: [(&str, u64); 4] =
    [("initialDelaySeconds", 0), ("periodSeconds", 10), ("timeoutSeconds", 1), ("failureThreshold", 3)];

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    if work.role == Role::Worker {
        return;
    }
    let (present, missing): (Vec<&str>, Vec<&str>) =
        PROBES.into_iter().partition(|probe| work.serving()[*probe].is_object());
    if !enforce && !present.is_empty() {
        return;
    }
    for name in present {
        raise(work, name);
    }
    if !missing.is_empty() {
        match obstacle::find(work) {
            Some(reason) => work.code(Unit::Probes, Fate::Withheld, Some(&reason)),
            None => missing.into_iter().for_each(|name| fill(work, name)),
        }
    }
}

fn fill(work: &mut Work<'_>, name: &str) {
    let Some(mut probe) = work.canonical().get(name).map(Node::value) else { return };
    probe["httpGet"]["port"] = Value::from(work.launch.port);
    probe["httpGet"]["scheme"] = Value::from(if work.launch.tls.is_some() { "HTTPS" } else { "HTTP" });
    work.set(Unit::Probes, name, probe, "the server says at /health whether it can serve");
}

/// Raises the times of a present probe to the shape's. Its handler stays, and no time is shortened.
fn raise(work: &mut Work<'_>, name: &str) {
    let Some(canonical) = work.canonical().get(name) else { return };
    let path = format!("/spec/containers/{}/{name}", work.container);
    let Some(probe) = work.serving_mut().and_then(|serving| json::object(serving, name)) else { return };
    let mut changed = false;
    for (key, default) in NUMBERS {
        let Some(Node::Number(wanted)) = canonical.get(key) else { continue };
        let wanted = wanted.unsigned_abs();
        let own = probe.get(key).and_then(Value::as_u64).unwrap_or(default);
        if own < wanted {
            changed |= insert(probe, key, wanted);
        }
    }
    if changed {
        work.changed(Unit::Probes, path, "the shape gives the server more time");
    }
}

fn insert(probe: &mut Map<String, Value>, key: &str, number: u64) -> bool {
    probe.insert(key.to_owned(), Value::from(number)).is_none_or(|old| old != number)
}
