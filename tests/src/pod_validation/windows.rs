//! `validateOS`, `validateLinux`, `validateWindows` and `validateWindowsHostProcessPod`.

use serde_json::Value;

use super::Report;
use crate::walk::{containers, is_set, text};

const CONTEXT_FIELDS: [&str; 16] = [
    "allowPrivilegeEscalation",
    "appArmorProfile",
    "capabilities",
    "fsGroup",
    "fsGroupChangePolicy",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsUser",
    "seLinuxChangePolicy",
    "seLinuxOptions",
    "seccompProfile",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "sysctls",
];

pub(super) fn check(pod: &Value, report: &mut Report) {
    let spec = &pod["spec"];
    let mut contexts = vec![("spec.securityContext".to_owned(), &spec["securityContext"])];
    contexts.extend(
        containers(pod)
            .into_iter()
            .map(|(path, one)| (format!("{path}.securityContext"), &one["securityContext"])),
    );
    host_process(spec, &contexts, report);
    if !is_set(&spec["os"]) {
        return;
    }
    report.one_of(&spec["os"]["name"], &["linux", "windows"], "spec.os.name");
    let windows = text(&spec["os"]["name"]) == "windows";
    if windows {
        for (field, set) in [
            ("hostUsers", is_set(&spec["hostUsers"])),
            ("hostPID", spec["hostPID"] == true),
            ("hostIPC", spec["hostIPC"] == true),
            ("shareProcessNamespace", is_set(&spec["shareProcessNamespace"])),
            ("resources", is_set(&spec["resources"])),
        ] {
            if set {
                report.at(format!("spec.{field}"), "cannot be set for a windows pod");
            }
        }
    }
    for (path, context) in contexts {
        if windows {
            for field in CONTEXT_FIELDS.into_iter().filter(|field| is_set(&context[field])) {
                report.at(format!("{path}.{field}"), "cannot be set for a windows pod");
            }
        } else if is_set(&context["windowsOptions"]) {
            report.at(format!("{path}.windowsOptions"), "cannot be set for a linux pod");
        }
    }
}

/// All containers are host processes, or none is; and they need the host's network.
fn host_process(spec: &Value, contexts: &[(String, &Value)], report: &mut Report) {
    let [(_, whole), own @ ..] = contexts else { return };
    let whole = whole["windowsOptions"]["hostProcess"].as_bool();
    let mut hosted = 0;
    for (path, context) in own {
        let stated = context["windowsOptions"]["hostProcess"].as_bool();
        if whole.is_some() && stated.is_some() && whole != stated {
            report.at(format!("{path}.windowsOptions.hostProcess"), "differs from the pod's");
        }
        hosted += usize::from(stated.or(whole) == Some(true));
    }
    if hosted > 0 && hosted != own.len() {
        report.at("spec", "all containers must be host processes where one is");
    }
    if hosted > 0 && spec["hostNetwork"] != true {
        report.at("spec.hostNetwork", "must be true where containers are host processes");
    }
}
