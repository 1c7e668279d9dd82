//! A pod that a namespace let in is let in when shaped, and asks for as much of everything.

use crate::harm::pass;
use k8s_openapi::api::core::v1::{LimitRange, ResourceQuota};
use prefill_conformance::effective::{self, Amounts};
use prefill_conformance::{limit_range, pod_validation, qos, quantity, resource_quota};
use serde_json::{Map, Value, json};

/// What `after` does not get where `before` did, of namespaces of many kinds.
pub(crate) fn harm(before: &Value, after: &Value, settings: &Value) -> Vec<String> {
    if !pod_validation::violations(before).is_empty() {
        return Vec::new();
    }
    let mut harm = compare("no LimitRange", before, after);
    for (name, quota) in asking_quotas().into_iter().chain([("as much as it uses", own_quota(before))]) {
        if resource_quota::violations(before, &quota).is_empty() {
            let found = resource_quota::violations(after, &quota);
            harm.extend(found.into_iter().map(|found| format!("ResourceQuota of {name}: {found}")));
        }
    }
    for (name, range) in ranges(before) {
        let Ok(admitted) = limit_range::admit(before, &range) else { continue };
        // What is filled in may contradict what the pod says.
        if admitted != *before && !pod_validation::violations(&admitted).is_empty() {
            continue;
        }
        let place = format!("LimitRange with {name}");
        // The plugin fills in before the policy sees the pod, and again after it. A pod that the policy saw without
        // that (another webhook's object, a dry run) gets the same.
        let filled = (admitted != *before).then(|| pass(&admitted, settings).0);
        for shaped in filled.iter().chain([after]) {
            match limit_range::admit(shaped, &range) {
                Err(found) => harm.extend(found.into_iter().map(|found| format!("{place}: {found}"))),
                Ok(after) => harm.extend(compare(&place, &admitted, &after)),
            }
        }
    }
    harm
}

/// What two admitted pods ask for. A quota of exactly that much is full in the same way where this is equal.
fn compare(place: &str, before: &Value, after: &Value) -> Vec<String> {
    let mut harm = Vec::new();
    for (list, of) in
        [("requests", effective::requests as fn(&Value) -> Amounts), ("limits", effective::limits)]
    {
        let (before, after) = (of(before), of(after));
        if before != after {
            harm.push(format!("{place}: effective {list} were {before:?}, are {after:?}"));
        }
    }
    if qos::class(before) != qos::class(after) {
        harm.push(format!("{place}: QoS class was {:?}, is {:?}", qos::class(before), qos::class(after)));
    }
    harm
}

/// LimitRanges that are near to what `pod` asks for.
fn ranges(pod: &Value) -> Vec<(&'static str, LimitRange)> {
    let largest = largest_container(pod);
    // As a whole, as the plugin counts it: without overhead, which no pod here has.
    let [requests, limits] = [effective::requests(pod), effective::limits(pod)].map(|all| written(&all));
    let disk = |request: &str, limit: &str| {
        json!({ "type": "Container", "default": { "ephemeral-storage": limit },
            "defaultRequest": { "ephemeral-storage": request } })
    };
    let all = [
        ("a minimum", json!({ "type": "Container", "min": { "cpu": "200m", "memory": "128Mi" } })),
        ("a minimum of disk", json!({ "type": "Container", "min": { "ephemeral-storage": "64Mi" } })),
        ("its largest container as maximum", json!({ "type": "Container", "max": largest })),
        ("ratio 1", json!({ "type": "Container", "maxLimitRequestRatio": { "cpu": "1", "memory": "1" } })),
        ("ratio 1 of cpu", json!({ "type": "Container", "maxLimitRequestRatio": { "cpu": "1" } })),
        (
            "ratio 1 and defaults",
            json!({ "type": "Container", "maxLimitRequestRatio": { "cpu": "1", "memory": "1", "ephemeral-storage": "1" },
                "default": { "cpu": "4", "memory": "8Gi", "ephemeral-storage": "1Gi" } }),
        ),
        (
            "large defaults",
            json!({ "type": "Container", "default": { "cpu": "4", "memory": "8Gi", "ephemeral-storage": "10Gi" },
                "defaultRequest": { "cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi" } }),
        ),
        (
            "small defaults",
            json!({ "type": "Container", "default": { "cpu": "80m", "memory": "48Mi" },
                "defaultRequest": { "cpu": "5m", "memory": "16Mi" } }),
        ),
        ("defaults of disk", disk("1Gi", "2Gi")),
        ("one default of disk", disk("2Gi", "2Gi")),
        ("its own requests and limits as the pod's maximum", json!({ "type": "Pod", "max": limits })),
        ("its own requests as the pod's minimum", json!({ "type": "Pod", "min": requests })),
        (
            "ratio 1 of the pod",
            json!({ "type": "Pod", "maxLimitRequestRatio": { "cpu": "1", "memory": "1" } }),
        ),
    ];
    let read = |item: Value| serde_json::from_value(json!({ "spec": { "limits": [item] } })).unwrap();
    all.into_iter().map(|(name, item)| (name, read(item))).collect()
}

/// Of cpu, memory and disk, as much as the container has that has most.
fn largest_container(pod: &Value) -> Value {
    let mut largest = Amounts::new();
    let containers = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|list| pod["spec"][list].as_array())
        .flatten();
    for container in containers {
        for list in ["requests", "limits"] {
            for name in ["cpu", "memory", "ephemeral-storage"] {
                if let Some(amount) = quantity::amount(&container["resources"][list][name]) {
                    let present = largest.entry(name.to_owned()).or_default();
                    *present = amount.max(*present);
                }
            }
        }
    }
    written(&largest)
}

/// A ResourceQuota that `pod` fills.
fn own_quota(pod: &Value) -> ResourceQuota {
    quota(&written(&resource_quota::usage(pod)))
}

/// ResourceQuotas with room for any pod that names a resource in all of its containers.
fn asking_quotas() -> [(&'static str, ResourceQuota); 9] {
    [
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
    ]
    .map(|name| (name, quota(&json!({ name: "7Ei" }))))
}

fn quota(hard: &Value) -> ResourceQuota {
    serde_json::from_value(json!({ "spec": { "hard": hard } })).unwrap()
}

fn written(amounts: &Amounts) -> Value {
    let written =
        amounts.iter().map(|(name, amount)| (name.clone(), json!(quantity::render(*amount, false))));
    Value::Object(written.collect::<Map<_, _>>())
}
