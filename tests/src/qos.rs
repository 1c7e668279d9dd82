//! The quality-of-service class that the kubelet computes for a pod.
//!
//! Rules: `pkg/apis/core/helper/qos/qos.go` (`ComputePodQOS`).

use serde_json::Value;

use crate::effective::{Amounts, add, amounts};
use crate::walk::{is_set, items};

/// A pod's quality-of-service class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// Every container limits cpu and memory, and requests what it limits.
    Guaranteed,
    /// Something is requested or limited.
    Burstable,
    /// Nothing is.
    BestEffort,
}

/// The class of a pod whose defaults are filled in (requests default to limits).
///
/// Only cpu and memory above zero count; init containers count, ephemeral ones cannot have resources.
/// `spec.resources`, where set, is read instead of the containers.
pub fn class(pod: &Value) -> Qos {
    let spec = &pod["spec"];
    let whole_pod = is_set(&spec["resources"]);
    let holders: Vec<&Value> = if whole_pod {
        vec![&spec["resources"]]
    } else {
        let lists = [&spec["containers"], &spec["initContainers"]];
        lists.into_iter().flat_map(items).map(|container| &container["resources"]).collect()
    };

    let mut requests = Amounts::new();
    let mut limits = Amounts::new();
    let mut guaranteed = true;
    for holder in holders {
        add(&mut requests, &counted(&holder["requests"]));
        let limited = counted(&holder["limits"]);
        // Upstream asks this of pod-level limits only where there are some; without any, the comparison
        // below refuses anyway.
        guaranteed &= limited.len() == 2 || (whole_pod && !is_set(&holder["limits"]));
        add(&mut limits, &limited);
    }
    if requests.is_empty() && limits.is_empty() {
        Qos::BestEffort
    } else if guaranteed && requests == limits {
        Qos::Guaranteed
    } else {
        Qos::Burstable
    }
}

/// The cpu and memory above zero of one resource list.
fn counted(list: &Value) -> Amounts {
    let counts = |name: &str| name == "cpu" || name == "memory";
    amounts(list).into_iter().filter(|(name, amount)| counts(name) && *amount > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holding(resources: &Value) -> Value {
        json!({ "resources": resources })
    }

    fn pod(containers: &Value, init_containers: &Value) -> Value {
        json!({ "spec": { "containers": containers, "initContainers": init_containers } })
    }

    #[test]
    fn classes() {
        let full = || {
            holding(
                &json!({ "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "2000m", "memory": "1024Mi" } }),
            )
        };
        let cpu = || holding(&json!({ "limits": { "cpu": "2" }, "requests": { "cpu": "2" } }));
        let gpu = || {
            holding(&json!({ "limits": { "nvidia.com/gpu": "8" }, "requests": { "nvidia.com/gpu": "8" } }))
        };
        let less = || {
            holding(
                &json!({ "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "1", "memory": "1Gi" } }),
            )
        };
        for (containers, init_containers, class_) in [
            (json!([full()]), json!([]), Qos::Guaranteed),
            (json!([full(), full()]), json!([full()]), Qos::Guaranteed),
            (json!([cpu()]), json!([]), Qos::Burstable),
            (json!([less()]), json!([]), Qos::Burstable),
            (json!([full()]), json!([cpu()]), Qos::Burstable),
            (json!([full()]), json!([{}]), Qos::Burstable),
            (json!([full(), gpu()]), json!([]), Qos::Burstable),
            (json!([gpu()]), json!([]), Qos::BestEffort),
            (json!([holding(&json!({ "requests": { "cpu": "0" } }))]), json!([]), Qos::BestEffort),
            (json!([{}]), json!([{}]), Qos::BestEffort),
            (json!([{}]), json!([less()]), Qos::Burstable),
        ] {
            assert_eq!(class(&pod(&containers, &init_containers)), class_, "{containers}");
        }
    }

    #[test]
    fn pod_level_resources_replace_the_containers() {
        let mut pod = pod(&json!([{}]), &json!([]));
        pod["spec"]["resources"] =
            json!({ "limits": { "cpu": "2", "memory": "1Gi" }, "requests": { "cpu": "2", "memory": "1Gi" } });
        assert_eq!(class(&pod), Qos::Guaranteed);
        pod["spec"]["resources"]["requests"]["cpu"] = json!("1");
        assert_eq!(class(&pod), Qos::Burstable);
        pod["spec"]["resources"] = json!({ "requests": { "cpu": "1" } });
        assert_eq!(class(&pod), Qos::Burstable);
    }
}
