//! `ValidateSecurityContext`, `validatePodSpecSecurityContext`, and the annotations that have to agree with
//! the fields (`validateSeccompAnnotationsAndFields`, `validateAppArmorAnnotationsAndFieldsMatchOnCreate`).

use serde_json::Value;

use super::{Report, names};
use crate::walk::{containers, is_set, items, members, text};

const LARGEST_ID: i64 = i32::MAX as i64;
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR_CONTAINER: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn container(context: &Value, spec: &Value, path: &str, report: &mut Report) {
    common(context, path, report);
    let proc_mount = &context["procMount"];
    if is_set(proc_mount) {
        report.one_of(proc_mount, &["Default", "Unmasked"], format!("{path}.procMount"));
        if proc_mount == "Unmasked" && spec["hostUsers"] != false {
            report.at(format!("{path}.procMount"), "`Unmasked` needs `hostUsers: false`");
        }
    }
    if context["allowPrivilegeEscalation"] == false {
        if context["privileged"] == true {
            report.at(path, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
        }
        // The server compares this word; `SYS_ADMIN` passes.
        if items(&context["capabilities"]["add"]).iter().any(|capability| capability == "CAP_SYS_ADMIN") {
            report.at(path, "cannot set `allowPrivilegeEscalation` to false and add `CAP_SYS_ADMIN`");
        }
    }
}

pub(super) fn pod(pod: &Value, report: &mut Report) {
    let spec = &pod["spec"];
    let context = &spec["securityContext"];
    common(context, "spec.securityContext", report);
    report.within(&context["fsGroup"], 0, LARGEST_ID, "spec.securityContext.fsGroup");
    for (index, group) in items(&context["supplementalGroups"]).iter().enumerate() {
        report.within(group, 0, LARGEST_ID, format!("spec.securityContext.supplementalGroups[{index}]"));
    }
    for (field, values) in [
        ("fsGroupChangePolicy", ["OnRootMismatch", "Always"]),
        ("supplementalGroupsPolicy", ["Merge", "Strict"]),
        ("seLinuxChangePolicy", ["Recursive", "MountOption"]),
    ] {
        if is_set(&context[field]) {
            report.one_of(&context[field], &values, format!("spec.securityContext.{field}"));
        }
    }
    if spec["hostPID"] == true && spec["shareProcessNamespace"] == true {
        report.at("spec.shareProcessNamespace", "excludes `hostPID`");
    }
    annotations(pod, report);
}

fn common(context: &Value, path: &str, report: &mut Report) {
    for id in ["runAsUser", "runAsGroup"] {
        report.within(&context[id], 0, LARGEST_ID, format!("{path}.{id}"));
    }
    for field in ["seccompProfile", "appArmorProfile"] {
        let profile = &context[field];
        if !is_set(profile) {
            continue;
        }
        let path = format!("{path}.{field}");
        report.one_of(
            &profile["type"],
            &["Localhost", "RuntimeDefault", "Unconfined"],
            format!("{path}.type"),
        );
        let file = &profile["localhostProfile"];
        if (profile["type"] == "Localhost") != is_set(file) {
            report.at(
                format!("{path}.localhostProfile"),
                "must be set for the type `Localhost`, and only for it",
            );
        }
        let valid = match field {
            "seccompProfile" => names::is_descending(text(file)),
            _ => text(file).trim() == text(file) && text(file).len() <= 4095 && file != "",
        };
        if !valid {
            report.at(format!("{path}.localhostProfile"), format!("`{}` is not a profile", text(file)));
        }
    }
}

fn annotations(pod: &Value, report: &mut Report) {
    let annotations = &pod["metadata"]["annotations"];
    let found = containers(pod);
    for (key, value) in members(annotations) {
        if (key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER)) && !is_seccomp(text(value)) {
            report.at(format!("metadata.annotations[{key}]"), "is not a seccomp profile");
        }
        if let Some(name) = key.strip_prefix(APP_ARMOR_CONTAINER) {
            if !found.iter().any(|(_, container)| text(&container["name"]) == name) {
                report.at(format!("metadata.annotations[{key}]"), format!("there is no container `{name}`"));
            }
            let profile = text(value);
            if !["", "runtime/default", "unconfined"].contains(&profile) && !profile.starts_with("localhost/")
            {
                report.at(format!("metadata.annotations[{key}]"), "is not an AppArmor profile");
            }
        }
    }
    let spec = &pod["spec"];
    let whole = &spec["securityContext"];
    agree(annotations, SECCOMP_POD, &whole["seccompProfile"], "spec.securityContext.seccompProfile", report);
    for (path, container) in found {
        let path = format!("{path}.securityContext");
        let context = &container["securityContext"];
        let name = text(&container["name"]);
        let seccomp = format!("{path}.seccompProfile");
        agree(
            annotations,
            &format!("{SECCOMP_CONTAINER}{name}"),
            &context["seccompProfile"],
            &seccomp,
            report,
        );
        if text(&spec["os"]["name"]) != "windows" {
            let own = &context["appArmorProfile"];
            let profile = if is_set(own) { own } else { &whole["appArmorProfile"] };
            let app_armor = format!("{path}.appArmorProfile");
            agree(annotations, &format!("{APP_ARMOR_CONTAINER}{name}"), profile, &app_armor, report);
        }
    }
}

/// `ValidateSeccompProfile`
fn is_seccomp(profile: &str) -> bool {
    match profile.strip_prefix("localhost/") {
        Some(file) => names::is_descending(file),
        None => ["runtime/default", "docker/default", "unconfined"].contains(&profile),
    }
}

/// Where both are there, they have to say the same.
fn agree(annotations: &Value, key: &str, profile: &Value, path: &str, report: &mut Report) {
    let annotation = &annotations[key];
    if !is_set(annotation) || !is_set(profile) {
        return;
    }
    let annotation = text(annotation);
    let same = match text(&profile["type"]) {
        "Unconfined" => annotation == "unconfined",
        // Docker's word is a seccomp word.
        "RuntimeDefault" if !key.starts_with(APP_ARMOR_CONTAINER) && annotation == "docker/default" => true,
        "RuntimeDefault" => annotation == "runtime/default",
        "Localhost" => annotation.strip_prefix("localhost/") == profile["localhostProfile"].as_str(),
        _ => true,
    };
    if !same {
        report.at(path, format!("differs from the annotation `{key}`"));
    }
}
