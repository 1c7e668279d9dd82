use serde_json::json;

use super::*;
use crate::walk::set;

/// What `restricted` admits.
fn pod() -> Value {
    let context = json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } });
    json!({ "spec": {
        "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
        "initContainers": [{ "name": "get", "securityContext": context }],
        "containers": [{ "name": "main", "securityContext": context, "ports": [{ "containerPort": 8000 }] }],
        "volumes": [
            { "name": "a", "emptyDir": {} },
            { "name": "b", "image": { "reference": "vllm" } },
            { "name": "c", "persistentVolumeClaim": { "claimName": "model" } }
        ]
    } })
}

fn assert_paths(found: &[String], paths: &[&str], change: &str) {
    let starts: Vec<_> =
        found.iter().map(|text| text.split_once(": ").map_or("", |(path, _)| path)).collect();
    assert_eq!(starts, paths, "{change}: {found:?}");
}

#[test]
fn the_good_pod_is_admitted() {
    assert_paths(&baseline(&pod()), &[], "none");
    assert_paths(&restricted(&pod()), &[], "none");
}

#[test]
fn both_levels_refuse() {
    for (change, value, path) in [
        ("spec/hostNetwork", json!(true), "spec.hostNetwork"),
        ("spec/hostPID", json!(true), "spec.hostPID"),
        ("spec/hostIPC", json!(true), "spec.hostIPC"),
        (
            "spec/containers/0/securityContext/privileged",
            json!(true),
            "spec.containers[0].securityContext.privileged",
        ),
        (
            "spec/initContainers/0/securityContext/privileged",
            json!(true),
            "spec.initContainers[0].securityContext.privileged",
        ),
        ("spec/containers/0/ports/0/hostPort", json!(8000), "spec.containers[0].ports[0].hostPort"),
        (
            "spec/containers/0/livenessProbe/httpGet/host",
            json!("10.0.0.1"),
            "spec.containers[0].livenessProbe.httpGet.host",
        ),
        (
            "spec/containers/0/lifecycle/preStop/tcpSocket/host",
            json!("a"),
            "spec.containers[0].lifecycle.preStop.tcpSocket.host",
        ),
        (
            "spec/containers/0/securityContext/capabilities/add",
            json!(["IPC_LOCK"]),
            "spec.containers[0].securityContext.capabilities.add",
        ),
        (
            "spec/securityContext/windowsOptions/hostProcess",
            json!(true),
            "spec.securityContext.windowsOptions.hostProcess",
        ),
        (
            "spec/containers/0/securityContext/appArmorProfile/type",
            json!("Unconfined"),
            "spec.containers[0].securityContext.appArmorProfile.type",
        ),
        (
            "metadata/annotations/container.apparmor.security.beta.kubernetes.io~main",
            json!("unconfined"),
            "metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]",
        ),
        (
            "spec/securityContext/seLinuxOptions/type",
            json!("spc_t"),
            "spec.securityContext.seLinuxOptions.type",
        ),
        (
            "spec/containers/0/securityContext/seLinuxOptions/user",
            json!("root"),
            "spec.containers[0].securityContext.seLinuxOptions.user",
        ),
        (
            "spec/securityContext/sysctls",
            json!([{ "name": "kernel.msgmax" }]),
            "spec.securityContext.sysctls",
        ),
        (
            "spec/containers/0/securityContext/procMount",
            json!("Unmasked"),
            "spec.containers[0].securityContext.procMount",
        ),
        (
            "spec/containers/0/securityContext/seccompProfile/type",
            json!("Unconfined"),
            "spec.containers[0].securityContext.seccompProfile.type",
        ),
    ] {
        let mut pod = pod();
        if let Some((parent, name)) = change.split_once('~') {
            let (map, prefix) = parent.rsplit_once('/').unwrap_or_default();
            set(&mut pod, map, json!({ format!("{prefix}/{name}"): value }));
        } else {
            set(&mut pod, change, value);
        }
        assert_paths(&baseline(&pod), &[path], change);
        assert_paths(&restricted(&pod), &[path], change);
    }
}

#[test]
fn host_paths_are_refused_by_each_level_in_its_own_words() {
    let mut pod = pod();
    set(&mut pod, "spec/volumes/3", json!({ "name": "d", "hostPath": { "path": "/dev/infiniband" } }));
    assert_paths(&baseline(&pod), &["spec.volumes[3].hostPath"], "hostPath");
    assert_paths(&restricted(&pod), &["spec.volumes[3]"], "hostPath");
}

