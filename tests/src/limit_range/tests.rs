use super::*;

fn range(items: &Value) -> LimitRange {
    serde_json::from_value(json!({ "spec": { "limits": items } })).unwrap()
}

fn one(kind: &str, member: &str, amounts: &Value) -> LimitRange {
    range(&json!([{ "type": kind, member: amounts }]))
}

fn pod(containers: &Value, init_containers: &Value) -> Value {
    json!({ "spec": { "containers": containers, "initContainers": init_containers } })
}

fn holding(requests: &Value, limits: &Value) -> Value {
    json!({ "resources": { "requests": requests, "limits": limits } })
}

fn against(pod: &Value, range: &LimitRange) -> Vec<String> {
    admit(pod, range).err().unwrap_or_default()
}

#[test]
fn every_container_has_to_reach_the_minimum() {
    let least = one("Container", "min", &json!({ "cpu": "200m" }));
    let cpu = |request: &str, limit: &str| holding(&json!({ "cpu": request }), &json!({ "cpu": limit }));
    assert_eq!(against(&pod(&json!([cpu("200m", "1")]), &json!([cpu("1", "1")])), &least), [""; 0]);
    assert_eq!(
        against(&pod(&json!([cpu("1", "1")]), &json!([cpu("100m", "1")])), &least),
        ["spec.initContainers[0].resources.requests[cpu]: is less than the minimum"]
    );
    // Nothing asked for is asked for as the minimum says.
    let pod = pod(&json!([{}]), &json!([{}]));
    let admitted = admit(&pod, &least).unwrap();
    for container in [&admitted["spec"]["containers"][0], &admitted["spec"]["initContainers"][0]] {
        assert_eq!(container["resources"], json!({ "requests": { "cpu": "200m" } }));
    }
}

#[test]
fn a_minimum_of_limits_alone_is_met_by_what_the_decoder_requests() {
    let least = one("Container", "min", &json!({ "memory": "128Mi" }));
    let limited = |limit: &str| json!([{ "resources": { "limits": { "memory": limit } } }]);
    assert!(admit(&pod(&limited("128Mi"), &json!([])), &least).is_ok());
    assert_eq!(
        against(&pod(&limited("64Mi"), &json!([])), &least),
        ["spec.containers[0].resources.requests[memory]: is less than the minimum"]
    );
}

#[test]
fn a_maximum_is_also_the_limit_of_who_has_none() {
    let most = one("Container", "max", &json!({ "cpu": "4" }));
    let requesting = |cpu: &str| json!([{ "resources": { "requests": { "cpu": cpu } } }]);
    let admitted = admit(&pod(&requesting("2"), &json!([{}])), &most).unwrap();
    assert_eq!(
        admitted["spec"]["containers"][0]["resources"],
        json!({ "requests": { "cpu": "2" }, "limits": { "cpu": "4" } })
    );
    assert_eq!(
        admitted["spec"]["initContainers"][0]["resources"],
        json!({ "requests": { "cpu": "4" }, "limits": { "cpu": "4" } })
    );
    assert_eq!(
        against(&pod(&requesting("5"), &json!([])), &most),
        ["spec.containers[0].resources.requests[cpu]: is more than the maximum"]
    );
    let limited = json!([holding(&json!({ "cpu": "1" }), &json!({ "cpu": "4001m" }))]);
    assert_eq!(
        against(&pod(&limited, &json!([])), &most),
        ["spec.containers[0].resources.limits[cpu]: is more than the maximum"]
    );
}

#[test]
fn a_ratio_wants_both_and_compares_exactly() {
    let ratio = |ratio: &str| one("Container", "maxLimitRequestRatio", &json!({ "cpu": ratio }));
    let cpu = |request: &str, limit: &str| {
        pod(&json!([holding(&json!({ "cpu": request }), &json!({ "cpu": limit }))]), &json!([]))
    };
    assert!(admit(&cpu("2", "2"), &ratio("1")).is_ok());
    assert!(admit(&cpu("2", "3"), &ratio("1.5")).is_ok());
    assert_eq!(
        against(&cpu("2", "3001m"), &ratio("1.5")),
        ["spec.containers[0].resources.limits[cpu]: is more than the ratio allows"]
    );
    for (wrong, list) in [
        (holding(&json!({}), &json!({})), "requests"),
        (holding(&json!({ "cpu": "0" }), &json!({ "cpu": "1" })), "requests"),
        (holding(&json!({ "cpu": "1" }), &json!({})), "limits"),
    ] {
        assert_eq!(
            against(&pod(&json!([wrong]), &json!([])), &ratio("1")),
            [format!("spec.containers[0].resources.{list}[cpu]: required, there is a ratio")]
        );
    }
}

