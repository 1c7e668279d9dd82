//! How the launcher comes into the pod.

use crate::canonical::{IMAGE_VOLUME, INIT_CONTAINER, Node, VOLUME, VOLUME_MOUNT};
use crate::serving::LAUNCHER;
use crate::settings::Delivery;
use crate::unit::Unit;
use crate::work::Work;
use crate::{image, json, paths};
use serde_json::{Map, Value};

/// The user of the launcher's own image, for pods that otherwise run everything as root.
const NON_ROOT_USER: u32 = 65_532;

/// Why the launcher cannot come into the pod.
pub(super) fn obstacle(work: &Work<'_>) -> Option<String> {
    if work.settings.launcher.delivery == Delivery::Image {
        let image = json::text(work.serving(), "image").unwrap_or_default();
        let holds = image::is_canonical(image) || work.settings.image.as_deref() == Some(image);
        return (!holds).then(|| {
            "`launcher.delivery` is `image`, and whether this image holds the launcher is not known; hint: name such an image in `image`"
                .to_owned()
        });
    }
    let has = |list: &str| json::item(work.spec()[list].as_array()?, "name", LAUNCHER);
    if let Some(list) =
        ["volumes", "initContainers", "containers"].into_iter().find(|list| has(list).is_some())
    {
        return Some(format!(
            "spec.{list}: the launcher needs the name `{LAUNCHER}`, the pod has one of its own; hint: rename the pod's"
        ));
    }
    if folder(work).is_none() {
        return Some(format!(
            "the launcher is mounted at {}, and the pod names paths there; hint: set `launcher.delivery: image`",
            folders().map(|folder| format!("`{folder}`")).join(" or ")
        ));
    }
    let never = json::text(work.serving(), "imagePullPolicy") == Some("Never");
    (never && work.settings.launcher.image_pull_policy.is_none()).then(|| {
        "imagePullPolicy is Never, and the launcher's image would be pulled; hint: set `launcher.imagePullPolicy`"
            .to_owned()
    })
}

/// Brings the launcher into the pod and gives its path there.
pub(super) fn deliver(work: &mut Work<'_>) -> String {
    let launcher = &work.settings.launcher;
    if launcher.delivery == Delivery::Image {
        return launcher.path.clone().unwrap_or_else(|| format!("/usr/bin/{LAUNCHER}"));
    }
    let folder = folder(work).unwrap_or_default();
    let unit = Unit::Entrypoint;
    if launcher.delivery == Delivery::InitContainer {
        let container = init_container(work, folder);
        work.append_to_spec(unit, "volumes", VOLUME.value(), "holds the launcher");
        work.append_to_spec(unit, "initContainers", container, "copies the launcher into the pod");
    } else {
        let mut volume = IMAGE_VOLUME.value();
        pulled(work, &mut volume["image"], "reference", "pullPolicy");
        work.append_to_spec(unit, "volumes", volume, "holds the launcher; needs Kubernetes 1.36 or newer");
    }
    let mut mount = VOLUME_MOUNT.value();
    mount["mountPath"] = Value::from(folder);
    work.append(unit, "volumeMounts", mount, "the launcher is run from here");
    format!("{folder}/{LAUNCHER}")
}

/// Where the launcher may be mounted: the shape's folder, else one at the root.
fn folders() -> [&'static str; 2] {
    let canonical = VOLUME_MOUNT.get("mountPath").and_then(Node::text).unwrap_or_default();
    [canonical, canonical.rfind('/').map_or(canonical, |at| &canonical[at..])]
}

/// The first folder that the pod does not name.
fn folder(work: &Work<'_>) -> Option<&'static str> {
    folders().into_iter().find(|folder| paths::conflict(&work.named_paths, folder).is_none())
}

/// The settings' image and pull policy, in place of the release's own.
fn pulled(work: &Work<'_>, holder: &mut Value, image_key: &str, policy_key: &str) {
    let launcher = &work.settings.launcher;
    if let Some(image) = &launcher.image {
        holder[image_key] = Value::from(image.as_str());
        holder[policy_key] = Value::from(image::default_pull_policy(image));
    }
    if let Some(policy) = launcher.image_pull_policy {
        holder[policy_key] = Value::from(policy);
    }
}

fn init_container(work: &Work<'_>, folder: &str) -> Value {
    let mut container = INIT_CONTAINER.value();
    container["volumeMounts"][0]["mountPath"] = Value::from(folder);
    if let Some(last) = container["command"].as_array_mut().and_then(|command| command.last_mut()) {
        *last = Value::from(folder);
    }
    pulled(work, &mut container, "image", "imagePullPolicy");
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

/// What the serving container asks for, of what every container needs. The scheduler takes the larger
/// of an init container and the containers that follow, so the pod asks for no more than before, and
/// whatever a `LimitRange`, a quota or the pod's `QoS` class demands of the one holds for the other.
fn resources(work: &Work<'_>) -> Value {
    let mut resources = Map::new();
    for list in ["requests", "limits"] {
        let own = work.serving()["resources"][list].as_object();
        let common = ["cpu", "memory", "ephemeral-storage"].into_iter().filter_map(|name| {
            let amount = own?.get(name).filter(|amount| !amount.is_null())?;
            Some((name.to_owned(), amount.clone()))
        });
        let common: Map<String, Value> = common.collect();
        if !common.is_empty() {
            resources.insert(list.to_owned(), Value::Object(common));
        }
    }
    Value::Object(resources)
}
