use super::*;

#[test]
fn resource_rules() {
    assert_refused([
        (
            "spec/containers/0/resources/requests",
            json!({ "cpu": "9" }),
            "spec.containers[0].resources.requests[cpu]",
        ),
        (
            "spec/containers/0/resources/requests",
            json!({ "nvidia.com/gpu": "4" }),
            "spec.containers[0].resources.requests[nvidia.com/gpu]",
        ),
        (
            "spec/containers/0/resources/requests",
            json!({ "amd.com/gpu": "4" }),
            "spec.containers[0].resources.requests[amd.com/gpu]",
        ),
        (
            "spec/containers/0/resources/requests",
            json!({ "cpu": "-1" }),
            "spec.containers[0].resources.requests[cpu]",
        ),
        (
            "spec/initContainers/0/resources",
            json!({ "limits": { "hugepages-2Mi": "2Mi" } }),
            "spec.initContainers[0].resources",
        ),
        (
            "spec/containers/0/resources/claims",
            json!([{ "name": "gpu" }]),
            "spec.containers[0].resources.claims[0]",
        ),
    ]);
    let mut pod = pod();
    set(&mut pod, "spec/containers/0/resources/limits", json!({ "cpu": "1", "hugepages-2Mi": "3Mi" }));
    let path = |list: &str| format!("spec.containers[0].resources.{list}[hugepages-2Mi]");
    assert_paths(&pod, &[&path("limits"), &path("requests")], "page size");
    set(&mut pod, "spec/containers/0/resources/limits", json!({ "nvidia.com/gpu": "500m" }));
    let path = |list: &str| format!("spec.containers[0].resources.{list}[nvidia.com/gpu]");
    assert_paths(&pod, &[&path("limits"), &path("requests")], "part of a device");
    set(&mut pod, "spec/containers/0/resources/limits", json!({ "gpu": "1" }));
    let path = |list: &str| format!("spec.containers[0].resources.{list}[gpu]");
    assert_paths(&pod, &[&path("limits"), &path("requests")], "no such resource");
}

#[test]
fn security_rules() {
    assert_refused([
        ("spec/containers/0/securityContext/privileged", json!(true), "spec.containers[0].securityContext"),
        (
            "spec/containers/0/securityContext/capabilities/add",
            json!(["CAP_SYS_ADMIN"]),
            "spec.containers[0].securityContext",
        ),
        (
            "spec/containers/0/securityContext/runAsUser",
            json!(-1),
            "spec.containers[0].securityContext.runAsUser",
        ),
        (
            "spec/containers/0/securityContext/runAsGroup",
            json!(1_i64 << 31),
            "spec.containers[0].securityContext.runAsGroup",
        ),
        (
            "spec/containers/0/securityContext/procMount",
            json!("Unmasked"),
            "spec.containers[0].securityContext.procMount",
        ),
        (
            "spec/containers/0/securityContext/seccompProfile",
            json!({}),
            "spec.containers[0].securityContext.seccompProfile.type",
        ),
        (
            "spec/containers/0/securityContext/seccompProfile",
            json!({ "type": "Localhost" }),
            "spec.containers[0].securityContext.seccompProfile.localhostProfile",
        ),
        (
            "spec/securityContext/seccompProfile/localhostProfile",
            json!("a"),
            "spec.securityContext.seccompProfile.localhostProfile",
        ),
        (
            "spec/securityContext/appArmorProfile",
            json!({ "type": "None" }),
            "spec.securityContext.appArmorProfile.type",
        ),
        ("spec/securityContext/fsGroup", json!(-1), "spec.securityContext.fsGroup"),
        (
            "spec/securityContext/supplementalGroups",
            json!([1, -1]),
            "spec.securityContext.supplementalGroups[1]",
        ),
        (
            "spec/securityContext/fsGroupChangePolicy",
            json!("Never"),
            "spec.securityContext.fsGroupChangePolicy",
        ),
        (
            "metadata/annotations",
            json!({ "seccomp.security.alpha.kubernetes.io/pod": "unconfined" }),
            "spec.securityContext.seccompProfile",
        ),
        (
            "metadata/annotations",
            json!({ "container.apparmor.security.beta.kubernetes.io/gone": "unconfined" }),
            "metadata.annotations[container.apparmor.security.beta.kubernetes.io/gone]",
        ),
        ("spec/os", json!({ "name": "plan9" }), "spec.os.name"),
    ]);

    let mut linux = pod();
    set(&mut linux, "spec/os", json!({ "name": "linux" }));
    set(&mut linux, "spec/containers/0/securityContext/windowsOptions", json!({}));
    assert_paths(&linux, &["spec.containers[0].securityContext.windowsOptions"], "linux");

    let windows = json!({ "spec": {
        "os": { "name": "windows" },
        "containers": [{ "name": "main", "image": "a", "securityContext": {
            "runAsUser": 1, "windowsOptions": { "hostProcess": true }
        } }]
    } });
    assert_paths(&windows, &["spec.hostNetwork", "spec.containers[0].securityContext.runAsUser"], "windows");

    let mut annotated = pod();
    set(
        &mut annotated,
        "spec/containers/0/securityContext/appArmorProfile",
        json!({ "type": "RuntimeDefault" }),
    );
    set(
        &mut annotated,
        "metadata/annotations",
        json!({ "container.apparmor.security.beta.kubernetes.io/main": "unconfined" }),
    );
    assert_paths(&annotated, &["spec.containers[0].securityContext.appArmorProfile"], "annotation");
}
