//! What shaping must not have done to a pod.

use crate::{compatibility, namespaces};
use k8s_openapi::api::core::v1::Pod;
use prefill_conformance::{api_defaults, pod_security, pod_validation, qos};
use serde_json::{Value, json};

/// The pod after one pass, and whether the pass changed anything.
pub(crate) fn pass(pod: &Value, settings: &Value) -> (Value, bool) {
    let request = json!({ "operation": "CREATE", "kind": { "group": "", "kind": "Pod" }, "object": pod });
    let payload = json!({ "request": request, "settings": settings }).to_string();
    let response: Value =
        serde_json::from_slice(&prefill_policy::validate(payload.as_bytes()).unwrap()).unwrap();
    match response.get("mutated_object").filter(|object| !object.is_null()) {
        Some(object) => (object.clone(), object != pod),
        None => (pod.clone(), false),
    }
}

/// What shaping `before` into `after` must not have done.
pub(crate) fn harm(before: &Value, after: &Value, settings: &Value) -> Vec<String> {
    let mut harm = Vec::new();
    if let Err(error) = serde_json::from_value::<Pod>(after.clone()) {
        harm.push(format!("not a Pod: {error}"));
    }
    let mut defaulted = after.clone();
    api_defaults::apply(&mut defaulted);
    let had_status = after.get("status").is_some();
    if !had_status && let Some(map) = defaulted.as_object_mut() {
        map.remove("status");
    }
    if defaulted != *after {
        harm.push(format!(
            "not written with the API's defaults: {}",
            serde_json::to_string(&json_patch::diff(after, &defaulted)).unwrap()
        ));
    }
    let (again, _) = pass(&defaulted, settings);
    if again != *after {
        harm.push(format!(
            "a second pass changes it: {}",
            serde_json::to_string(&json_patch::diff(after, &again)).unwrap()
        ));
    }
    if pod_validation::violations(before).is_empty() {
        harm.extend(
            pod_validation::violations(after)
                .into_iter()
                .map(|violation| format!("no longer valid: {violation}")),
        );
    }
    if pod_security::baseline(before).is_empty() {
        harm.extend(
            pod_security::baseline(after)
                .into_iter()
                .map(|violation| format!("no longer baseline: {violation}")),
        );
    }
    if pod_security::restricted(before).is_empty() {
        harm.extend(
            pod_security::restricted(after)
                .into_iter()
                .map(|violation| format!("no longer restricted: {violation}")),
        );
    }
    if qos::class(before) != qos::class(after) {
        harm.push(format!("QoS class was {:?}, is {:?}", qos::class(before), qos::class(after)));
    }
    harm.extend(namespaces::harm(before, after, settings));
    harm.extend(compatibility::harm(before, after, settings));
    harm.extend(lost(before, after, "", settings["units"].is_object()));
    harm
}

/// Paths of `before` that are gone or whose list order changed. Only command, args and the image
/// are replaced; with enforced units, values may change too, but nothing may go.
fn lost(before: &Value, after: &Value, path: &str, enforced: bool) -> Vec<String> {
    let replaced = ["/command", "/args", "/image", "/imagePullPolicy"].iter().any(|end| path.ends_with(end));
    match (before, after) {
        _ if replaced => Vec::new(),
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .flat_map(|(key, value)| {
                let path = format!("{path}/{key}");
                after.get(key).map_or_else(
                    || vec![format!("{path} is gone")],
                    |after| lost(value, after, &path, enforced),
                )
            })
            .collect(),
        (Value::Array(before), Value::Array(after)) if before.len() <= after.len() => before
            .iter()
            .zip(after)
            .enumerate()
            .flat_map(|(at, (before, after))| lost(before, after, &format!("{path}/{at}"), enforced))
            .collect(),
        (before, after) if before == after || enforced => Vec::new(),
        // A null holds nothing, and these hold the API server's default: not said.
        (Value::Null, _) => Vec::new(),
        (before, _) if path.ends_with("/terminationMessagePolicy") && before == "File" => Vec::new(),
        (before, _) if path.ends_with("/terminationGracePeriodSeconds") && before == 30 => Vec::new(),
        (before, _) if path.ends_with("/httpGet/scheme") && before == "HTTP" => Vec::new(),
        (before, _) if path.ends_with("verdict") && before.is_string() => Vec::new(),
        (before, after) => vec![format!("{path} was {before}, is {after}")],
    }
}
