//! `validateResourceRequirements`, for containers and (`validatePodResources`) for the pod.

use serde_json::Value;

use super::{Report, names};
use crate::walk::{is_set, items, members, text};
use crate::{effective, quantity};

pub(super) fn container(container: &Value, spec: &Value, path: &str, report: &mut Report) {
    let path = format!("{path}.resources");
    let resources = &container["resources"];
    requirements(resources, is_container_resource, &path, report);
    let mut taken: Vec<(&str, &str)> = Vec::new();
    for (index, claim) in items(&resources["claims"]).iter().enumerate() {
        let path = format!("{path}.claims[{index}]");
        if !items(&spec["resourceClaims"])
            .iter()
            .any(|one| is_set(&claim["name"]) && one["name"] == claim["name"])
        {
            report.at(&path, format!("`{}` is not one of the pod's claims", text(&claim["name"])));
        }
        let key = (text(&claim["name"]), text(&claim["request"]));
        if taken.iter().any(|(name, request)| {
            *name == key.0 && (*request == key.1 || request.is_empty() || key.1.is_empty())
        }) {
            report.at(&path, format!("`{}` is already claimed", key.0));
        }
        taken.push(key);
    }
}

/// `validatePodResources`: what the containers need has to fit in what the pod says it needs.
pub(super) fn pod(spec: &Value, report: &mut Report) {
    let resources = &spec["resources"];
    if !is_set(resources) {
        return;
    }
    if is_set(&resources["claims"]) {
        report.at("spec.resources.claims", "may not be set for the pod");
    }
    let is_pod_resource = |name: &str| matches!(name, "cpu" | "memory") || is_huge(name);
    requirements(resources, is_pod_resource, "spec.resources", report);
    for (name, needed) in effective::aggregate(spec, "requests") {
        if quantity::amount(&resources["requests"][&name]).is_some_and(|stated| needed > stated) {
            report.at(format!("spec.resources.requests[{name}]"), "is less than the containers request");
        }
    }
    for (name, needed) in effective::aggregate(spec, "limits").into_iter().filter(|(name, _)| is_huge(name)) {
        if quantity::amount(&resources["limits"][&name]).is_some_and(|stated| needed > stated) {
            report.at(format!("spec.resources.limits[{name}]"), "is less than the containers' limits");
        }
    }
    for (index, container) in items(&spec["containers"]).iter().enumerate() {
        for (name, limit) in members(&container["resources"]["limits"]) {
            let whole = quantity::amount(&resources["limits"][name]);
            if whole.is_some_and(|whole| quantity::amount(limit).is_some_and(|limit| limit > whole)) {
                let path = format!("spec.containers[{index}].resources.limits[{name}]");
                report.at(path, "is more than the pod's limit");
            }
        }
    }
}

fn requirements(resources: &Value, is_resource: fn(&str) -> bool, path: &str, report: &mut Report) {
    for list in ["limits", "requests"] {
        for (name, value) in members(&resources[list]) {
            let path = format!("{path}.{list}[{name}]");
            if !is_resource(name) {
                report.at(&path, "is not a resource");
            }
            // That it is a quantity has been asked with the types.
            let milli = quantity::amount(value).unwrap_or_default();
            if milli < 0 {
                report.at(&path, "must not be negative");
            }
            if is_extended(name) && milli % 1000 != 0 {
                report.at(&path, "must be an integer");
            }
            let page =
                name.strip_prefix("hugepages-").map(|size| quantity::quantity(size).unwrap_or_default());
            if page.is_some_and(|page| page <= 0 || page % 1000 != 0 || milli % page != 0) {
                report.at(&path, "must be a multiple of the page size");
            }
        }
    }
    for (name, requested) in members(&resources["requests"]) {
        let path = format!("{path}.requests[{name}]");
        let overcommitted = is_native(name) && !is_huge(name);
        let (requested, limit) = (quantity::amount(requested), quantity::amount(&resources["limits"][name]));
        if limit.is_none() && !overcommitted {
            report.at(&path, "needs a limit, because it cannot be overcommitted");
        } else if limit.is_some() && requested != limit && !overcommitted {
            report.at(&path, "must be equal to the limit, because it cannot be overcommitted");
        } else if limit.is_some() && requested > limit {
            report.at(&path, "is more than the limit");
        }
    }
    let all = || {
        members(&resources["limits"]).chain(members(&resources["requests"])).map(|(name, _)| name.as_str())
    };
    if all().any(is_huge) && !all().any(|name| name == "cpu" || name == "memory") {
        report.at(path, "hugepages require cpu or memory");
    }
}

/// `validateContainerResourceName`
fn is_container_resource(name: &str) -> bool {
    let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge(name);
    names::is_qualified(name)
        && if name.contains('/') { is_native(name) || is_extended(name) } else { standard }
}

/// `IsHugePageResourceName`
pub(crate) fn is_huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// `IsNativeResource`
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// `IsExtendedResourceName`: a quota of it has to be nameable, too.
pub(crate) fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && names::is_qualified(&format!("requests.{name}"))
}
