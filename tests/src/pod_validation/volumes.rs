//! `ValidateVolumes` and `validateVolumeSource`.

use serde_json::Value;

use super::{Report, names};
use crate::api_defaults::VOLUME_SOURCES;
use crate::quantity;
use crate::walk::{is_set, items, text};

const HOST_PATH_TYPES: [&str; 8] =
    ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

pub(super) fn check(volumes: &Value, report: &mut Report) {
    let mut taken = Vec::new();
    for (index, volume) in items(volumes).iter().enumerate() {
        let path = format!("spec.volumes[{index}]");
        let name = text(&volume["name"]);
        if !names::is_dns_label(name) {
            report.at(format!("{path}.name"), format!("`{name}` is not a DNS label"));
        }
        if taken.contains(&name) {
            report.at(format!("{path}.name"), format!("`{name}` is already taken"));
        }
        taken.push(name);
        // None at all has been defaulted to an emptyDir.
        let set: Vec<_> = VOLUME_SOURCES.into_iter().filter(|source| is_set(&volume[source])).collect();
        if set.len() > 1 {
            report.at(&path, format!("must have one source, and has {set:?}"));
        }
        for kind in set {
            source(kind, &volume[kind], &format!("{path}.{kind}"), report);
        }
    }
}

fn source(kind: &str, source: &Value, path: &str, report: &mut Report) {
    report.within(&source["defaultMode"], 0, 0o777, format!("{path}.defaultMode"));
    match kind {
        "emptyDir" => empty_dir(source, path, report),
        "hostPath" => {
            report.required(&source["path"], format!("{path}.path"));
            if names::steps_back(text(&source["path"])) {
                report.at(format!("{path}.path"), "must not contain `..`");
            }
            report.one_of(&source["type"], &HOST_PATH_TYPES, format!("{path}.type"));
        }
        "secret" => {
            report.required(&source["secretName"], format!("{path}.secretName"));
            keys(&source["items"], path, report);
        }
        "configMap" => {
            report.required(&source["name"], format!("{path}.name"));
            keys(&source["items"], path, report);
        }
        "downwardAPI" => files(&source["items"], path, report),
        "projected" => projected(&source["sources"], path, report),
        "persistentVolumeClaim" => {
            report.required(&source["claimName"], format!("{path}.claimName"));
        }
        "ephemeral" if !is_set(&source["volumeClaimTemplate"]) => {
            report.at(format!("{path}.volumeClaimTemplate"), "required");
        }
        "image" => {
            report.required(&source["reference"], format!("{path}.reference"));
            let policies = ["Always", "IfNotPresent", "Never"];
            report.one_of(&source["pullPolicy"], &policies, format!("{path}.pullPolicy"));
        }
        "csi" => {
            let driver = text(&source["driver"]);
            if driver.len() > 63 || !names::is_dns_subdomain(&driver.to_lowercase()) {
                report.at(format!("{path}.driver"), format!("`{driver}` is not a driver's name"));
            }
        }
        "nfs" => {
            report.required(&source["server"], format!("{path}.server"));
            if !text(&source["path"]).starts_with('/') {
                report.at(format!("{path}.path"), "must be an absolute path");
            }
        }
        _ => {}
    }
}

/// The limit is the server's rule; the medium the kubelet's (`pkg/volume/emptydir/empty_dir.go`).
fn empty_dir(source: &Value, path: &str, report: &mut Report) {
    if quantity::amount(&source["sizeLimit"]).is_some_and(|limit| limit < 0) {
        report.at(format!("{path}.sizeLimit"), "must not be negative");
    }
    let medium = text(&source["medium"]);
    let page_size = medium.strip_prefix("HugePages-").and_then(quantity::quantity);
    if !["", "Memory", "HugePages"].contains(&medium) && page_size.is_none_or(|size| size <= 0) {
        report.at(format!("{path}.medium"), format!("`{medium}` is not a medium"));
    }
}

/// `validateKeyToPath`
fn keys(keys: &Value, path: &str, report: &mut Report) {
    for (index, item) in items(keys).iter().enumerate() {
        let path = format!("{path}.items[{index}]");
        report.required(&item["key"], format!("{path}.key"));
        file(item, &path, report);
    }
}

/// `validateDownwardAPIVolumeFile`
fn files(files: &Value, path: &str, report: &mut Report) {
    for (index, item) in items(files).iter().enumerate() {
        let path = format!("{path}.items[{index}]");
        file(item, &path, report);
        let field = text(&item["fieldRef"]["fieldPath"]);
        let known = ["name", "namespace", "labels", "annotations", "uid"];
        let of_metadata = field.strip_prefix("metadata.").unwrap_or_default();
        let subscripted = ["labels['", "annotations['"].into_iter().any(|map| of_metadata.starts_with(map));
        match (is_set(&item["fieldRef"]), is_set(&item["resourceFieldRef"])) {
            (true, false) if !known.contains(&of_metadata) && !subscripted => {
                report
                    .at(format!("{path}.fieldRef.fieldPath"), format!("`{field}` is not a field for a file"));
            }
            (false, true) => {
                report.required(
                    &item["resourceFieldRef"]["containerName"],
                    format!("{path}.resourceFieldRef.containerName"),
                );
            }
            (true, false) => {}
            _ => report.at(&path, "must have exactly one of `fieldRef` and `resourceFieldRef`"),
        }
    }
}

fn file(item: &Value, path: &str, report: &mut Report) {
    report.required(&item["path"], format!("{path}.path"));
    if !names::is_unreserved(text(&item["path"])) {
        report.at(format!("{path}.path"), "must be relative, without `..`");
    }
    report.within(&item["mode"], 0, 0o777, format!("{path}.mode"));
}

/// `validateProjectionSources`
fn projected(sources: &Value, path: &str, report: &mut Report) {
    let kinds =
        ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"];
    let mut paths = Vec::new();
    for (index, source) in items(sources).iter().enumerate() {
        let source_path = format!("{path}.sources[{index}]");
        if kinds.iter().filter(|kind| is_set(&source[**kind])).count() > 1 {
            report.at(&source_path, "must have one source");
        }
        for kind in ["secret", "configMap", "downwardAPI"] {
            let path = format!("{source_path}.{kind}");
            if !is_set(&source[kind]) {
                continue;
            }
            if kind == "downwardAPI" {
                files(&source[kind]["items"], &path, report);
            } else {
                report.required(&source[kind]["name"], format!("{path}.name"));
                keys(&source[kind]["items"], &path, report);
            }
            for item in items(&source[kind]["items"]) {
                if paths.contains(&&item["path"]) {
                    report.at(format!("{path}.items"), format!("`{}` is already paths", text(&item["path"])));
                }
                paths.push(&item["path"]);
            }
        }
        let token = &source["serviceAccountToken"];
        if is_set(token) {
            let path = format!("{source_path}.serviceAccountToken");
            report.within(&token["expirationSeconds"], 600, 1 << 32, format!("{path}.expirationSeconds"));
            report.required(&token["path"], format!("{path}.path"));
            if !names::is_unreserved(text(&token["path"])) {
                report.at(format!("{path}.path"), "must be relative, without `..`");
            }
        }
    }
}
