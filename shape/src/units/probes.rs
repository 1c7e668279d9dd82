//! Probes. A worker never gains one: a headless engine answers no HTTP.

use super::Work;
use crate::canonical::Node;
use crate::json;
use crate::recognise::Role;
use crate::verdict::Unit;
use serde_json::{Map, Value};

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

/// Each number of a probe with the API server's default, which counts as not said.
const NUMBERS: [(&str, u64); 4] =
    [("initialDelaySeconds", 0), ("periodSeconds", 10), ("timeoutSeconds", 1), ("failureThreshold", 3)];

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    if work.role == Role::Worker {
        return;
    }
    let has = |work: &Work<'_>, probe: &str| work.serving()[probe].is_object();
    if !enforce && PROBES.iter().any(|probe| has(work, probe)) {
        return;
    }
    if let Some(reason) = work.unreachable_server() {
        return work.code(Unit::Probes, "withheld", Some(&reason));
    }
    let before = work.report.changes.len();
    for name in PROBES {
        let Some(canonical) = work.canonical().get(name) else { continue };
        if has(work, name) {
            raise(work, name, canonical);
        } else {
            let mut probe = canonical.value();
            let tls = work.launch.as_ref().is_some_and(|launch| launch.tls.is_some());
            let port = work.launch.as_ref().map_or(8000, |launch| launch.port);
            probe["httpGet"]["port"] = Value::from(port);
            probe["httpGet"]["scheme"] = Value::from(if tls { "HTTPS" } else { "HTTP" });
            work.set(Unit::Probes, name, probe, "the server says at /health whether it can serve");
        }
    }
    if work.report.changes.len() > before {
        work.code(Unit::Probes, if enforce { "enforced" } else { "filled" }, None);
    }
}

/// Raises the times of a present probe to the shape's. Its handler stays, and no time is shortened.
fn raise(work: &mut Work<'_>, name: &str, canonical: &'static Node) {
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
