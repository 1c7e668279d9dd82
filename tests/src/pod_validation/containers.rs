//! `validateContainers`, `validateInitContainers` and `validateContainerCommon`.

use serde_json::Value;

use super::{Report, environment, handlers, mounts, names, resources, security};
use crate::walk::{is_set, items, text};

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

pub(super) fn check(spec: &Value, report: &mut Report) {
    let mut taken = Vec::new();
    for list in ["containers", "initContainers"] {
        for (index, container) in items(&spec[list]).iter().enumerate() {
            let path = format!("spec.{list}[{index}]");
            let name = text(&container["name"]);
            if taken.contains(&name) {
                report.at(format!("{path}.name"), format!("`{name}` is already taken"));
            }
            taken.push(name);
            common(container, spec, &path, report);
            restart_policy(container, &path, report);
            if list == "containers" || text(&container["restartPolicy"]) == "Always" {
                hooks(container, spec, &path, report);
            } else {
                init_container(container, &path, report);
            }
        }
    }
}

fn common(container: &Value, spec: &Value, path: &str, report: &mut Report) {
    let name = text(&container["name"]);
    if !names::is_dns_label(name) {
        report.at(format!("{path}.name"), format!("`{name}` is not a DNS label"));
    }
    if report.required(&container["image"], format!("{path}.image")) {
        let image = text(&container["image"]);
        if image.trim() != image {
            report.at(format!("{path}.image"), "must not have leading or trailing whitespace");
        }
    }
    let policies = ["File", "FallbackToLogsOnError"];
    let policy = format!("{path}.terminationMessagePolicy");
    report.one_of(&container["terminationMessagePolicy"], &policies, policy);
    let policies = ["Always", "IfNotPresent", "Never"];
    report.one_of(&container["imagePullPolicy"], &policies, format!("{path}.imagePullPolicy"));

    ports(&container["ports"], &format!("{path}.ports"), report);
    environment::check(container, path, report);
    mounts::check(container, spec, path, report);
    resources::container(container, spec, path, report);
    security::container(&container["securityContext"], spec, &format!("{path}.securityContext"), report);
}

/// `validateContainerPorts`
fn ports(ports: &Value, path: &str, report: &mut Report) {
    let mut taken = Vec::new();
    for (index, port) in items(ports).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = text(&port["name"]);
        if !name.is_empty() {
            if !names::is_port_name(name) {
                report.at(format!("{path}.name"), format!("`{name}` is not a port name"));
            } else if taken.contains(&name) {
                report.at(format!("{path}.name"), format!("`{name}` is already taken"));
            }
            taken.push(name);
        }
        if port["containerPort"].as_i64().is_none() {
            report.at(format!("{path}.containerPort"), "required");
        }
        report.within(&port["containerPort"], 1, 65535, format!("{path}.containerPort"));
        // Zero is absent.
        report.within(&port["hostPort"], 0, 65535, format!("{path}.hostPort"));
        report.one_of(&port["protocol"], &["TCP", "UDP", "SCTP"], format!("{path}.protocol"));
    }
}

/// `validateContainerRestartPolicy`, the same for both kinds of containers since Kubernetes 1.35.
fn restart_policy(container: &Value, path: &str, report: &mut Report) {
    let policy = &container["restartPolicy"];
    if is_set(policy) {
        report.one_of(policy, &["Always", "Never", "OnFailure"], format!("{path}.restartPolicy"));
    } else if !items(&container["restartPolicyRules"]).is_empty() {
        report.at(format!("{path}.restartPolicy"), "required where `restartPolicyRules` are set");
    }
}

/// What only a container that keeps running has.
fn hooks(container: &Value, spec: &Value, path: &str, report: &mut Report) {
    for probe in PROBES {
        handlers::probe(&container[probe], probe, &format!("{path}.{probe}"), report);
    }
    handlers::lifecycle(&container["lifecycle"], spec, &format!("{path}.lifecycle"), report);
}

fn init_container(container: &Value, path: &str, report: &mut Report) {
    for field in PROBES.into_iter().chain(["lifecycle"]) {
        if is_set(&container[field]) {
            report.at(
                format!("{path}.{field}"),
                "forbidden for init containers without restartPolicy `Always`",
            );
        }
    }
    // Init containers run one by one, so only a container's own host ports can collide.
    let mut taken = Vec::new();
    for (index, port) in items(&container["ports"]).iter().enumerate() {
        let key =
            (text(&port["protocol"]), text(&port["hostIP"]), port["hostPort"].as_i64().unwrap_or_default());
        if key.2 != 0 && taken.contains(&key) {
            report.at(format!("{path}.ports[{index}].hostPort"), format!("`{}` is already taken", key.2));
        }
        taken.push(key);
    }
}
