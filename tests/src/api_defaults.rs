//! What kube-apiserver has filled in when a mutating webhook sees a new pod.
//!
//! [`apply`] is v1 defaulting: `pkg/apis/core/v1/defaults.go` and, for the `+default` markers of
//! `k8s.io/api/core/v1/types.go`, `zz_generated.defaults.go`. [`admission_plugins`] is what the in-tree
//! plugins before the webhooks add. Both leave what they find, so each may run twice.
//!
//! Go's words are kept: a *pointer* is defaulted where it is absent or `null`; a plain text or number also
//! where it is `""` or `0`, which Go cannot tell from absent.
//!
//! Not modelled: the canonical form of quantities (`0.5` becomes `500m`), and pod-level limits.

mod admission;
mod image;

use serde_json::{Map, Value, json};

use crate::{effective, quantity};

pub(crate) type Object = Map<String, Value>;

/// The sources of a volume (`VolumeSource` in `k8s.io/api/core/v1/types.go`).
pub(crate) const VOLUME_SOURCES: [&str; 30] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "image",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

/// Fills in the defaults of a Pod that is created.
pub fn apply(pod: &mut Value) {
    let Some(pod) = pod.as_object_mut() else { return };
    // No default, but what Go writes: a struct is never left out.
    absent(pod, "status", json!({}));
    let Some(spec) = object(pod, "spec") else { return };

    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in objects(spec, list) {
            container_defaults(container);
        }
    }
    requests(spec);
    // SetDefaults_Pod: not for ephemeral containers, which have none.
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["initContainers", "containers"] {
        for container in objects(spec, list).filter(|_| host_network) {
            for port in objects(container, "ports") {
                if let Some(number) = port.get("containerPort").cloned() {
                    zero(port, "hostPort", number);
                }
            }
        }
    }
    absent(spec, "enableServiceLinks", true);

    zero(spec, "dnsPolicy", "ClusterFirst");
    zero(spec, "restartPolicy", "Always");
    absent(spec, "securityContext", json!({}));
    absent(spec, "terminationGracePeriodSeconds", 30);
    zero(spec, "schedulerName", "default-scheduler");
    for volume in objects(spec, "volumes") {
        volume_defaults(volume);
    }
}

/// Fills in what the `ServiceAccount`, `Priority` and `DefaultTolerationSeconds` plugins add, in their order,
/// for the service account that every namespace has and a cluster without a default priority class.
pub fn admission_plugins(pod: &mut Value) {
    admission::run(pod);
}

