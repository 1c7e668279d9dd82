//! The parts of a pod, one file each. A unit is filled only where the pod has none of its members
//! (`default`), or the shape's values win (`enforce`); what the shape does not know stays.

mod caches;
mod delivery;
mod entrypoint;
mod environment;
mod image;
mod port;
mod probes;
mod security;
mod shared_memory;
mod stop;
mod termination;
mod tls;

use crate::adopt::{self, Adopted};
use crate::canonical::{Node, Shape};
use crate::environment::Environment;
use crate::recognise::Role;
use crate::settings::{Level, Settings};
use crate::verdict::{Change, Report, Unit};
use crate::{image as reference, json, paths};
use prefill_core::flags;
use prefill_core::launch::{ApiServers, Launch};
use serde_json::{Map, Value};
use std::borrow::Cow;

pub(crate) use caches::owns as owns_cache_variable;

/// Two things that cannot both be: a message that names both sides.
pub(crate) type Collision = String;

/// One pod on its way into the canonical shape.
pub(crate) struct Work<'a> {
    pod: &'a mut Value,
    container: usize,
    role: Role,
    settings: &'a Settings,
    shape: &'static Shape,
    /// What the entrypoint says; `None` where it is kept and was not understood.
    launch: Option<Launch>,
    source: &'static str,
    /// Whether an argument that only the running pod knows may be any flag.
    opaque: bool,
    /// Every absolute path that the pod names.
    named_paths: Vec<String>,
    pub(crate) report: Report,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        pod: &'a mut Value,
        container: usize,
        role: Role,
        settings: &'a Settings,
        adopted: Option<Adopted>,
    ) -> Self {
        let serving = &pod["spec"]["containers"][container];
        let image = json::text(serving, "image").unwrap_or_default();
        let shape = settings.shape.unwrap_or_else(|| Shape::nearest(image));
        let opaque = adopted.as_ref().is_some_and(|adopted| adopted.opaque);
        let (launch, source) = adopted.map_or((None, ""), |adopted| (Some(adopted.launch), adopted.source));
        let named_paths = paths::named(serving, launch.as_ref());
        Self {
            pod,
            container,
            role,
            settings,
            shape,
            launch,
            source,
            opaque,
            named_paths,
            report: Report::new(role),
        }
    }

    fn level(&self, unit: Unit) -> Level {
        self.settings.level(unit)
    }

    fn serving(&self) -> &Value {
        &self.pod["spec"]["containers"][self.container]
    }

    /// The serving container. `pod::readable` has seen that it is an object.
    fn serving_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.pod.get_mut("spec")?.get_mut("containers")?.get_mut(self.container)?.as_object_mut()
    }

    fn spec(&self) -> &Value {
        &self.pod["spec"]
    }

    fn spec_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.pod.get_mut("spec")?.as_object_mut()
    }

    /// The container of the canonical shape.
    fn canonical(&self) -> &'static Node {
        self.shape.container(self.role)
    }

    /// The volume of the canonical shape called `name`.
    fn canonical_volume(&self, name: &str) -> Option<&'static Node> {
        self.shape.pod(self.role).get("volumes")?.item("name", name)
    }

    fn environment(&self) -> Environment<'_> {
        Environment::new(self.pod, self.container)
    }

    /// Whether the entrypoint will be the launcher, so that arguments can be added.
    fn writes_entrypoint(&self) -> bool {
        self.launch.is_some()
            && match self.level(Unit::Entrypoint) {
                Level::Enforce => true,
                Level::Default => !crate::pod::has_entrypoint(self.pod, self.container),
                Level::Off => false,
            }
    }

    /// Sets a member of the serving container and says why.
    fn set(&mut self, unit: Unit, key: &str, value: Value, why: impl Into<Cow<'static, str>>) {
        let path = format!("/spec/containers/{}/{key}", self.container);
        if let Some(serving) = self.serving_mut() {
            serving.insert(key.to_owned(), value);
            self.changed(unit, path, why);
        }
    }

    /// Appends to a list of the serving container and says why.
    fn append(&mut self, unit: Unit, key: &str, value: Value, why: impl Into<Cow<'static, str>>) {
        let container = self.container;
        if let Some(list) = self.serving_mut().and_then(|serving| json::list(serving, key)) {
            let path = format!("/spec/containers/{container}/{key}/{}", list.len());
            list.push(value);
            self.changed(unit, path, why);
        }
    }

    /// Appends to a list of the pod's spec and says why.
    fn append_to_spec(&mut self, unit: Unit, key: &str, value: Value, why: impl Into<Cow<'static, str>>) {
        if let Some(list) = self.spec_mut().and_then(|spec| json::list(spec, key)) {
            let path = format!("/spec/{key}/{}", list.len());
            list.push(value);
            self.changed(unit, path, why);
        }
    }

    /// Appends a volume of the shape and its mount.
    fn mount(&mut self, unit: Unit, volume: Value, mount: &Node, why: &'static str) {
        self.append_to_spec(unit, "volumes", volume, why);
        self.append(unit, "volumeMounts", mount.value(), why);
    }

    fn changed(&mut self, unit: Unit, path: String, why: impl Into<Cow<'static, str>>) {
        self.report.changes.push(Change { path, unit, why: why.into() });
    }

    /// Notes `unit-outcome (detail)` in the verdict.
    fn code(&mut self, unit: Unit, outcome: &str, detail: Option<&str>) {
        self.report.code(&format!("{}-{outcome}", unit.name()), detail);
    }

    /// The volume of the pod called `name`.
    fn volume(&self, name: &str) -> Option<&Value> {
        json::item(self.spec()["volumes"].as_array()?, "name", name)
    }

    /// Whether the image is one whose user, home and programs are known.
    fn has_known_image(&self) -> bool {
        let image = json::text(self.serving(), "image").unwrap_or_default();
        reference::is_canonical(image) || self.settings.image.as_deref() == Some(image)
    }

    /// A proxy that stands between the kubelet and the server, and that already rewrote what it
    /// found: what is added behind it is not rewritten.
    fn mesh_proxy(&self) -> Option<&'static str> {
        let containers =
            ["containers", "initContainers"].into_iter().filter_map(|key| self.spec()[key].as_array());
        let names: Vec<&str> =
            containers.flatten().filter_map(|container| json::text(container, "name")).collect();
        ["istio-proxy", "linkerd-proxy"].into_iter().find(|proxy| names.contains(proxy))
    }

    /// What keeps the kubelet from asking the server for its health; `None` where nothing does.
    fn unreachable_server(&self) -> Option<String> {
        let Some(launch) = &self.launch else { return Some("the entrypoint was not understood".to_owned()) };
        if launch.headless || launch.api_servers == ApiServers::Fixed(0) {
            return Some("a headless engine answers no HTTP".to_owned());
        }
        if self.opaque {
            return Some("an argument that only the running pod knows may be any flag".to_owned());
        }
        if let Some(proxy) = self.mesh_proxy() {
            return Some(format!("{proxy} came first and would not rewrite a new probe"));
        }
        let additional = if launch.additional_arguments {
            adopt::additional_words(&self.environment())
        } else {
            Some(Vec::new())
        };
        let Some(additional) = additional else {
            return Some("VLLM_ADDITIONAL_ARGS is known only to the running pod".to_owned());
        };
        let words: Vec<&String> = launch.passthrough.iter().chain(&additional).collect();
        let value = |at: usize| {
            words[at].split_once('=').map_or_else(|| words.get(at + 1).map_or("", |w| w.as_str()), |(_, v)| v)
        };
        for (at, word) in words.iter().enumerate() {
            let loopback = flags::names(word, "host") && !["0.0.0.0", "::", "[::]"].contains(&value(at));
            let other =
                ["uds", "ssl-cert-reqs", "grpc", "config"].iter().any(|name| flags::names(word, name));
            let elsewhere = at >= launch.passthrough.len()
                && ["port", "ssl-certfile", "ssl-keyfile", "headless"]
                    .iter()
                    .any(|name| flags::names(word, name));
            if loopback || other || elsewhere {
                return Some(format!("`{}` decides where the server answers", adopt::excerpt(word)));
            }
        }
        None
    }
}

/// Shapes every unit that the settings do not turn off.
pub(crate) fn apply_all(work: &mut Work<'_>) -> Result<(), Collision> {
    for unit in Unit::ALL {
        let enforce = match work.level(unit) {
            Level::Off => continue,
            Level::Enforce => true,
            Level::Default => false,
        };
        match unit {
            Unit::Image => image::apply(work, enforce),
            Unit::Port => port::apply(work, enforce),
            Unit::Environment => environment::apply(work, enforce),
            Unit::Caches => caches::apply(work, enforce)?,
            Unit::SharedMemory => shared_memory::apply(work, enforce)?,
            Unit::SecurityContext => security::apply(work, enforce),
            Unit::Tls => tls::apply(work, enforce)?,
            Unit::Stop => stop::apply(work, enforce),
            Unit::Probes => probes::apply(work, enforce),
            Unit::TerminationMessage => termination::apply(work, enforce),
            Unit::Entrypoint => entrypoint::apply(work)?,
        }
    }
    Ok(())
}
