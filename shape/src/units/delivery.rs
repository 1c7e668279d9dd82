//! How the launcher comes into the pod.

use super::{Collision, Work};
use crate::canonical::{IMAGE_VOLUME, INIT_CONTAINER, Node, VOLUME, VOLUME_MOUNT};
use crate::serving::LAUNCHER;
use crate::settings::Delivery;
use crate::verdict::Unit;
use crate::{image, json, paths, quantity};
use serde_json::{Map, Value};

/// The user of the launcher's own image, for pods that otherwise run everything as root.
const NON_ROOT_USER: u32 = 65_532;

/// Brings the launcher into the pod and gives its path there.
pub(super) fn deliver(work: &mut Work<'_>) -> Result<String, Collision> {
    match work.settings.launcher.delivery {
        Delivery::Image => {
            Ok(work.settings.launcher.path.clone().unwrap_or_else(|| format!("/usr/bin/{LAUNCHER}")))
        }
        Delivery::InitContainer => {
            let folder = folder(work)?;
            let container = init_container(work, &folder);
            collide(work, "initContainers", LAUNCHER)?;
            collide(work, "containers", LAUNCHER)?;
            work.append_to_spec(Unit::Entrypoint, "volumes", VOLUME.value(), "holds the launcher");
            work.append_to_spec(
                Unit::Entrypoint,
                "initContainers",
                container,
                "copies the launcher into the pod",
            );
            mount(work, &folder);
            Ok(format!("{folder}/{LAUNCHER}"))
        }
        Delivery::ImageVolume => {
            let folder = folder(work)?;
            let mut volume = IMAGE_VOLUME.value();
            if let Some(image) = &work.settings.launcher.image {
                volume["image"]["reference"] = Value::from(image.as_str());
                volume["image"]["pullPolicy"] = Value::from(image::default_pull_policy(image));
            }
            work.append_to_spec(
                Unit::Entrypoint,
                "volumes",
                volume,
                "holds the launcher; needs Kubernetes 1.36 or newer",
            );
            mount(work, &folder);
            Ok(format!("{folder}/{LAUNCHER}"))
        }
    }
}

/// A folder that the pod does not name: the shape's, else one at the root.
fn folder(work: &Work<'_>) -> Result<String, Collision> {
    collide(work, "volumes", LAUNCHER)?;
    let canonical = VOLUME_MOUNT.get("mountPath").and_then(Node::text).unwrap_or_default();
    let fallback = canonical.rfind('/').map_or(canonical, |at| &canonical[at..]);
    let free = |path: &&str| paths::conflict(&work.named_paths, path).is_none();
    match [canonical, fallback].into_iter().find(free) {
        Some(path) => Ok(path.to_owned()),
        None => Err(format!(
            "spec.containers[{}]: the launcher is mounted at `{canonical}` or `{fallback}`, the pod names `{}`; hint: set `launcher.delivery: image`",
            work.container,
            paths::conflict(&work.named_paths, fallback).unwrap_or_default()
        )),
    }
}

fn collide(work: &Work<'_>, list: &str, name: &str) -> Result<(), Collision> {
    let items = work.spec()[list].as_array().map_or(&[][..], Vec::as_slice);
    match json::item(items, "name", name) {
        None => Ok(()),
        Some(_) => Err(format!(
            "spec.{list}: the launcher needs the name `{name}`, the pod has a `{name}` of its own; hint: rename the pod's"
        )),
    }
}

fn mount(work: &mut Work<'_>, folder: &str) {
    let mut mount = VOLUME_MOUNT.value();
    mount["mountPath"] = Value::from(folder);
    work.append(Unit::Entrypoint, "volumeMounts", mount, "the launcher is run from here");
}

fn init_container(work: &Work<'_>, folder: &str) -> Value {
    let mut container = INIT_CONTAINER.value();
    container["volumeMounts"][0]["mountPath"] = Value::from(folder);
    if let Some(last) = container["command"].as_array_mut().and_then(|command| command.last_mut()) {
        *last = Value::from(folder);
    }
    if let Some(image) = &work.settings.launcher.image {
        container["image"] = Value::from(image.as_str());
        container["imagePullPolicy"] = Value::from(image::default_pull_policy(image));
    }
    container["resources"] = resources(work);
    // `runAsNonRoot` with a pod-level user 0 is refused by the kubelet.
    if work.spec()["securityContext"]["runAsUser"] == 0 {
        container["securityContext"]["runAsUser"] = Value::from(NON_ROOT_USER);
        // OpenShift's constraint for such pods (anyuid) allows no seccomp profile that it did not set.
        if work.spec()["securityContext"]["seccompProfile"].is_null()
            && let Some(context) = container["securityContext"].as_object_mut()
        {
            context.remove("seccompProfile");
        }
    }
    container
}

/// Requests equal to limits, for what the serving container asks for too and never more than it:
/// the pod's `QoS` class, its quota and its place on a node stay what they were.
fn resources(work: &Work<'_>) -> Value {
    let mut limits = Map::new();
    let own = &work.serving()["resources"];
    for (name, node) in INIT_CONTAINER.at(&["resources", "limits"]).map_or(&[][..], Node::members) {
        let asked = own["requests"].get(*name).or_else(|| own["limits"].get(*name));
        let (Some(asked), Some(canonical)) = (asked, node.text()) else { continue };
        let asked_text = asked.as_str().map_or_else(|| asked.to_string(), str::to_owned);
        let less = quantity::milli(&asked_text)
            .zip(quantity::milli(canonical))
            .is_some_and(|(asked, ours)| asked < ours);
        limits.insert((*name).to_owned(), if less { asked.clone() } else { node.value() });
    }
    if limits.is_empty() {
        return Value::Object(Map::new());
    }
    serde_json::json!({ "requests": limits, "limits": limits })
}