/// `SetDefaults_Container`, and what the generated code does within a container.
fn container_defaults(container: &mut Object) {
    let policy = image::pull_policy(container.get("image").and_then(Value::as_str).unwrap_or_default());
    zero(container, "imagePullPolicy", policy);
    zero(container, "terminationMessagePath", "/dev/termination-log");
    zero(container, "terminationMessagePolicy", "File");
    absent(container, "resources", json!({}));
    for list in ["limits", "requests"] {
        let amounts = object(container, "resources").and_then(|resources| object(resources, list));
        for (_, amount) in amounts.into_iter().flatten().filter(|(_, amount)| amount.is_number()) {
            *amount = amount.to_string().into();
        }
    }
    for port in objects(container, "ports") {
        zero(port, "protocol", "TCP");
    }
    for variable in objects(container, "env") {
        let Some(source) = object(variable, "valueFrom") else { continue };
        field_ref(source);
        if let Some(file) = object(source, "fileKeyRef") {
            absent(file, "optional", false);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = object(container, probe) {
            probe_defaults(probe);
        }
    }
    if let Some(lifecycle) = object(container, "lifecycle") {
        for event in ["postStart", "preStop"] {
            if let Some(http_get) = object(lifecycle, event).and_then(|handler| object(handler, "httpGet")) {
                http_get_defaults(http_get);
            }
        }
    }
}

/// `SetDefaults_Probe`.
fn probe_defaults(probe: &mut Object) {
    zero(probe, "timeoutSeconds", 1);
    zero(probe, "periodSeconds", 10);
    zero(probe, "successThreshold", 1);
    zero(probe, "failureThreshold", 3);
    if let Some(http_get) = object(probe, "httpGet") {
        http_get_defaults(http_get);
    }
    if let Some(grpc) = object(probe, "grpc") {
        absent(grpc, "service", "");
    }
}

/// `SetDefaults_HTTPGetAction`.
fn http_get_defaults(http_get: &mut Object) {
    zero(http_get, "path", "/");
    zero(http_get, "scheme", "HTTP");
}

/// `SetDefaults_ObjectFieldSelector`, in what holds a `fieldRef`.
fn field_ref(holder: &mut Object) {
    if let Some(selector) = object(holder, "fieldRef") {
        zero(selector, "apiVersion", "v1");
    }
}

/// `SetDefaults_Pod`, as far as it fills in requests: of the containers first, then of the whole pod.
pub(crate) fn requests(spec: &mut Object) {
    for list in ["initContainers", "containers"] {
        for container in objects(spec, list) {
            if let Some(resources) = object(container, "resources") {
                requests_from_limits(resources);
            }
        }
    }
    pod_requests(spec);
}

/// What is limited and not requested is requested.
fn requests_from_limits(resources: &mut Object) {
    let limits = resources.get("limits").and_then(Value::as_object).cloned().unwrap_or_default();
    if limits.is_empty() {
        return;
    }
    absent(resources, "requests", json!({}));
    let Some(requests) = object(resources, "requests") else { return };
    for (name, limit) in limits {
        requests.entry(name).or_insert(limit);
    }
}

/// `defaultPodRequests`: pod-level limits bring pod-level requests, from the containers or else the limits.
fn pod_requests(spec: &mut Object) {
    let limits =
        spec.get("resources").and_then(|resources| resources.get("limits")).and_then(Value::as_object);
    let Some(limits) = limits.filter(|limits| !limits.is_empty()).cloned() else { return };
    let whole_spec = Value::Object(spec.clone());
    let Some(resources) = object(spec, "resources") else { return };
    absent(resources, "requests", json!({}));
    let Some(requests) = object(resources, "requests") else { return };
    for (name, milli) in effective::aggregate(&whole_spec, "requests") {
        // Hugepages cannot be overcommitted, so upstream takes those from the limits alone.
        if name == "cpu" || name == "memory" {
            requests.entry(&name).or_insert_with(|| quantity::render(milli, name == "memory").into());
        }
    }
    for (name, limit) in limits {
        if name == "cpu" || name == "memory" || name.starts_with("hugepages-") {
            requests.entry(name).or_insert(limit);
        }
    }
}

/// `SetDefaults_Volume`, and the defaults of each source.
fn volume_defaults(volume: &mut Object) {
    if VOLUME_SOURCES.iter().all(|source| volume.get(*source).is_none_or(Value::is_null)) {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for (source, key, default) in [
        ("hostPath", "type", json!("")),
        ("secret", "defaultMode", json!(0o644)),
        ("configMap", "defaultMode", json!(0o644)),
        ("downwardAPI", "defaultMode", json!(0o644)),
        ("projected", "defaultMode", json!(0o644)),
        ("azureDisk", "cachingMode", json!("ReadWrite")),
        ("azureDisk", "fsType", json!("ext4")),
        ("azureDisk", "kind", json!("Shared")),
        ("azureDisk", "readOnly", json!(false)),
    ] {
        if let Some(source) = object(volume, source) {
            absent(source, key, default);
        }
    }
    for (source, key, default) in [
        ("iscsi", "iscsiInterface", "default"),
        ("rbd", "keyring", "/etc/ceph/keyring"),
        ("rbd", "pool", "rbd"),
        ("rbd", "user", "admin"),
        ("scaleIO", "fsType", "xfs"),
        ("scaleIO", "storageMode", "ThinProvisioned"),
    ] {
        if let Some(source) = object(volume, source) {
            zero(source, key, default);
        }
    }
    if let Some(image) = object(volume, "image") {
        let policy = image::pull_policy(image.get("reference").and_then(Value::as_str).unwrap_or_default());
        zero(image, "pullPolicy", policy);
    }
    if let Some(downward) = object(volume, "downwardAPI") {
        objects(downward, "items").for_each(field_ref);
    }
    if let Some(projected) = object(volume, "projected") {
        for source in objects(projected, "sources") {
            if let Some(downward) = object(source, "downwardAPI") {
                objects(downward, "items").for_each(field_ref);
            }
            if let Some(token) = object(source, "serviceAccountToken") {
                absent(token, "expirationSeconds", 3600);
            }
        }
    }
    let claim = object(volume, "ephemeral").and_then(|source| object(source, "volumeClaimTemplate"));
    if let Some(claim) = claim.and_then(|template| object(template, "spec")) {
        absent(claim, "volumeMode", "Filesystem");
    }
}

fn object<'a>(parent: &'a mut Object, key: &str) -> Option<&'a mut Object> {
    parent.get_mut(key)?.as_object_mut()
}

fn objects<'a>(parent: &'a mut Object, key: &str) -> impl Iterator<Item = &'a mut Object> {
    let list = parent.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Defaults a pointer.
fn absent(parent: &mut Object, key: &str, default: impl Into<Value>) {
    if parent.get(key).is_none_or(Value::is_null) {
        parent.insert(key.to_owned(), default.into());
    }
}

/// Defaults a plain text or number.
fn zero(parent: &mut Object, key: &str, default: impl Into<Value>) {
    let is_zero = |value: &Value| value.is_null() || *value == json!("") || *value == json!(0);
    if parent.get(key).is_none_or(is_zero) {
        parent.insert(key.to_owned(), default.into());
    }
}

#[cfg(test)]
mod tests;
