//! The canonical shapes: `shapes/*.yaml`, proven and turned into statics by the build step.

use crate::image::Version;
use crate::role::Role;
use crate::unit::Unit;
use serde_json::{Map, Value};

/// A constant piece of JSON.
#[derive(Debug)]
pub enum Node {
    /// Members in the order of the file.
    Object(&'static [(&'static str, Node)]),
    /// Items.
    List(&'static [Node]),
    /// A string.
    Text(&'static str),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Bool(bool),
}

impl Node {
    /// The member called `key`.
    pub fn get(&self, key: &str) -> Option<&'static Node> {
        let Node::Object(members) = self else { return None };
        members.iter().find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    /// The node below `keys`.
    pub(crate) fn at(&'static self, keys: &[&str]) -> Option<&'static Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &'static [Node] {
        if let Node::List(items) = self { items } else { &[] }
    }

    /// The members of an object; none for anything else.
    pub(crate) fn members(&self) -> &'static [(&'static str, Node)] {
        if let Node::Object(members) = self { members } else { &[] }
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&'static str> {
        if let Node::Text(text) = self { Some(text) } else { None }
    }

    /// The item of a list whose `key` is `name`: how Kubernetes addresses list items.
    pub(crate) fn item(&self, key: &str, name: &str) -> Option<&'static Node> {
        self.items().iter().find(|item| item.get(key).and_then(Node::text) == Some(name))
    }

    /// As JSON.
    pub fn value(&self) -> Value {
        match self {
            Node::Object(members) => Value::Object(
                members.iter().map(|(key, node)| ((*key).to_owned(), node.value())).collect::<Map<_, _>>(),
            ),
            Node::List(items) => Value::Array(items.iter().map(Node::value).collect()),
            Node::Text(text) => Value::String((*text).to_owned()),
            Node::Number(number) => Value::from(*number),
            Node::Bool(on) => Value::Bool(*on),
        }
    }
}

/// The release of llm-d-cuda that a shape belongs to.
#[derive(Debug)]
pub struct Release {
    /// Of llm-d-cuda.
    pub llm_d: Version,
    /// Of the vLLM in it.
    pub vllm: Version,
}

/// One canonical shape.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the settings.
    pub name: &'static str,
    /// The release whose image it rests on; none where it rests on no image.
    pub release: Option<Release>,
    /// The pod spec of a leader.
    pub leader: Node,
    /// The pod spec of a worker.
    pub worker: Node,
    /// The pod spec of single-node prefill.
    pub single: Node,
    /// The volumes of home, caches and temporary folder.
    caches: &'static [&'static str],
    /// The volume of `/dev/shm`.
    shared_memory: &'static [&'static str],
    /// The volume of certificates.
    tls: &'static [&'static str],
    /// What its security context is called in the settings.
    profile: Option<&'static str>,
}

/// A mount of a shape, and the volume behind it.
#[derive(Clone, Copy)]
pub(crate) struct Mount {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) node: &'static Node,
    pub(crate) volume: &'static Node,
}

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

impl Shape {
    /// The pod spec for `role`.
    pub fn pod(&'static self, role: Role) -> &'static Node {
        match role {
            Role::Leader => &self.leader,
            Role::Worker => &self.worker,
            Role::Single => &self.single,
        }
    }

    /// The container of [`Self::pod`].
    pub(crate) fn container(&'static self, role: Role) -> &'static Node {
        static NONE: Node = Node::Object(&[]);
        self.pod(role).get("containers").and_then(|list| list.items().first()).unwrap_or(&NONE)
    }

    /// The mounts that belong to `unit`.
    pub(crate) fn mounts(&'static self, role: Role, unit: Unit) -> impl Iterator<Item = Mount> {
        let claimed = match unit {
            Unit::Caches => self.caches,
            Unit::SharedMemory => self.shared_memory,
            Unit::Tls => self.tls,
            _ => &[],
        };
        let mounts = self.container(role).get("volumeMounts").map_or(&[][..], Node::items);
        mounts.iter().filter_map(move |node| {
            let name = node.get("name")?.text().filter(|name| claimed.contains(name))?;
            let volume = self.pod(role).get("volumes")?.item("name", name)?;
            Some(Mount { name, path: node.get("mountPath")?.text()?, node, volume })
        })
    }

    /// The security context for `role` that is called `profile` in the settings.
    pub(crate) fn profile(profile: &str, role: Role) -> Option<&'static Node> {
        SHAPES.iter().find(|shape| shape.profile == Some(profile))?.container(role).get("securityContext")
    }

    /// The shape called `name`.
    pub fn named(name: &str) -> Option<&'static Shape> {
        SHAPES.iter().find(|shape| shape.name == name)
    }

