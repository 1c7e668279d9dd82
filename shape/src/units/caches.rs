//! Home, model cache and temporary folder: each variable goes with its mount.

use super::environment::set_variable;
use super::{Collision, Work};
use crate::canonical::Node;
use crate::paths;
use crate::verdict::Unit;

/// Variables that say where home or caches are. `HF_HOME` counts as `HF_HUB_CACHE`: the cache is
/// below it. The last three are read by older or other libraries for the same purpose.
const VARIABLES: [&str; 6] =
    ["HOME", "HF_HUB_CACHE", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "XDG_CACHE_HOME"];

/// Where llm-d-cuda has its models unless it is told otherwise (`HF_HOME`, llm-d docker/Dockerfile.cuda).
const IMAGE_CACHE: &str = "/var/lib/llm-d/.hf";

/// Whether variable `name` belongs to this unit.
pub(crate) fn owns(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// Variables after which the model is read out of the cache that is there.
const OFFLINE: [&str; 2] = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"];

/// Whether a pod with variable `name` has said something of caches: whoever sets any of Hugging
/// Face's has thought about where models come from.
fn says_something(name: &str) -> bool {
    owns(name) || name.starts_with("HF_") || OFFLINE.contains(&name)
}

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) -> Result<(), Collision> {
    let mounts: Vec<(&'static str, &'static str, &'static Node)> = mounts_of_shape(work);
    if mounts.is_empty() {
        work.not_for_this_image(Unit::Caches, enforce);
        return Ok(());
    }
    let has_member = mounts_a_cache(work.serving())
        || work.environment().names().any(says_something)
        || mounts.iter().any(|(name, path, _)| {
            work.volume(name).is_some() || paths::mount_at(work.serving(), path).is_some()
        });
    if !enforce {
        if has_member {
            return Ok(());
        }
        if work.environment().open {
            work.code(Unit::Caches, "withheld", Some("envFrom may define the same names"));
            return Ok(());
        }
        if let Some(named) = mounts.iter().find_map(|(_, path, _)| paths::conflict(&work.named_paths, path)) {
            let detail = format!("the pod names {}", work.quoted(named));
            work.code(Unit::Caches, "withheld", Some(&detail));
            return Ok(());
        }
    }
    if work.environment().names().any(|name| OFFLINE.contains(&name)) {
        work.code(Unit::Caches, "withheld", Some("without a network, the model is where the cache is now"));
        return Ok(());
    }
    let before = work.report.changes.len();
    for (volume, path, mount) in mounts {
        fill_mount(work, volume, path, mount)?;
    }
    let variables = work.canonical().get("env").map_or(&[][..], Node::items);
    for item in variables {
        let (Some(name), Some(value)) =
            (item.get("name").and_then(Node::text), item.get("value").and_then(Node::text))
        else {
            continue;
        };
        if owns(name) {
            set_variable(
                work,
                Unit::Caches,
                name,
                value,
                "a writable home and model cache, each on its own volume",
            );
        }
    }
    if work.report.changes.len() > before {
        work.code(Unit::Caches, if enforce { "enforced" } else { "filled" }, None);
    }
    Ok(())
}

/// Volume name, path and mount of the shape's mounts that belong to this unit.
fn mounts_of_shape(work: &Work<'_>) -> Vec<(&'static str, &'static str, &'static Node)> {
    let mounts = work.canonical().get("volumeMounts").map_or(&[][..], Node::items);
    mounts
        .iter()
        .filter_map(|mount| Some((mount.get("name")?.text()?, mount.get("mountPath")?.text()?, mount)))
        .filter(|(name, ..)| ["home", "model-cache", "tmp-dir"].contains(name))
        .collect()
}

/// Whether the pod mounts something where an image has its home or its caches by itself.
fn mounts_a_cache(serving: &serde_json::Value) -> bool {
    let mounts = serving["volumeMounts"].as_array().map_or(&[][..], Vec::as_slice);
    let mut places = mounts.iter().filter_map(|mount| crate::json::text(mount, "mountPath"));
    places.any(|place| {
        paths::is_within(place, "/root")
            || place.contains("/.cache")
            || place.contains("huggingface")
            || paths::is_within(place, IMAGE_CACHE)
            || (place.len() > 1 && paths::is_within(IMAGE_CACHE, place))
    })
}

fn fill_mount(work: &mut Work<'_>, volume: &str, path: &str, mount: &Node) -> Result<(), Collision> {
    if paths::mount_at(work.serving(), path).is_some() {
        return Ok(());
    }
    if let Some(named) = paths::conflict(&work.named_paths, path) {
        let named = work.quoted(named);
        return Err(format!(
            "spec.containers[{}].volumeMounts: the shape mounts `{volume}` at `{path}`, the pod names `{named}`; hint: set `units.caches: default`",
            work.container
        ));
    }
    let Some(canonical) = work.canonical_volume(volume).map(Node::value) else { return Ok(()) };
    let why = "this path is writable and outlives a restart of the container";
    if let Some(present) = work.volume(volume) {
        if present.get("emptyDir").is_none() {
            return Err(format!(
                "spec.volumes: the shape's `{volume}` is an emptyDir, the pod's `{volume}` is `{}`; hint: rename the pod's volume",
                source(present)
            ));
        }
        work.append(Unit::Caches, "volumeMounts", mount.value(), why);
    } else {
        work.mount(Unit::Caches, canonical, mount, why);
    }
    Ok(())
}

/// The kind of a volume, for messages.
pub(super) fn source(volume: &serde_json::Value) -> String {
    let keys =
        volume.as_object().map(|map| map.keys().filter(|key| *key != "name").cloned().collect::<Vec<_>>());
    keys.unwrap_or_default().join(", ")
}
