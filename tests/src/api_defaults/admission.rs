//! The in-tree admission plugins that change a pod before the webhooks see it:
//! `plugin/pkg/admission/{serviceaccount,priority,defaulttolerationseconds}/admission.go`.

use serde_json::{Value, json};

use super::{Object, absent, object, objects, zero};
use crate::walk::text;

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The server draws the last five letters; these are five that it can draw.
const TOKEN_VOLUME: &str = "kube-api-access-xxxxx";

pub(super) fn run(pod: &mut Value) {
    let mirror = pod["metadata"]["annotations"].get("kubernetes.io/config.mirror").is_some();
    let Some(spec) = pod.as_object_mut().and_then(|pod| object(pod, "spec")) else { return };
    if !mirror {
        service_account(spec);
    }
    priority(spec);
    tolerations(spec);
}

fn service_account(spec: &mut Object) {
    // The older name is an alias: conversion reads it where the newer one is missing, and writes both.
    let alias = spec.get("serviceAccount").map(text).filter(|name| !name.is_empty());
    let alias = alias.unwrap_or("default").to_owned();
    zero(spec, "serviceAccountName", alias);
    if let Some(name) = spec.get("serviceAccountName").cloned() {
        spec.insert("serviceAccount".to_owned(), name);
    }
    if spec.get("automountServiceAccountToken") != Some(&Value::Bool(false)) {
        mount_token(spec);
    }
}

fn mount_token(spec: &mut Object) {
    let present = objects(spec, "volumes")
        .find_map(|volume| {
            Some(text(volume.get("name")?)).filter(|name| name.starts_with("kube-api-access-"))
        })
        .map(str::to_owned);
    let has_volume = present.is_some();
    let volume = present.unwrap_or_else(|| TOKEN_VOLUME.to_owned());

    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in objects(spec, list) {
            absent(container, "volumeMounts", json!([]));
            let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) else {
                continue;
            };
            if !mounts.iter().any(|mount| mount["mountPath"] == TOKEN_PATH) {
                mounts.push(json!({ "mountPath": TOKEN_PATH, "name": volume, "readOnly": true }));
                mounted = true;
            }
        }
    }
    if mounted && !has_volume {
        absent(spec, "volumes", json!([]));
        if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
            volumes.push(token_volume(&volume));
        }
    }
}

/// `TokenVolumeSource`; 3607 seconds is `WarnOnlyBoundTokenExpirationSeconds`.
fn token_volume(name: &str) -> Value {
    json!({
        "name": name,
        "projected": {
            "defaultMode": 0o644,
            "sources": [
                { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                { "configMap": {
                    "items": [{ "key": "ca.crt", "path": "ca.crt" }],
                    "name": "kube-root-ca.crt"
                } },
                { "downwardAPI": { "items": [
                    { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" }, "path": "namespace" }
                ] } }
            ]
        }
    })
}

/// A class that the cluster's owner made has a value that only the cluster knows; such a pod is left without.
fn priority(spec: &mut Object) {
    let value = match spec.get("priorityClassName").map(text).unwrap_or_default() {
        "" => 0,
        "system-cluster-critical" => 2_000_000_000,
        "system-node-critical" => 2_000_001_000,
        _ => return,
    };
    absent(spec, "priority", value);
    absent(spec, "preemptionPolicy", "PreemptLowerPriority");
}

fn tolerations(spec: &mut Object) {
    absent(spec, "tolerations", json!([]));
    let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) else { return };
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerates = |toleration: &Value| {
            ["", taint].contains(&text(&toleration["key"]))
                && ["", "NoExecute"].contains(&text(&toleration["effect"]))
        };
        if !tolerations.iter().any(tolerates) {
            tolerations.push(json!({
                "effect": "NoExecute", "key": taint, "operator": "Exists", "tolerationSeconds": 300
            }));
        }
    }
}
