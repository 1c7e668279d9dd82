//! `/dev/shm`: NCCL and vLLM's workers of one pod talk through it, and 64 MiB is not enough.

use super::Collision;
use crate::canonical::{Mount, Node};
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::{Work, source};
use crate::{json, paths, quantity};
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) -> Result<(), Collision> {
    let Some(Mount { name, path, node: mount, volume }) =
        work.shape.mounts(work.role, Unit::SharedMemory).next()
    else {
        return Ok(());
    };
    if let Some(reason) = shared_otherwise(work, path) {
        work.code(Unit::SharedMemory, Fate::Withheld, Some(reason));
        return Ok(());
    }
    if work.spec()["hostIPC"] == true {
        work.code(Unit::SharedMemory, Fate::Withheld, Some("hostIPC shares the node's /dev/shm"));
        return Ok(());
    }
    if let Some(present) = paths::mount_at(work.serving(), path) {
        if enforce {
            let name = json::text(present, "name").unwrap_or_default().to_owned();
            raise_limit(work, &name, volume);
        }
        return Ok(());
    }
    let named = paths::conflict(&work.named_paths, path).map(str::to_owned);
    if !enforce {
        if let Some(named) = named {
            let detail = format!("the pod names {}", work.quoted(&named));
            work.code(Unit::SharedMemory, Fate::Withheld, Some(&detail));
            return Ok(());
        }
        if work.volume(name).is_some() {
            return Ok(());
        }
    }
    if let Some(named) = named.filter(|named| named.starts_with(path)) {
        let named = work.quoted(&named);
        return Err(format!(
            "spec.containers[{}].volumeMounts: the shape mounts `{name}` at `{path}`, the pod names `{named}`; hint: set `units.sharedMemory: default`",
            work.container
        ));
    }
    let why = "NCCL and vLLM's workers share memory here; the container default is 64 MiB";
    match work.volume(name) {
        Some(present) if present.get("emptyDir").is_none() => {
            return Err(format!(
                "spec.volumes: the shape's `{name}` is an emptyDir, the pod's `{name}` is `{}`; hint: rename the pod's volume",
                source(present)
            ));
        }
        Some(_) => {
            work.append(Unit::SharedMemory, "volumeMounts", mount.value(), why);
            raise_limit(work, name, volume);
        }
        None => work.mount(Unit::SharedMemory, volume.value(), mount, why),
    }
    Ok(())
}

/// Raises the limit of a memory volume that is smaller than the shape's; never lowers one.
fn raise_limit(work: &mut Work<'_>, name: &str, canonical: &'static Node) -> bool {
    let Some(limit) = canonical.at(&["emptyDir", "sizeLimit"]).and_then(Node::text) else { return false };
    let volumes = work.spec()["volumes"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(at) = volumes.iter().position(|volume| json::text(volume, "name") == Some(name)) else {
        return false;
    };
    let present = volumes[at]["emptyDir"].get("sizeLimit").and_then(Value::as_str).and_then(quantity::milli);
    let smaller = present.zip(quantity::milli(limit)).is_some_and(|(present, limit)| present < limit);
    if volumes[at]["emptyDir"]["medium"] != "Memory" || !smaller {
        return false;
    }
    let volume =
        work.spec_mut().and_then(|spec| spec.get_mut("volumes")).and_then(|volumes| volumes.get_mut(at));
    if let Some(empty_dir) =
        volume.and_then(|volume| volume.get_mut("emptyDir")).and_then(Value::as_object_mut)
    {
        empty_dir.insert("sizeLimit".to_owned(), Value::from(limit));
        let path = format!("/spec/volumes/{at}/emptyDir/sizeLimit");
        work.changed(Unit::SharedMemory, path, "NCCL and vLLM's workers need more than this");
    }
    true
}

/// Who has a hand in `/dev/shm` besides the serving container. Without a mount, the containers of a pod
/// share one; with a mount in one of them, they would not.
fn shared_otherwise(work: &Work<'_>, path: &str) -> Option<&'static str> {
    /// CRI-O's size of it, in an annotation.
    const CRI_O: &str = "io.kubernetes.cri-o.ShmSize";
    if crate::pod::annotation(work.pod, CRI_O).is_some() {
        return Some("an annotation gives it another size");
    }
    let own = json::text(work.serving(), "name");
    let mut lists =
        ["containers", "initContainers"].into_iter().filter_map(|key| work.spec()[key].as_array());
    let names =
        |container: &Value| json::text(container, "name") != own && container.to_string().contains(path);
    lists.any(|list| list.iter().any(names)).then_some("another container names it too")
}