#[test]
fn only_restricted_refuses() {
    let own = "spec.containers[0].securityContext";
    for (change, value, paths) in [
        ("spec/volumes/3", json!({ "name": "d", "nfs": {} }), vec!["spec.volumes[3]".to_owned()]),
        (
            "spec/containers/0/securityContext/capabilities/add",
            json!(["CHOWN"]),
            vec![format!("{own}.capabilities.add")],
        ),
        (
            "spec/containers/0/securityContext/capabilities/drop",
            json!(["NET_RAW"]),
            vec![format!("{own}.capabilities.drop")],
        ),
        (
            "spec/containers/0/securityContext/allowPrivilegeEscalation",
            json!(null),
            vec![format!("{own}.allowPrivilegeEscalation")],
        ),
        ("spec/containers/0/securityContext/runAsNonRoot", json!(false), vec![format!("{own}.runAsNonRoot")]),
        ("spec/containers/0/securityContext/runAsUser", json!(0), vec![format!("{own}.runAsUser")]),
        ("spec/securityContext/runAsUser", json!(0), vec!["spec.securityContext.runAsUser".to_owned()]),
        (
            "spec/securityContext/seccompProfile",
            json!(null),
            vec![
                "spec.initContainers[0].securityContext.seccompProfile".to_owned(),
                format!("{own}.seccompProfile"),
            ],
        ),
        (
            "spec/securityContext/runAsNonRoot",
            json!(null),
            vec![
                "spec.initContainers[0].securityContext.runAsNonRoot".to_owned(),
                format!("{own}.runAsNonRoot"),
            ],
        ),
        (
            "spec/initContainers/1",
            json!({ "name": "bare" }),
            vec![
                "spec.initContainers[1].securityContext.allowPrivilegeEscalation".to_owned(),
                "spec.initContainers[1].securityContext.capabilities.drop".to_owned(),
            ],
        ),
        (
            "spec/ephemeralContainers",
            json!([{ "name": "debug" }]),
            vec![
                "spec.ephemeralContainers[0].securityContext.allowPrivilegeEscalation".to_owned(),
                "spec.ephemeralContainers[0].securityContext.capabilities.drop".to_owned(),
            ],
        ),
    ] {
        let mut pod = pod();
        set(&mut pod, change, value);
        assert_paths(&baseline(&pod), &[], change);
        let paths: Vec<_> = paths.iter().map(String::as_str).collect();
        assert_paths(&restricted(&pod), &paths, change);
    }
}

#[test]
fn what_restricted_allows() {
    for (change, value) in [
        ("spec/containers/0/securityContext/capabilities/add", json!(["NET_BIND_SERVICE"])),
        (
            "spec/containers/0/securityContext/seccompProfile",
            json!({ "type": "Localhost", "localhostProfile": "a" }),
        ),
        ("spec/containers/0/securityContext/runAsUser", json!(1000)),
        ("spec/containers/0/ports/0/hostPort", json!(0)),
        ("spec/securityContext/sysctls", json!([{ "name": "net.ipv4.tcp_rmem" }])),
        ("spec/securityContext/seLinuxOptions", json!({ "type": "container_engine_t" })),
    ] {
        let mut pod = pod();
        set(&mut pod, change, value);
        assert_paths(&restricted(&pod), &[], change);
    }
}

#[test]
fn a_user_namespace_relaxes_the_user() {
    let mut pod = pod();
    set(&mut pod, "spec/hostUsers", json!(false));
    set(&mut pod, "spec/securityContext/runAsNonRoot", json!(false));
    set(&mut pod, "spec/containers/0/securityContext/runAsUser", json!(0));
    assert_paths(&restricted(&pod), &[], "hostUsers");
    set(&mut pod, "spec/containers/0/securityContext/procMount", json!("Unmasked"));
    assert_paths(&baseline(&pod), &[], "procMount");
    assert_paths(&restricted(&pod), &["spec.containers[0].securityContext.procMount"], "procMount");
}

#[test]
fn windows_has_no_linux_fields() {
    let pod = json!({ "spec": {
        "os": { "name": "windows" }, "securityContext": { "runAsNonRoot": true }, "containers": [{ "name": "main" }]
    } });
    assert_paths(&restricted(&pod), &[], "windows");
}
