#![allow(clippy::unwrap_used, reason = "a broken fixture has to stop the test")]

use super::*;
use crate::walk::set;

fn applied(mut pod: Value) -> Value {
    apply(&mut pod);
    let once = pod.clone();
    apply(&mut pod);
    assert_eq!(pod, once, "apply is idempotent");
    pod
}

fn admitted(mut pod: Value) -> Value {
    admission_plugins(&mut pod);
    let once = pod.clone();
    admission_plugins(&mut pod);
    assert_eq!(pod, once, "admission_plugins is idempotent");
    pod
}

#[test]
fn the_least_pod() {
    let pod = json!({ "spec": { "containers": [{ "name": "main", "image": "vllm" }] } });
    assert_eq!(
        applied(pod),
        json!({
            "spec": {
                "containers": [{
                    "image": "vllm",
                    "imagePullPolicy": "Always",
                    "name": "main",
                    "resources": {},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File"
                }],
                "dnsPolicy": "ClusterFirst",
                "enableServiceLinks": true,
                "restartPolicy": "Always",
                "schedulerName": "default-scheduler",
                "securityContext": {},
                "terminationGracePeriodSeconds": 30
            },
            "status": {}
        })
    );
}

#[test]
fn what_a_container_holds() {
    let container = |list: &str| {
        let pod = applied(json!({ "spec": { list: [{
            "name": "main",
            "image": "ghcr.io/llm-d/llm-d-cuda:v0.9.0",
            "ports": [{ "containerPort": 8000 }, { "containerPort": 53, "protocol": "UDP" }],
            "env": [
                { "name": "A", "value": "" },
                { "name": "B", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                { "name": "C", "valueFrom": { "fileKeyRef": { "key": "k", "path": "p", "volumeName": "v" } } },
            ],
            "resources": { "limits": { "nvidia.com/gpu": 8, "memory": "2Gi" }, "requests": { "memory": "1Gi" } },
            "livenessProbe": { "httpGet": { "port": 8000 }, "timeoutSeconds": 0, "periodSeconds": 7 },
            "readinessProbe": { "grpc": { "port": 8000 }, "failureThreshold": 1 },
            "startupProbe": { "httpGet": { "path": "/health", "port": 8000, "scheme": "HTTPS" } },
            "lifecycle": { "preStop": { "httpGet": { "port": 8000 } }, "postStart": { "exec": { "command": ["a"] } } },
        }] } }));
        pod["spec"][list][0].clone()
    };
    let main = container("containers");
    assert_eq!(
        main,
        json!({
            "name": "main",
            "image": "ghcr.io/llm-d/llm-d-cuda:v0.9.0",
            "imagePullPolicy": "IfNotPresent",
            "ports": [{ "containerPort": 8000, "protocol": "TCP" }, { "containerPort": 53, "protocol": "UDP" }],
            "env": [
                { "name": "A", "value": "" },
                { "name": "B", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.name" } } },
                { "name": "C", "valueFrom": {
                    "fileKeyRef": { "key": "k", "optional": false, "path": "p", "volumeName": "v" }
                } },
            ],
            "resources": {
                "limits": { "nvidia.com/gpu": "8", "memory": "2Gi" },
                "requests": { "nvidia.com/gpu": "8", "memory": "1Gi" }
            },
            "livenessProbe": {
                "httpGet": { "path": "/", "port": 8000, "scheme": "HTTP" },
                "timeoutSeconds": 1, "periodSeconds": 7, "successThreshold": 1, "failureThreshold": 3
            },
            "readinessProbe": {
                "grpc": { "port": 8000, "service": "" },
                "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 1
            },
            "startupProbe": {
                "httpGet": { "path": "/health", "port": 8000, "scheme": "HTTPS" },
                "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3
            },
            "lifecycle": {
                "preStop": { "httpGet": { "path": "/", "port": 8000, "scheme": "HTTP" } },
                "postStart": { "exec": { "command": ["a"] } }
            },
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File"
        })
    );
    assert_eq!(container("initContainers"), main);
}

#[test]
fn what_is_there_stays() {
    let pod = json!({
        "spec": {
            "containers": [{
                "image": "vllm", "imagePullPolicy": "Never", "name": "main", "resources": { "limits": {} },
                "terminationMessagePath": "/tmp/end", "terminationMessagePolicy": "FallbackToLogsOnError"
            }],
            "dnsPolicy": "Default", "enableServiceLinks": false, "restartPolicy": "Never", "schedulerName": "kueue",
            "securityContext": { "runAsNonRoot": true }, "terminationGracePeriodSeconds": 0,
            "volumes": [{ "name": "a", "secret": { "secretName": "a", "defaultMode": 0 } }]
        },
        "status": {}
    });
    assert_eq!(applied(pod.clone()), pod);
}

#[test]
fn the_host_network_takes_the_container_ports() {
    let pod = applied(json!({ "spec": {
        "hostNetwork": true,
        "containers": [{ "ports": [{ "containerPort": 8000 }, { "containerPort": 1, "hostPort": 2 }] }],
        "initContainers": [{ "ports": [{ "containerPort": 9000, "hostPort": 0 }] }]
    } }));
    assert_eq!(pod["spec"]["containers"][0]["ports"][0]["hostPort"], 8000);
    assert_eq!(pod["spec"]["containers"][0]["ports"][1]["hostPort"], 2);
    assert_eq!(pod["spec"]["initContainers"][0]["ports"][0]["hostPort"], 9000);
}

#[test]
fn volumes() {
    for (given, defaulted) in [
        (json!({ "name": "a" }), json!({ "name": "a", "emptyDir": {} })),
        (json!({ "emptyDir": { "medium": "Memory" } }), json!({ "emptyDir": { "medium": "Memory" } })),
        (json!({ "hostPath": { "path": "/a" } }), json!({ "hostPath": { "path": "/a", "type": "" } })),
        (json!({ "secret": {} }), json!({ "secret": { "defaultMode": 420 } })),
        (json!({ "configMap": {} }), json!({ "configMap": { "defaultMode": 420 } })),
        (
            json!({ "downwardAPI": { "items": [{ "fieldRef": {} }] } }),
            json!({ "downwardAPI": { "defaultMode": 420, "items": [{ "fieldRef": { "apiVersion": "v1" } }] } }),
        ),
        (
            json!({ "projected": { "sources": [
                { "serviceAccountToken": {} }, { "downwardAPI": { "items": [{ "fieldRef": {} }] } }, { "secret": {} }
            ] } }),
            json!({ "projected": { "defaultMode": 420, "sources": [
                { "serviceAccountToken": { "expirationSeconds": 3600 } },
                { "downwardAPI": { "items": [{ "fieldRef": { "apiVersion": "v1" } }] } },
                { "secret": {} }
            ] } }),
        ),
        (
            json!({ "image": { "reference": "vllm" } }),
            json!({ "image": { "reference": "vllm", "pullPolicy": "Always" } }),
        ),
        (
            json!({ "ephemeral": { "volumeClaimTemplate": { "spec": {} } } }),
            json!({ "ephemeral": { "volumeClaimTemplate": { "spec": { "volumeMode": "Filesystem" } } } }),
        ),
        (json!({ "persistentVolumeClaim": {} }), json!({ "persistentVolumeClaim": {} })),
    ] {
        let pod = applied(json!({ "spec": { "volumes": [given] } }));
        assert_eq!(pod["spec"]["volumes"][0], defaulted);
    }
}

#[test]
fn pod_level_limits_bring_pod_level_requests() {
    let mut pod = json!({ "spec": { "containers": [{}, {}] } });
    set(&mut pod, "spec/resources/limits", json!({ "cpu": "4", "memory": "4Gi" }));
    let from_limits = applied(pod.clone());
    assert_eq!(from_limits["spec"]["resources"]["requests"], json!({ "cpu": "4", "memory": "4Gi" }));
    for index in ["0", "1"] {
        set(&mut pod, &format!("spec/containers/{index}/resources/requests"), json!({ "memory": "1Gi" }));
    }
    assert_eq!(applied(pod)["spec"]["resources"]["requests"], json!({ "cpu": "4", "memory": "2Gi" }));
}

#[test]
fn admission_adds_the_service_account_priority_and_tolerations() {
    let pod = admitted(
        json!({ "spec": { "containers": [{ "name": "main" }], "initContainers": [{ "name": "get" }] } }),
    );
    let spec = &pod["spec"];
    assert_eq!(spec["serviceAccountName"], "default");
    assert_eq!(spec["serviceAccount"], "default");
    assert_eq!(spec["priority"], 0);
    assert_eq!(spec["preemptionPolicy"], "PreemptLowerPriority");
    assert_eq!(spec["tolerations"].as_array().unwrap().len(), 2);
    assert_eq!(spec["volumes"][0]["name"], "kube-api-access-xxxxx");
    for list in ["containers", "initContainers"] {
        assert_eq!(spec[list][0]["volumeMounts"][0]["name"], "kube-api-access-xxxxx");
    }
    assert_eq!(spec["volumes"].as_array().unwrap().len(), 1);
    let mut defaulted = pod.clone();
    apply(&mut defaulted);
    assert_eq!(defaulted["spec"]["volumes"], spec["volumes"], "the plugin's volume needs no defaults");
}

#[test]
fn admission_leaves_what_the_pod_says() {
    let pod = json!({ "spec": {
        "automountServiceAccountToken": false,
        "containers": [{ "name": "main" }],
        "priorityClassName": "prefill",
        "serviceAccount": "alias",
        "tolerations": [{ "operator": "Exists" }]
    } });
    let mut expected = pod.clone();
    expected["spec"]["serviceAccountName"] = json!("alias");
    assert_eq!(admitted(pod), expected);

    let own_token = json!({ "spec": { "containers": [
        { "volumeMounts": [{ "name": "mine", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" }] }
    ] } });
    assert_eq!(admitted(own_token.clone())["spec"]["containers"], own_token["spec"]["containers"]);

    let mirror = json!({
        "metadata": { "annotations": { "kubernetes.io/config.mirror": "a" } }, "spec": { "containers": [{}] }
    });
    assert_eq!(admitted(mirror)["spec"]["containers"], json!([{}]));
}

#[test]
fn a_pod_of_the_wrong_type_is_left_alone() {
    for pod in [json!(null), json!([]), json!("pod")] {
        let mut after = pod.clone();
        apply(&mut after);
        assert_eq!(after, pod);
    }
}
