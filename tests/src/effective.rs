//! What a pod asks for as a whole: what the scheduler, ResourceQuota and LimitRange count.
//!
//! Rules: `component-helpers/resource/helpers.go` (`PodRequests`, `PodLimits`) without what a status says, as
//! a new pod has none; `plugin/pkg/admission/limitranger/admission.go` (`podRequests`, `podLimits`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::quantity::amount;
use crate::walk::{items, members, text};

/// Resources by name, in thousandths.
pub type Amounts = BTreeMap<String, i128>;

/// The pod's effective requests.
pub fn requests(pod: &Value) -> Amounts {
    let spec = &pod["spec"];
    let mut total = aggregate(spec, "requests");
    total.extend(of_whole_pod(spec, "requests"));
    add(&mut total, &amounts(&spec["overhead"]));
    total
}

/// The pod's effective limits.
pub fn limits(pod: &Value) -> Amounts {
    let spec = &pod["spec"];
    let mut total = aggregate(spec, "limits");
    total.extend(of_whole_pod(spec, "limits"));
    // Where nothing is limited, overhead makes no limit.
    for (name, overhead) in amounts(&spec["overhead"]) {
        if let Some(limit) = total.get_mut(&name).filter(|limit| **limit != 0) {
            *limit += overhead;
        }
    }
    total
}

/// `requests` or `limits` as a LimitRange of type Pod counts them: no overhead, and of what is said for the whole
/// pod cpu and memory only.
pub(crate) fn for_limit_range(pod: &Value, list: &str) -> Amounts {
    let spec = &pod["spec"];
    let mut total = aggregate(spec, list);
    let counts = |name: &str| matches!(name, "cpu" | "memory");
    total.extend(of_whole_pod(spec, list).into_iter().filter(|(name, _)| counts(name)));
    total
}

/// What is said for the whole pod replaces what the containers say.
fn of_whole_pod(spec: &Value, list: &str) -> Amounts {
    let whole = amounts(&spec["resources"][list]);
    whole.into_iter().filter(|(name, _)| is_of_whole_pod(name)).collect()
}

