//! `validateProbe`, `validateLifecycle` and `validateHandler`.

use serde_json::Value;

use super::{Report, names};
use crate::walk::{is_set, items, text};

pub(super) fn probe(probe: &Value, kind: &str, path: &str, report: &mut Report) {
    if !is_set(probe) {
        return;
    }
    handler(probe, &["exec", "httpGet", "tcpSocket", "grpc"], path, report);
    // Zero cannot be told from absent, and is defaulted away; what is left is the sign.
    for number in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        report.within(&probe[number], 0, i64::from(i32::MAX), format!("{path}.{number}"));
    }
    if kind != "readinessProbe" && probe["successThreshold"] != 1 {
        report.at(format!("{path}.successThreshold"), "must be 1");
    }
    let grace = &probe["terminationGracePeriodSeconds"];
    if kind == "readinessProbe" && is_set(grace) {
        report.at(format!("{path}.terminationGracePeriodSeconds"), "must not be set for readiness probes");
    }
    report.within(grace, 1, i64::MAX, format!("{path}.terminationGracePeriodSeconds"));
}

pub(super) fn lifecycle(lifecycle: &Value, spec: &Value, path: &str, report: &mut Report) {
    for event in ["postStart", "preStop"] {
        let hook = &lifecycle[event];
        if !is_set(hook) {
            continue;
        }
        let path = format!("{path}.{event}");
        handler(hook, &["exec", "httpGet", "tcpSocket", "sleep"], &path, report);
        // `validateSleepAction`: a pod that is killed before its hook ends is refused.
        let grace = spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(i64::MAX);
        report.within(&hook["sleep"]["seconds"], 0, grace, format!("{path}.sleep.seconds"));
    }
    if is_set(&lifecycle["stopSignal"]) && !is_set(&spec["os"]) {
        report.at(format!("{path}.stopSignal"), "may not be set without `spec.os.name`");
    }
}

fn handler(handler: &Value, kinds: &[&str], path: &str, report: &mut Report) {
    let set = kinds.iter().filter(|kind| is_set(&handler[**kind])).count();
    if set != 1 {
        report.at(path, format!("must have exactly one of {kinds:?}"));
    }
    if is_set(&handler["exec"]) && items(&handler["exec"]["command"]).is_empty() {
        report.at(format!("{path}.exec.command"), "required");
    }
    let http_get = &handler["httpGet"];
    if is_set(http_get) {
        report.required(&http_get["path"], format!("{path}.httpGet.path"));
        report.one_of(&http_get["scheme"], &["HTTP", "HTTPS"], format!("{path}.httpGet.scheme"));
        port(&http_get["port"], &format!("{path}.httpGet.port"), report);
        for (index, header) in items(&http_get["httpHeaders"]).iter().enumerate() {
            let name = text(&header["name"]);
            if !names::is_header(name) {
                let path = format!("{path}.httpGet.httpHeaders[{index}].name");
                report.at(path, format!("`{name}` is not a header's name"));
            }
        }
    }
    for kind in ["tcpSocket", "grpc"] {
        if is_set(&handler[kind]) {
            port(&handler[kind]["port"], &format!("{path}.{kind}.port"), report);
        }
    }
}

/// `ValidatePortNumOrName`; an absent `IntOrString` is the number 0.
fn port(port: &Value, path: &str, report: &mut Report) {
    let valid = match port {
        Value::String(name) => names::is_port_name(name),
        number => number.as_i64().is_some_and(|number| (1..=65535).contains(&number)),
    };
    if !valid {
        report.at(path, format!("`{port}` is neither a port's number nor its name"));
    }
}
