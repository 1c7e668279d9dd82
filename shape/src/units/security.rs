//! The container's security context, from a named profile.
//!
//! What is filled must be valid, must let the container start, and never loosens what the pod has
//! tightened. A pod that meets Pod Security `baseline` still does afterwards: its namespace may
//! enforce that, and Pod Security is checked after this policy.

use super::Work;
use crate::canonical::{Node, RESTRICTED, Shape};
use crate::settings::Profile;
use crate::verdict::Unit;
use crate::{image, json};
use serde_json::{Map, Value};

/// Capabilities that Pod Security `baseline` lets a container add.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let Some(profile) = profile(work) else { return };
    let present = work.serving()["securityContext"].as_object().cloned().unwrap_or_default();
    if !enforce {
        if !present.is_empty() {
            return;
        }
        if !work.has_known_image() {
            return work.code(Unit::SecurityContext, "withheld", Some("the user of this image is not known"));
        }
    }
    let (merged, withheld) = merge(work, &present, profile);
    if let Some(reason) = withheld {
        work.code(Unit::SecurityContext, "partly-withheld", Some(reason));
    }
    if merged != present {
        work.set(
            Unit::SecurityContext,
            "securityContext",
            Value::Object(merged),
            "no more rights than serving needs",
        );
        work.code(Unit::SecurityContext, if enforce { "enforced" } else { "filled" }, None);
    }
}

fn profile(work: &Work<'_>) -> Option<&'static Node> {
    let of = |name| {
        Shape::named(name).map_or(work.canonical(), |shape| shape.container(work.role)).get("securityContext")
    };
    match work.settings.security_profile {
        None => work.canonical().get("securityContext"),
        Some(Profile::Reference) => of("llm-d-cuda-v0.4.0"),
        Some(Profile::Head) => of("llm-d-cuda-v0.9.0"),
        Some(Profile::Restricted) => Some(&RESTRICTED),
        Some(Profile::Keep) => None,
    }
}

/// The profile laid over what is present, and why a part of it was left out.
fn merge(
    work: &Work<'_>,
    present: &Map<String, Value>,
    profile: &'static Node,
) -> (Map<String, Value>, Option<&'static str>) {
    let pod = &work.spec()["securityContext"];
    let image = json::text(work.serving(), "image").unwrap_or_default();
    let user = present.get("runAsUser").or_else(|| pod.get("runAsUser")).and_then(Value::as_u64);
    let root = user == Some(0);
    let privileged = present.get("privileged") == Some(&Value::Bool(true));
    let added = present
        .get("capabilities")
        .and_then(|capabilities| capabilities.get("add"))
        .and_then(Value::as_array);
    let administers =
        added.is_some_and(|added| added.iter().any(|name| name == "SYS_ADMIN" || name == "CAP_SYS_ADMIN"));
    let mut merged = present.clone();
    let mut withheld = None;
    for (key, node) in profile.members() {
        let own = present.get(*key).filter(|value| !value.is_null());
        let inherited = pod.get(*key).filter(|value| !value.is_null());
        match *key {
            "allowPrivilegeEscalation" if privileged || administers => {
                withheld = Some("a privileged container may not forbid privilege escalation");
            }
            "runAsNonRoot" => {
                let wanted = matches!(node, Node::Bool(true));
                let known_user = user.is_some() || image::is_canonical(image);
                let chosen = work.settings.security_profile.is_some();
                if wanted && root {
                    withheld = Some("the pod runs as user 0");
                } else if wanted && !known_user && !chosen {
                    withheld = Some("the user of this image is not known");
                } else if own.is_none() && inherited.is_none() || own == Some(&Value::Bool(false)) {
                    merged.insert((*key).to_owned(), node.value());
                }
            }
            "seccompProfile" => {
                let kind = own.or(inherited).and_then(|profile| json::text(profile, "type"));
                if kind.is_none() || (own.is_some() && kind == Some("Unconfined")) {
                    merged.insert((*key).to_owned(), node.value());
                }
            }
            "capabilities" => {
                let drops = node.get("drop").map_or(&[][..], Node::items);
                let adds = node.get("add").map_or(&[][..], Node::items);
                let mut capabilities =
                    present.get(*key).and_then(Value::as_object).cloned().unwrap_or_default();
                // Root without DAC_OVERRIDE cannot write what others own.
                let unknown =
                    user.is_none() && !image::is_canonical(image) && work.settings.security_profile.is_none();
                if (root || unknown) && json::is_empty(&capabilities, "drop") {
                    withheld = Some(if root {
                        "the pod runs as user 0"
                    } else {
                        "the user of this image is not known"
                    });
                } else {
                    add_missing(&mut capabilities, "drop", drops);
                }
                if !meets_baseline(work.spec()) {
                    add_missing(&mut capabilities, "add", adds);
                } else if !adds.is_empty() && withheld.is_none() {
                    withheld = Some("added capabilities would leave Pod Security baseline");
                }
                if !capabilities.is_empty() {
                    merged.insert((*key).to_owned(), Value::Object(capabilities));
                }
            }
            // Booleans: `true` is the tighter value of readOnlyRootFilesystem, `false` of the rest.
            "readOnlyRootFilesystem" if own == Some(&Value::Bool(true)) => {}
            _ => {
                merged.insert((*key).to_owned(), node.value());
            }
        }
    }
    (merged, withheld)
}

fn add_missing(capabilities: &mut Map<String, Value>, key: &str, names: &[Node]) {
    if names.is_empty() {
        return;
    }
    if let Some(list) = json::list(capabilities, key) {
        for name in names.iter().filter_map(Node::text) {
            if !list.iter().any(|present| present == name || present == "ALL") {
                list.push(Value::from(name));
            }
        }
    }
}

/// Whether the pod meets Pod Security `baseline` in what decides about added capabilities.
fn meets_baseline(spec: &Value) -> bool {
    let yes = |value: &Value| *value == Value::Bool(true);
    let unconfined = |context: &Value| {
        context["seccompProfile"]["type"] == "Unconfined"
            || context["appArmorProfile"]["type"] == "Unconfined"
    };
    let container_meets = |container: &Value| {
        let context = &container["securityContext"];
        let added = context["capabilities"]["add"].as_array().map_or(&[][..], Vec::as_slice);
        let ports = container["ports"].as_array().map_or(&[][..], Vec::as_slice);
        !yes(&context["privileged"])
            && !unconfined(context)
            && added.iter().all(|name| name.as_str().is_some_and(|name| BASELINE.contains(&name)))
            && ports.iter().all(|port| port["hostPort"].as_u64().unwrap_or(0) == 0)
            && json::text(context, "procMount").unwrap_or("Default") == "Default"
    };
    let list = |key: &str| spec[key].as_array().map_or(&[][..], Vec::as_slice);
    !["hostNetwork", "hostPID", "hostIPC"].iter().any(|key| yes(&spec[*key]))
        && !unconfined(&spec["securityContext"])
        && list("volumes").iter().all(|volume| volume.get("hostPath").is_none())
        && ["containers", "initContainers"].iter().all(|key| list(key).iter().all(container_meets))
}