/// `IsSupportedPodLevelResource`
fn is_of_whole_pod(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

/// `IsPodLevelResourcesSet`
pub(crate) fn is_set_for_whole_pod(pod: &Value) -> bool {
    let resources = &pod["spec"]["resources"];
    ["requests", "limits"]
        .into_iter()
        .any(|list| members(&resources[list]).any(|(name, _)| is_of_whole_pod(name)))
}

/// What a pod's containers need of `requests` or `limits` at once: the sum of the regular containers and the
/// sidecars, or what one init container needs beside the sidecars before it, whichever is more.
pub(crate) fn aggregate(pod_spec: &Value, list: &str) -> Amounts {
    let mut total = Amounts::new();
    for container in items(&pod_spec["containers"]) {
        add(&mut total, &amounts(&container["resources"][list]));
    }
    let mut sidecars = Amounts::new();
    let mut starting = Amounts::new();
    for container in items(&pod_spec["initContainers"]) {
        let own = amounts(&container["resources"][list]);
        if text(&container["restartPolicy"]) == "Always" {
            add(&mut total, &own);
            add(&mut sidecars, &own);
            raise(&mut starting, &sidecars);
        } else {
            let mut beside = sidecars.clone();
            add(&mut beside, &own);
            raise(&mut starting, &beside);
        }
    }
    raise(&mut total, &starting);
    total
}

/// One resource list.
pub(crate) fn amounts(list: &Value) -> Amounts {
    members(list).filter_map(|(name, value)| Some((name.clone(), amount(value)?))).collect()
}

pub(crate) fn add(sum: &mut Amounts, list: &Amounts) {
    for (name, amount) in list {
        *sum.entry(name.clone()).or_default() += amount;
    }
}

fn raise(most: &mut Amounts, list: &Amounts) {
    for (name, amount) in list {
        let present = most.entry(name.clone()).or_insert(*amount);
        *present = (*present).max(*amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn asking(list: &str, amounts: &Value) -> Value {
        json!({ "resources": { list: amounts } })
    }

    fn sidecar(mut container: Value) -> Value {
        container["restartPolicy"] = json!("Always");
        container
    }

    #[test]
    fn init_containers_run_one_by_one_and_sidecars_stay() {
        let cpu = |amount: &str| asking("requests", &json!({ "cpu": amount }));
        let spec = json!({
            "containers": [cpu("2"), cpu("1")],
            "initContainers": [cpu("3"), sidecar(cpu("1")), cpu("3500m")],
        });
        // Regular and sidecar: 4; the last init container beside the sidecar: 4.5.
        assert_eq!(aggregate(&spec, "requests")["cpu"], 4_500);
    }

    #[test]
    fn an_init_container_counts_only_where_it_asks_for_more() {
        let both =
            |cpu: &str, disk: &str| asking("limits", &json!({ "cpu": cpu, "ephemeral-storage": disk }));
        let pod = json!({ "spec": {
            "containers": [both("2", "1Gi"), asking("limits", &json!({ "nvidia.com/gpu": 8 }))],
            "initContainers": [both("1", "2Gi"), asking("limits", &json!({ "memory": "1" }))],
        } });
        let want = [
            ("cpu", 2_000),
            ("ephemeral-storage", 2_147_483_648_000),
            ("memory", 1_000),
            ("nvidia.com/gpu", 8_000),
        ];
        assert_eq!(limits(&pod), want.map(|(name, amount)| (name.to_owned(), amount)).into());
        assert_eq!(requests(&pod), Amounts::new());
    }

    #[test]
    fn sidecars_before_an_init_container_run_beside_it() {
        let cpu = |amount: &str| asking("requests", &json!({ "cpu": amount }));
        let total = |starting: Value| {
            requests(&json!({ "spec": { "containers": [cpu("1")], "initContainers": starting } }))["cpu"]
        };
        assert_eq!(total(json!([cpu("5"), sidecar(cpu("2"))])), 5_000);
        assert_eq!(total(json!([sidecar(cpu("2")), cpu("5")])), 7_000);
        assert_eq!(total(json!([sidecar(cpu("2")), cpu("1"), sidecar(cpu("2"))])), 5_000);
    }

    #[test]
    fn what_the_whole_pod_asks_for_replaces_the_sum() {
        let mut pod = json!({ "spec": {
            "containers": [asking("requests", &json!({ "cpu": "1", "memory": "1", "ephemeral-storage": "1" }))],
            "resources": { "requests": { "cpu": "3", "hugepages-2Mi": "2Mi", "ephemeral-storage": "9" } },
        } });
        let of = |pod: &Value, name: &str| requests(pod).get(name).copied();
        assert_eq!(of(&pod, "cpu"), Some(3_000));
        assert_eq!(of(&pod, "memory"), Some(1_000));
        assert_eq!(of(&pod, "ephemeral-storage"), Some(1_000));
        assert_eq!(of(&pod, "hugepages-2Mi"), Some(2_097_152_000));
        assert_eq!(for_limit_range(&pod, "requests").get("hugepages-2Mi"), None);
        assert!(is_set_for_whole_pod(&pod));
        pod["spec"]["resources"] = json!({ "requests": { "ephemeral-storage": "9" } });
        assert!(!is_set_for_whole_pod(&pod));
    }

    #[test]
    fn overhead_is_asked_for_and_raises_only_limits_that_are_there() {
        let pod = json!({ "spec": {
            "containers": [asking("limits", &json!({ "cpu": "1" }))],
            "overhead": { "cpu": "250m", "memory": "1" },
        } });
        assert_eq!(requests(&pod), [("cpu".to_owned(), 250), ("memory".to_owned(), 1_000)].into());
        assert_eq!(limits(&pod), [("cpu".to_owned(), 1_250)].into());
        assert_eq!(for_limit_range(&pod, "limits"), [("cpu".to_owned(), 1_000)].into());
    }
}
