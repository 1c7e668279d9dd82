//! Would the API server still create this pod?
//!
//! A rule table of `pkg/apis/core/validation/validation.go` (`ValidatePodCreate`, Kubernetes 1.36 with its
//! default feature gates), as far as a mutation of a serving pod can break it. As the server does with a
//! patched object, the types are checked first, then the defaults are filled in, then the rules are asked.
//!
//! Three rules are stricter than the server, because such a pod is created and then does not do what its
//! field says: a negative `terminationGracePeriodSeconds`, a `:` in a mount path (both documented in
//! `k8s.io/api/core/v1/types.go`), and an unknown `emptyDir.medium` (the kubelet refuses it).
//!
//! Not here, because no mutation of ours goes there: affinity, tolerations, spread constraints, DNS, host
//! aliases, sysctls, overhead, and the inside of the storage vendors' volume sources.

mod containers;
mod environment;
mod handlers;
mod mounts;
mod names;
mod resources;
mod security;
mod types;
mod volumes;
mod windows;

pub(crate) use resources::{is_extended, is_huge, is_native};

use std::fmt::Display;

use serde_json::Value;

use crate::api_defaults;
use crate::walk::{containers, is_set, items, members, text};

/// What the API server has against creating this pod; each text starts with the field path.
pub fn violations(pod: &Value) -> Vec<String> {
    let mut report = Report::default();
    types::check(pod, &mut report);
    if !report.0.is_empty() {
        // The decoder refuses the object before any rule is asked.
        return report.0;
    }
    let mut pod = pod.clone();
    api_defaults::apply(&mut pod);
    metadata(&pod["metadata"], &mut report);
    spec(&pod, &mut report);
    report.0
}

/// Collects violations.
#[derive(Default)]
struct Report(Vec<String>);

impl Report {
    fn at(&mut self, path: impl Display, what: impl Display) {
        self.0.push(format!("{path}: {what}"));
    }

    /// Whether a required text is there.
    fn required(&mut self, value: &Value, path: impl Display) -> bool {
        let present = !text(value).is_empty();
        if !present {
            self.at(path, "required");
        }
        present
    }

    /// A text that has to be one of a few.
    fn one_of(&mut self, value: &Value, allowed: &[&str], path: impl Display) {
        if !allowed.contains(&text(value)) {
            self.at(path, format!("`{}` is not one of {allowed:?}", text(value)));
        }
    }

    /// A number, where there is one, that has to lie in a range (both ends included).
    fn within(&mut self, value: &Value, least: i64, most: i64, path: impl Display) {
        if let Some(number) = value.as_i64().filter(|number| !(least..=most).contains(number)) {
            self.at(path, format!("`{number}` is not within {least} and {most}"));
        }
    }
}

/// `apimachinery/pkg/api/validation/objectmeta.go` (`ValidateAnnotations`), and the labels' like.
fn metadata(metadata: &Value, report: &mut Report) {
    let mut size = 0;
    for (key, value) in members(&metadata["annotations"]) {
        size += key.len() + text(value).len();
        if !names::is_qualified(&key.to_lowercase()) {
            report.at("metadata.annotations", format!("`{key}` is not a qualified name"));
        }
    }
    if size > 256 * 1024 {
        report.at("metadata.annotations", format!("{size} bytes are more than 256 KiB"));
    }
    for (key, value) in members(&metadata["labels"]) {
        if !names::is_qualified(key) {
            report.at("metadata.labels", format!("`{key}` is not a qualified name"));
        }
        if !names::is_label_value(text(value)) {
            report.at(format!("metadata.labels[{key}]"), format!("`{}` is not a label value", text(value)));
        }
    }
}

/// `ValidatePodSpec`, and what `ValidatePodCreate` asks of a spec.
fn spec(pod: &Value, report: &mut Report) {
    let spec = &pod["spec"];
    if items(&spec["containers"]).is_empty() {
        report.at("spec.containers", "required");
    }
    if !items(&spec["ephemeralContainers"]).is_empty() {
        report.at("spec.ephemeralContainers", "cannot be set on create");
    }
    report.within(&spec["terminationGracePeriodSeconds"], 0, i64::MAX, "spec.terminationGracePeriodSeconds");
    report.one_of(&spec["restartPolicy"], &["Always", "OnFailure", "Never"], "spec.restartPolicy");
    let dns = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    report.one_of(&spec["dnsPolicy"], &dns, "spec.dnsPolicy");

    volumes::check(&spec["volumes"], report);
    containers::check(spec, report);
    resources::pod(spec, report);
    security::pod(pod, report);
    windows::check(pod, report);
    host_network(spec, report);
    host_users(pod, report);
}

/// `validatePodHostNetworkDeps` and `checkHostPortConflicts`.
fn host_network(spec: &Value, report: &mut Report) {
    let mut taken = Vec::new();
    for (index, container) in items(&spec["containers"]).iter().enumerate() {
        for (number, port) in items(&container["ports"]).iter().enumerate() {
            let path = format!("spec.containers[{index}].ports[{number}].hostPort");
            let host_port = port["hostPort"].as_i64().unwrap_or_default();
            if spec["hostNetwork"] == true && Some(host_port) != port["containerPort"].as_i64() {
                report.at(&path, "must match `containerPort` when `hostNetwork` is true");
            }
            let key = (text(&port["protocol"]), text(&port["hostIP"]), host_port);
            if host_port != 0 && taken.contains(&key) {
                report.at(&path, format!("`{host_port}` is already taken"));
            }
            taken.push(key);
        }
    }
}

/// `validateHostUsers`.
fn host_users(pod: &Value, report: &mut Report) {
    let spec = &pod["spec"];
    if spec["hostUsers"] != false {
        return;
    }
    for namespace in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec[namespace] == true {
            report.at(format!("spec.{namespace}"), "forbidden when `hostUsers` is false");
        }
    }
    for (path, container) in containers(pod) {
        if is_set(&container["volumeDevices"]) {
            report.at(format!("{path}.volumeDevices"), "forbidden when `hostUsers` is false");
        }
    }
}

#[cfg(test)]
mod tests;
