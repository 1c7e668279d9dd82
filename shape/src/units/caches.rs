//! Home, model cache and temporary folder: each variable goes with its mount.

use super::Collision;
use crate::canonical::{Mount, Node};
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
    let mounts: Vec<Mount> = work.shape.mounts(work.role, Unit::Caches).collect();
    if mounts.is_empty() {
        work.not_for_this_image(Unit::Caches, enforce);
        return Ok(());
    }
    let of_image = mounts_the_images_cache(work.serving());
    let has_member = of_image
        || mounts_a_cache(work.serving())
        || work.environment().names().any(says_something)
        || mounts.iter().any(|mount| {
            work.volume(mount.name).is_some() || paths::mount_at(work.serving(), mount.path).is_some()
        });
    if !enforce {
        if has_member {
            return Ok(());
        }
        if work.environment().open {
            work.code(Unit::Caches, Fate::Withheld, Some("envFrom may define the same names"));
            return Ok(());
        }
        if let Some(named) = mounts.iter().find_map(|mount| paths::conflict(&work.named_paths, mount.path)) {
            let detail = format!("the pod names {}", work.quoted(named));
            work.code(Unit::Caches, Fate::Withheld, Some(&detail));
            return Ok(());
        }
    }
    let offline = work.environment().names().any(|name| OFFLINE.contains(&name));
    let reason = match (offline, of_image) {
        (true, _) => Some("without a network, the model is where the cache is now"),
        (_, true) => Some("the pod mounts something where the image has its models"),
        _ => None,
    };
    if reason.is_some() {
        work.code(Unit::Caches, Fate::Withheld, reason);
        return Ok(());
    }
    for mount in mounts {
        fill_mount(work, mount)?;
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

/// Whether the pod mounts something where an image has its home or its caches by itself.
fn mounts_a_cache(serving: &serde_json::Value) -> bool {
    mount_paths(serving).any(|place| {
        paths::is_within(&place, "/root") || place.contains("/.cache") || place.contains("huggingface")
    })
}

/// Whether the pod mounts something at, above or below the place where llm-d-cuda has its models.
fn mounts_the_images_cache(serving: &serde_json::Value) -> bool {
    mount_paths(serving).any(|place| {
        paths::is_within(&place, IMAGE_CACHE) || (place != "/" && paths::is_within(IMAGE_CACHE, &place))
    })
}

fn mount_paths(serving: &serde_json::Value) -> impl Iterator<Item = String> {
    let mounts = serving["volumeMounts"].as_array().map_or(&[][..], Vec::as_slice);
    mounts.iter().filter_map(|mount| crate::json::text(mount, "mountPath")).map(paths::normalise)
}

fn fill_mount(work: &mut Work<'_>, mount: Mount) -> Result<(), Collision> {
    let Mount { name: volume, path, .. } = mount;
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
    let why = "this path is writable and outlives a restart of the container";
    if let Some(present) = work.volume(volume) {
        if present.get("emptyDir").is_none() {
            return Err(format!(
                "spec.volumes: the shape's `{volume}` is an emptyDir, the pod's `{volume}` is `{}`; hint: rename the pod's volume",
                source(present)
            ));
        }
        work.append(Unit::Caches, "volumeMounts", mount.node.value(), why);
    } else {
        work.mount(Unit::Caches, mount.volume.value(), mount.node, why);
    }
    Ok(())
}
