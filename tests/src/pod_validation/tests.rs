use serde_json::json;

use super::*;
use crate::walk::set;

/// A pod that the server creates, with one of everything.
fn pod() -> Value {
    json!({
        "metadata": { "annotations": { "prefill.llm-d.ai/verdict": "shaped" }, "labels": { "llm-d.ai/role": "prefill" } },
        "spec": {
            "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 60,
            "securityContext": { "fsGroup": 0, "seccompProfile": { "type": "RuntimeDefault" } },
            "initContainers": [
                { "name": "launcher", "image": "launcher:v1", "command": ["/launcher", "install"],
                  "volumeMounts": [{ "name": "bin", "mountPath": "/bin-out" }] },
                { "name": "proxy", "image": "proxy:v1", "restartPolicy": "Always",
                  "startupProbe": { "tcpSocket": { "port": 8000 } } }
            ],
            "containers": [{
                "name": "main",
                "image": "ghcr.io/llm-d/llm-d-cuda:v0.9.0",
                "command": ["/bin/launcher"],
                "args": ["run"],
                "ports": [{ "name": "http", "containerPort": 8000 }, { "containerPort": 5555, "protocol": "UDP" }],
                "env": [
                    { "name": "A", "value": "" },
                    { "name": "B", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['llm-d.ai/role']" } } },
                    { "name": "C", "valueFrom": { "secretKeyRef": { "name": "hf", "key": "token" } } },
                    { "name": "D", "valueFrom": { "resourceFieldRef": { "resource": "limits.memory" } } }
                ],
                "envFrom": [{ "configMapRef": { "name": "settings" } }],
                "resources": { "limits": { "cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "8", "rdma/roce": 1, "hugepages-2Mi": "4Mi" } },
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "add": ["IPC_LOCK"] }, "runAsUser": 2000 },
                "livenessProbe": { "httpGet": { "path": "/health", "port": 8000 } },
                "readinessProbe": { "httpGet": { "port": "http", "scheme": "HTTPS" }, "successThreshold": 2 },
                "startupProbe": { "exec": { "command": ["true"] }, "terminationGracePeriodSeconds": 5 },
                "lifecycle": { "preStop": { "sleep": { "seconds": 60 } } },
                "volumeMounts": [
                    { "name": "bin", "mountPath": "/prefill", "readOnly": true },
                    { "name": "shm", "mountPath": "/dev/shm" },
                    { "name": "image", "mountPath": "/image", "subPath": "bin" }
                ]
            }],
            "volumes": [
                { "name": "bin" },
                { "name": "shm", "emptyDir": { "medium": "Memory", "sizeLimit": "16Gi" } },
                { "name": "image", "image": { "reference": "launcher:v1" } },
                { "name": "token", "projected": { "sources": [{ "serviceAccountToken": { "path": "token" } }] } },
                { "name": "info", "downwardAPI": { "items": [{ "path": "labels", "fieldRef": { "fieldPath": "metadata.labels" } }] } },
                { "name": "ib", "hostPath": { "path": "/dev/infiniband" } }
            ]
        }
    })
}

fn assert_paths(pod: &Value, paths: &[&str], change: &str) {
    let found = violations(pod);
    let starts: Vec<_> =
        found.iter().map(|text| text.split_once(": ").map_or("", |(path, _)| path)).collect();
    assert_eq!(starts, paths, "{change}: {found:?}");
}

/// Each change breaks one field.
fn assert_refused(changes: impl IntoIterator<Item = (&'static str, Value, &'static str)>) {
    for (change, value, path) in changes {
        let mut pod = pod();
        set(&mut pod, change, value.clone());
        assert_paths(&pod, &[path], &format!("{change} = {value}"));
    }
}

#[test]
fn the_good_pod_is_created() {
    assert_paths(&pod(), &[], "none");
    let mut defaulted = pod();
    api_defaults::apply(&mut defaulted);
    api_defaults::admission_plugins(&mut defaulted);
    assert_paths(&defaulted, &[], "defaulted");
}

#[test]
fn what_is_allowed() {
    for (change, value) in [
        ("spec/containers/0/env/4", json!({ "name": "with space.and-0", "value": "" })),
        ("spec/containers/0/livenessProbe/timeoutSeconds", json!(0)),
        ("spec/containers/0/securityContext/capabilities/add", json!(["SYS_ADMIN"])),
        ("spec/containers/0/securityContext", json!({ "privileged": true })),
        ("spec/containers/0/lifecycle/preStop/sleep/seconds", json!(0)),
        ("spec/containers/0/resources/limits/memory", json!(1024)),
        ("spec/containers/0/restartPolicy", json!("Never")),
        ("spec/initContainers/0/restartPolicy", json!("OnFailure")),
        ("spec/hostNetwork", json!(true)),
        ("spec/volumes/1/emptyDir/medium", json!("HugePages-2Mi")),
        ("spec/resources", json!({ "limits": { "cpu": "8", "memory": "64Gi" } })),
        ("metadata/annotations", json!({ "Upper.Case/Key": "" })),
    ] {
        let mut pod = pod();
        set(&mut pod, change, value);
        assert_paths(&pod, &[], change);
    }
}

#[test]
fn types_are_asked_before_rules() {
    assert_refused([
        ("spec/containers/0/env/0/value", json!(8000), "spec.containers[0].env[0].value"),
        ("spec/containers/0/args/0", json!(1), "spec.containers[0].args"),
        ("spec/containers/0/args", json!("run"), "spec.containers[0].args"),
        (
            "spec/containers/0/ports/0/containerPort",
            json!("8000"),
            "spec.containers[0].ports[0].containerPort",
        ),
        ("spec/containers/0/ports/0/containerPort", json!(1.5), "spec.containers[0].ports[0].containerPort"),
        ("spec/containers/0/ports", json!({}), "spec.containers[0].ports"),
        ("spec/containers/0/securityContext", json!([]), "spec.containers[0].securityContext"),
        (
            "spec/containers/0/securityContext/runAsUser",
            json!("0"),
            "spec.containers[0].securityContext.runAsUser",
        ),
        (
            "spec/containers/0/livenessProbe/periodSeconds",
            json!(1_i64 << 31),
            "spec.containers[0].livenessProbe.periodSeconds",
        ),
        ("spec/containers/0/resources/limits/cpu", json!("8 cores"), "spec.containers[0].resources.limits"),
        ("spec/volumes/1/emptyDir/sizeLimit", json!("16GB"), "spec.volumes[1].emptyDir.sizeLimit"),
        ("metadata/annotations/a", json!(true), "metadata.annotations"),
        ("spec/hostNetwork", json!("true"), "spec.hostNetwork"),
        ("spec/volumes", json!({}), "spec.volumes"),
    ]);
}

#[test]
fn metadata_rules() {
    assert_refused([
        ("metadata/annotations", json!({ "a b": "" }), "metadata.annotations"),
        ("metadata/annotations", json!({ "a/b/c": "" }), "metadata.annotations"),
        ("metadata/annotations", json!({ "a": "x".repeat(256 * 1024) }), "metadata.annotations"),
        ("metadata/labels", json!({ "a": "b c" }), "metadata.labels[a]"),
    ]);
}

#[test]
fn spec_rules() {
    assert_refused([
        ("spec/restartPolicy", json!("Sometimes"), "spec.restartPolicy"),
        ("spec/dnsPolicy", json!("Cluster"), "spec.dnsPolicy"),
        ("spec/ephemeralContainers", json!([{ "name": "debug" }]), "spec.ephemeralContainers"),
        (
            "spec/terminationGracePeriodSeconds",
            json!(59),
            "spec.containers[0].lifecycle.preStop.sleep.seconds",
        ),
        ("spec/resources", json!({ "requests": { "cpu": "1" } }), "spec.resources.requests[cpu]"),
        (
            "spec/resources",
            json!({ "limits": { "memory": "64Gi", "nvidia.com/gpu": "8" } }),
            "spec.resources.limits[nvidia.com/gpu]",
        ),
    ]);
    let mut none = pod();
    set(&mut none, "spec/containers", json!([]));
    assert_paths(&none, &["spec.containers"], "no container");
    let mut hosted = pod();
    set(&mut hosted, "spec/hostNetwork", json!(true));
    set(&mut hosted, "spec/containers/0/ports/0/hostPort", json!(80));
    assert_paths(&hosted, &["spec.containers[0].ports[0].hostPort"], "host port");
    set(&mut hosted, "spec/containers/0/ports", json!([{ "containerPort": 80 }, { "containerPort": 80 }]));
    set(&mut hosted, "spec/hostUsers", json!(false));
    set(&mut hosted, "spec/containers/0/readinessProbe/httpGet/port", json!(80));
    assert_paths(&hosted, &["spec.containers[0].ports[1].hostPort", "spec.hostNetwork"], "twice");
}

mod containers;
mod resources;
