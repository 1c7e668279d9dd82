//! What a pod uses of a namespace's ResourceQuota, and whether it still fits.
//!
//! Rules: `pkg/quota/v1/evaluator/core/pods.go` (`PodUsageFunc`, `Constraints`) and
//! `apiserver/pkg/admission/plugin/resourcequota/controller.go` (`CheckRequest`) of Kubernetes 1.36, for a pod that
//! is created. The scopes of a quota are not modelled: those that a shaped pod could leave or enter are made of its
//! class of service ([`crate::qos`]) and of fields that shaping does not know.

use k8s_openapi::api::core::v1::ResourceQuota;
use serde_json::Value;

use crate::effective::{self, Amounts, amounts};
use crate::pod_validation::{is_extended, is_huge, is_native};
use crate::quantity::quantity;
use crate::walk::{items, text};

/// Pods have to name these where a quota counts them; upstream regrets it, and adds no others.
const NAMED: [&str; 6] = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/// What a running pod uses, under the names that a quota has for it.
pub fn usage(pod: &Value) -> Amounts {
    let mut usage = counted(&effective::requests(pod), &effective::limits(pod));
    usage.extend(["pods", "count/pods"].map(|name| (name.to_owned(), 1000)));
    usage
}

/// What `quota` has against this pod.
pub fn violations(pod: &Value, quota: &ResourceQuota) -> Vec<String> {
    let hard = quota.spec.as_ref().and_then(|spec| spec.hard.clone()).unwrap_or_default();
    let used = quota.status.as_ref().and_then(|status| status.used.clone()).unwrap_or_default();
    let mut found = Vec::new();
    if !effective::is_set_for_whole_pod(pod) {
        for list in ["containers", "initContainers"] {
            for container in items(&pod["spec"][list]) {
                let [requests, limits] =
                    ["requests", "limits"].map(|list| amounts(&container["resources"][list]));
                let named = counted(&requests, &limits);
                let missing =
                    NAMED.into_iter().filter(|name| hard.contains_key(*name) && !named.contains_key(*name));
                found.extend(
                    missing.map(|name| format!("{name}: must be named by `{}`", text(&container["name"]))),
                );
            }
        }
    }
    let usage = usage(pod);
    // What is not used is not asked, even where the quota is overdrawn.
    for (name, hard) in hard.iter().filter(|(name, _)| is_counted(name)) {
        let (Some(own), Some(hard)) = (usage.get(name).filter(|own| **own != 0), quantity(&hard.0)) else {
            continue;
        };
        let used = used.get(name).and_then(|used| quantity(&used.0)).unwrap_or_default();
        if used + own > hard {
            found.push(format!("{name}: is more than the quota has left"));
        }
    }
    found
}

/// `podComputeUsageHelper`
fn counted(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut usage = Amounts::new();
    let is_plain = |name: &str| matches!(name, "cpu" | "memory" | "ephemeral-storage");
    for (name, amount) in requests {
        if is_plain(name) || is_huge(name) {
            usage.insert(name.clone(), *amount);
        }
        if is_plain(name) || is_huge(name) || is_extended(name) {
            usage.insert(format!("requests.{name}"), *amount);
        }
    }
    let limits = limits.iter().filter(|(name, _)| is_plain(name));
    usage.extend(limits.map(|(name, amount)| (format!("limits.{name}"), *amount)));
    usage
}

