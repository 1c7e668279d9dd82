//! `ValidateVolumeMounts` and `ValidateVolumeDevices`.
//!
//! An `image` volume has no rule of its own: it is read-only whatever `readOnly` says, and since
//! Kubernetes 1.33 it may be mounted with a `subPath`.

use serde_json::Value;

use super::{Report, names};
use crate::walk::{is_set, items, text};

pub(super) fn check(container: &Value, spec: &Value, path: &str, report: &mut Report) {
    let privileged = container["securityContext"]["privileged"] == true;
    let devices = items(&container["volumeDevices"]);
    let mut paths = Vec::new();
    for (index, mount) in items(&container["volumeMounts"]).iter().enumerate() {
        let path = format!("{path}.volumeMounts[{index}]");
        let name = text(&mount["name"]);
        if volume(spec, name).is_none() {
            report.at(format!("{path}.name"), format!("`{name}` is not a volume of the pod"));
        }
        let mount_path = text(&mount["mountPath"]);
        report.required(&mount["mountPath"], format!("{path}.mountPath"));
        if mount_path.contains(':') {
            report.at(format!("{path}.mountPath"), format!("`{mount_path}` must not contain `:`"));
        }
        if paths.contains(&mount_path) {
            report.at(format!("{path}.mountPath"), format!("`{mount_path}` must be unique"));
        }
        paths.push(mount_path);
        if devices
            .iter()
            .any(|device| device["name"] == mount["name"] || device["devicePath"] == mount["mountPath"])
        {
            report.at(&path, "must not already exist in `volumeDevices`");
        }
        sub_path(mount, &path, report);
        propagation(mount, privileged, &path, report);
    }
    let mut taken: Vec<&Value> = Vec::new();
    for (index, device) in devices.iter().enumerate() {
        let path = format!("{path}.volumeDevices[{index}]");
        let source = volume(spec, text(&device["name"]));
        if !source
            .is_some_and(|source| is_set(&source["persistentVolumeClaim"]) || is_set(&source["ephemeral"]))
        {
            report.at(format!("{path}.name"), "is not a claim of the pod");
        }
        report.required(&device["devicePath"], format!("{path}.devicePath"));
        if names::steps_back(text(&device["devicePath"])) {
            report.at(format!("{path}.devicePath"), "must not contain `..`");
        }
        if taken.iter().any(|one| one["name"] == device["name"] || one["devicePath"] == device["devicePath"])
        {
            report.at(&path, "must be unique");
        }
        taken.push(device);
    }
}

fn volume<'a>(spec: &'a Value, name: &str) -> Option<&'a Value> {
    items(&spec["volumes"]).iter().find(|volume| !name.is_empty() && text(&volume["name"]) == name)
}

fn sub_path(mount: &Value, path: &str, report: &mut Report) {
    for field in ["subPath", "subPathExpr"] {
        if !names::is_descending(text(&mount[field])) {
            let value = text(&mount[field]);
            report.at(format!("{path}.{field}"), format!("`{value}` must be relative and without `..`"));
        }
    }
    if !text(&mount["subPath"]).is_empty() && !text(&mount["subPathExpr"]).is_empty() {
        report.at(format!("{path}.subPathExpr"), "excludes `subPath`");
    }
}

/// `validateMountPropagation` and `validateMountRecursiveReadOnly`
fn propagation(mount: &Value, privileged: bool, path: &str, report: &mut Report) {
    let propagation = &mount["mountPropagation"];
    if is_set(propagation) {
        let modes = ["Bidirectional", "HostToContainer", "None"];
        report.one_of(propagation, &modes, format!("{path}.mountPropagation"));
        if propagation == "Bidirectional" && !privileged {
            report
                .at(format!("{path}.mountPropagation"), "`Bidirectional` is only for privileged containers");
        }
    }
    let recursive = &mount["recursiveReadOnly"];
    if is_set(recursive) {
        let path = format!("{path}.recursiveReadOnly");
        report.one_of(recursive, &["Disabled", "IfPossible", "Enabled"], &path);
        if recursive != "Disabled" && mount["readOnly"] != true {
            report.at(&path, "needs `readOnly: true`");
        }
        if recursive != "Disabled" && is_set(propagation) && propagation != "None" {
            report.at(&path, "excludes a `mountPropagation` other than `None`");
        }
    }
}
