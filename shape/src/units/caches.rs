//! Home, model cache and temporary folder: each variable goes with its mount.

use super::Collision;
use crate::canonical::Node;
use crate::environment::says_where_caches_are;
use crate::paths;
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::{Work, source};

/// Where llm-d-cuda has its models unless it is told otherwise (`HF_HOME`, llm-d docker/Dockerfile.cuda).
const IMAGE_CACHE: &str = "/var/lib/llm-d/.hf";

/// Variables after which the model is read out of the cache that is there.
const OFFLINE: [&str; 2] = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"];

/// Whether a pod with variable `name` has said something of caches: whoever sets any of Hugging
/// Face's has thought about where models come from.
fn says_something(name: &str) -> bool {
    says_where_caches_are(name) || name.starts_with("HF_") || OFFLINE.contains(&name)
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
            work.code(Unit::Caches, Fate::Withheld, Some("envFrom may define the same names"));
            return Ok(());
        }
        if let Some(named) = mounts.iter().find_map(|(_, path, _)| paths::conflict(&work.named_paths, path)) {
            let detail = format!("the pod names {}", work.quoted(named));
            work.code(Unit::Caches, Fate::Withheld, Some(&detail));
            return Ok(());
        }
    }
    if work.environment().names().any(|name| OFFLINE.contains(&name)) {
        work.code(
            Unit::Caches,
            Fate::Withheld,
            Some("without a network, the model is where the cache is now"),
        );
        return Ok(());
    }
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
        if says_where_caches_are(name) {
            let why = "a writable home and model cache, each on its own volume";
            work.set_variable(Unit::Caches, name, value, why);
        }
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