/// `MatchingResources`: whether a quota's `name` is about pods.
fn is_counted(name: &str) -> bool {
    let inner = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
    matches!(name, "pods" | "count/pods")
        || matches!(inner, "cpu" | "memory" | "ephemeral-storage")
        || is_huge(name.strip_prefix("requests.").unwrap_or(name))
        || (name.starts_with("requests.") && !is_native(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn quota(hard: &Value) -> ResourceQuota {
        serde_json::from_value(json!({ "spec": { "hard": hard } })).unwrap()
    }

    fn holding(name: &str, requests: &Value, limits: &Value) -> Value {
        json!({ "name": name, "resources": { "requests": requests, "limits": limits } })
    }

    #[test]
    fn a_pod_uses_what_it_needs_at_once() {
        let all = json!({ "cpu": "2", "memory": "1Gi", "ephemeral-storage": "1", "nvidia.com/gpu": "8", "hugepages-2Mi": "2Mi" });
        let pod = json!({ "spec": {
            "containers": [holding("a", &all, &all)],
            "initContainers": [holding("b", &json!({ "cpu": "3" }), &json!({}))],
        } });
        let gib = 1_073_741_824_000;
        let page = 2_097_152_000;
        let want: Amounts = [
            ("cpu", 3_000),
            ("requests.cpu", 3_000),
            ("limits.cpu", 2_000),
            ("memory", gib),
            ("requests.memory", gib),
            ("limits.memory", gib),
            ("ephemeral-storage", 1_000),
            ("requests.ephemeral-storage", 1_000),
            ("limits.ephemeral-storage", 1_000),
            ("hugepages-2Mi", page),
            ("requests.hugepages-2Mi", page),
            ("requests.nvidia.com/gpu", 8_000),
            ("pods", 1_000),
            ("count/pods", 1_000),
        ]
        .map(|(name, amount)| (name.to_owned(), amount))
        .into();
        assert_eq!(usage(&pod), want);
    }

    #[test]
    fn a_quota_of_exactly_that_fits_and_one_less_does_not() {
        let all = json!({ "cpu": "2", "nvidia.com/gpu": "8", "ephemeral-storage": "1Gi" });
        let pod = json!({ "spec": { "containers": [holding("a", &all, &all)] } });
        for (name, enough, less) in [
            ("requests.cpu", "2", "1999m"),
            ("limits.cpu", "2", "1"),
            ("requests.nvidia.com/gpu", "8", "7"),
            ("requests.ephemeral-storage", "1Gi", "1G"),
            ("pods", "1", "0"),
        ] {
            assert_eq!(violations(&pod, &quota(&json!({ name: enough }))), [""; 0]);
            assert_eq!(
                violations(&pod, &quota(&json!({ name: less }))),
                [format!("{name}: is more than the quota has left")]
            );
        }
        // No quota knows limits of devices, nor what pods do not use.
        for name in ["limits.nvidia.com/gpu", "nvidia.com/gpu", "requests.storage", "services"] {
            assert_eq!(violations(&pod, &quota(&json!({ name: "0" }))), [""; 0], "{name}");
        }
        let mut left = quota(&json!({ "requests.cpu": "4" }));
        left.status = serde_json::from_value(json!({ "used": { "requests.cpu": "2500m" } })).unwrap();
        assert_eq!(violations(&pod, &left), ["requests.cpu: is more than the quota has left"]);
    }

    #[test]
    fn cpu_and_memory_have_to_be_named_by_every_container() {
        let cpu = json!({ "cpu": "1" });
        let mut pod = json!({ "spec": {
            "containers": [holding("a", &cpu, &cpu)],
            "initContainers": [holding("b", &cpu, &json!({}))],
        } });
        assert_eq!(violations(&pod, &quota(&json!({ "requests.cpu": "9" }))), [""; 0]);
        assert_eq!(
            violations(&pod, &quota(&json!({ "limits.cpu": "9" }))),
            ["limits.cpu: must be named by `b`"]
        );
        assert_eq!(
            violations(&pod, &quota(&json!({ "memory": "9" }))),
            ["memory: must be named by `a`", "memory: must be named by `b`"]
        );
        assert_eq!(violations(&pod, &quota(&json!({ "requests.ephemeral-storage": "9" }))), [""; 0]);
        pod["spec"]["resources"] = json!({ "limits": { "cpu": "1" } });
        assert_eq!(violations(&pod, &quota(&json!({ "memory": "9" }))), [""; 0]);
    }
}
