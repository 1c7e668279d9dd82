//! `ValidateEnv` and `ValidateEnvFrom`.

use serde_json::Value;

use super::{Report, names};
use crate::walk::{is_set, items, text};

const SOURCES: [&str; 5] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];

const FIELDS: [&str; 10] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    // Converted to the one before.
    "spec.host",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

pub(super) fn check(container: &Value, path: &str, report: &mut Report) {
    for (index, variable) in items(&container["env"]).iter().enumerate() {
        let path = format!("{path}.env[{index}]");
        let name = text(&variable["name"]);
        if !names::is_variable(name) {
            report.at(format!("{path}.name"), format!("`{name}` is not a variable's name"));
        }
        if is_set(&variable["valueFrom"]) {
            source(variable, &format!("{path}.valueFrom"), report);
        }
    }
    for (index, bundle) in items(&container["envFrom"]).iter().enumerate() {
        let path = format!("{path}.envFrom[{index}]");
        let prefix = text(&bundle["prefix"]);
        if !prefix.is_empty() && !names::is_variable(prefix) {
            report.at(format!("{path}.prefix"), format!("`{prefix}` cannot begin a variable's name"));
        }
        let references = ["configMapRef", "secretRef"];
        let set = references.into_iter().filter(|reference| is_set(&bundle[reference]));
        if set.clone().count() != 1 {
            report.at(&path, format!("must have exactly one of {references:?}"));
        }
        for reference in set {
            object_name(&bundle[reference]["name"], &format!("{path}.{reference}.name"), report);
        }
    }
}

/// `validateEnvVarValueFrom`
fn source(variable: &Value, path: &str, report: &mut Report) {
    let from = &variable["valueFrom"];
    let set = SOURCES.into_iter().filter(|source| is_set(&from[source]));
    if set.clone().count() != 1 {
        report.at(path, format!("must have exactly one of {SOURCES:?}"));
    }
    if !text(&variable["value"]).is_empty() {
        report.at(path, "may not be set where `value` is not empty");
    }
    for source in set {
        let path = format!("{path}.{source}");
        let reference = &from[source];
        match source {
            "fieldRef" => field(text(&reference["fieldPath"]), &format!("{path}.fieldPath"), report),
            "resourceFieldRef" => resource(text(&reference["resource"]), &format!("{path}.resource"), report),
            "fileKeyRef" => {
                for field in ["key", "path", "volumeName"] {
                    report.required(&reference[field], format!("{path}.{field}"));
                }
            }
            _ => {
                object_name(&reference["name"], &format!("{path}.name"), report);
                let key = text(&reference["key"]);
                if !names::is_config_key(key) {
                    report.at(format!("{path}.key"), format!("`{key}` is not a key"));
                }
            }
        }
    }
}

/// `validateObjectFieldSelector`
fn field(field: &str, path: &str, report: &mut Report) {
    let subscript = ["metadata.annotations['", "metadata.labels['"]
        .into_iter()
        .find_map(|map| field.strip_prefix(map)?.strip_suffix("']"));
    let valid = subscript.map_or(FIELDS.contains(&field), |key| names::is_qualified(&key.to_lowercase()));
    if !valid {
        report.at(path, format!("`{field}` is not a field that a variable can hold"));
    }
}

/// `validateContainerResourceFieldSelector`
fn resource(resource: &str, path: &str, report: &mut Report) {
    let valid = resource.strip_prefix("limits.").or(resource.strip_prefix("requests.")).is_some_and(|name| {
        ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-")
    });
    if !valid {
        report.at(path, format!("`{resource}` is not a resource that a variable can hold"));
    }
}

fn object_name(name: &Value, path: &str, report: &mut Report) {
    if !names::is_dns_subdomain(text(name)) {
        report.at(path, format!("`{}` is not a DNS subdomain", text(name)));
    }
}