    /// The shape for a pod that runs `image`: of llm-d-cuda `chosen`, else the nearest; of any other
    /// image what holds for every vLLM.
    pub(crate) fn of(image: &str, chosen: Option<&'static Shape>) -> &'static Shape {
        if crate::image::is_canonical(image) {
            chosen.unwrap_or_else(|| Shape::nearest(image))
        } else {
            &ANY_VLLM
        }
    }

    /// The nearest release that is not newer than `image`'s llm-d-cuda tag, or the reference (the
    /// oldest) where there is no such tag.
    pub fn nearest(image: &str) -> &'static Shape {
        let reference = &SHAPES[0];
        let Some((wanted, preview)) = crate::image::release(image) else { return reference };
        let is_older = |release: &Release| {
            // A preview such as v0.9.0-rc1 is older than its release.
            release.llm_d < wanted || (release.llm_d == wanted && !preview)
        };
        SHAPES.iter().rev().find(|shape| shape.release.as_ref().is_some_and(is_older)).unwrap_or(reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_llm_d_cuda_gets_what_holds_for_any_vllm() {
        let named = Shape::named("llm-d-cuda-v0.9.0");
        for (image, chosen, want) in [
            ("vllm/vllm-openai:v0.30.0", None, "any-vllm"),
            ("vllm/vllm-openai:v0.30.0", named, "any-vllm"),
            ("", named, "any-vllm"),
            ("mirror.example/llm-d-cuda:v0.4.0", None, "llm-d-cuda-v0.4.0"),
            ("mirror.example/llm-d-cuda:v0.4.0", named, "llm-d-cuda-v0.9.0"),
        ] {
            assert_eq!(Shape::of(image, chosen).name, want, "{image}");
        }
    }

    #[test]
    fn the_nearest_release_that_is_not_newer() {
        for (image, want) in [
            ("ghcr.io/llm-d/llm-d-cuda:v0.4.0", "llm-d-cuda-v0.4.0"),
            ("ghcr.io/llm-d/llm-d-cuda:v0.6.0", "llm-d-cuda-v0.4.0"),
            ("ghcr.io/llm-d/llm-d-cuda:v0.9.0-rc1", "llm-d-cuda-v0.4.0"),
            ("mirror.example/x/llm-d-cuda:0.9.0@sha256:00", "llm-d-cuda-v0.9.0"),
            ("ghcr.io/llm-d/llm-d-cuda:v0.10.2", "llm-d-cuda-v0.9.0"),
            ("ghcr.io/llm-d/llm-d-cuda:v0.3.1", "llm-d-cuda-v0.4.0"),
            ("ghcr.io/llm-d/llm-d-cuda@sha256:00", "llm-d-cuda-v0.4.0"),
            ("ghcr.io/llm-d/llm-d-cuda:latest", "llm-d-cuda-v0.4.0"),
            ("quay.io/vllm/vllm-openai:v0.9.0", "llm-d-cuda-v0.4.0"),
        ] {
            assert_eq!(Shape::nearest(image).name, want, "{image}");
        }
    }
}