#[test]
fn defaults_fill_gaps_of_each_resource_by_itself() {
    let defaults = range(&json!([{
        "type": "Container",
        "default": { "cpu": "2", "ephemeral-storage": "4Gi" },
        "defaultRequest": { "cpu": "1" },
    }]));
    let own = json!([{ "resources": { "limits": { "memory": "1Gi", "cpu": "8" } } }]);
    let admitted = admit(&pod(&own, &json!([{}])), &defaults).unwrap();
    assert_eq!(
        admitted["spec"]["containers"][0]["resources"],
        holding(
            // The decoder's request is the pod's own limit, not the default.
            &json!({ "memory": "1Gi", "cpu": "8", "ephemeral-storage": "4Gi" }),
            &json!({ "memory": "1Gi", "cpu": "8", "ephemeral-storage": "4Gi" })
        )["resources"]
    );
    assert_eq!(
        admitted["spec"]["initContainers"][0]["resources"],
        holding(
            &json!({ "cpu": "1", "ephemeral-storage": "4Gi" }),
            &json!({ "cpu": "2", "ephemeral-storage": "4Gi" })
        )["resources"]
    );
    assert_eq!(admit(&admitted, &defaults), Ok(admitted), "nothing is filled in twice");
}

#[test]
fn of_two_items_the_last_default_counts_and_both_judge() {
    let two = range(&json!([
        { "type": "Container", "default": { "cpu": "1" }, "max": { "memory": "1Gi" } },
        { "type": "Container", "default": { "cpu": "3" }, "max": { "cpu": "2" } },
    ]));
    assert_eq!(
        against(&pod(&json!([{}]), &json!([])), &two),
        ["spec.containers[0].resources.limits[cpu]: is more than the maximum"]
    );
}

#[test]
fn a_pod_is_judged_by_what_it_needs_at_once() {
    let most = one("Pod", "max", &json!({ "cpu": "4" }));
    let cpu = |cpu: &str| holding(&json!({ "cpu": cpu }), &json!({ "cpu": cpu }));
    let mut sidecar = cpu("1");
    sidecar["restartPolicy"] = json!("Always");
    let starting = json!([cpu("4"), sidecar, cpu("3")]);
    assert!(admit(&pod(&json!([cpu("3")]), &starting), &most).is_ok());
    assert_eq!(
        against(&pod(&json!([cpu("3"), cpu("1")]), &starting), &most),
        ["spec.limits[cpu]: is more than the maximum"]
    );
    // Nothing is filled in for the pod, and the sum of limits is there when one container has one.
    assert_eq!(
        against(&pod(&json!([{}]), &json!([])), &most),
        ["spec.limits[cpu]: required, there is a maximum"]
    );
    assert!(admit(&pod(&json!([cpu("1"), {}]), &json!([])), &most).is_ok());
}

#[test]
fn what_is_said_for_the_whole_pod_is_what_is_judged() {
    let most = one("Pod", "max", &json!({ "cpu": "4" }));
    let mut pod = pod(&json!([{}]), &json!([]));
    pod["spec"]["resources"] = json!({ "limits": { "cpu": "4" } });
    assert!(admit(&pod, &most).is_ok());
    pod["spec"]["resources"]["limits"]["cpu"] = json!("5");
    assert_eq!(against(&pod, &most), ["spec.limits[cpu]: is more than the maximum"]);
    // A range for containers does not look there.
    let least = one("Container", "min", &json!({ "cpu": "1" }));
    assert_eq!(
        admit(&pod, &least).unwrap()["spec"]["containers"][0]["resources"],
        json!({ "requests": { "cpu": "1" } })
    );
}

#[test]
fn other_types_say_nothing_of_pods() {
    let claims = one("PersistentVolumeClaim", "min", &json!({ "storage": "1Gi" }));
    assert_eq!(admit(&pod(&json!([{}]), &json!([])), &claims).unwrap(), pod(&json!([{}]), &json!([])));
}
