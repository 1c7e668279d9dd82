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

use crate::adopt::Adopted;
use crate::canonical::{Node, Shape};
use crate::environment::Environment;
use crate::recognise::Role;
use crate::settings::{Level, Settings};
use crate::verdict::{Change, Report, Unit};
use crate::{json, paths};
use prefill_core::launch::Launch;
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
    /// What the entrypoint says.
    launch: Launch,
    source: &'static str,
    /// Whether an argument that only the running pod knows may be any flag.
    opaque: bool,
    /// Every absolute path that the pod names.
    named_paths: Vec<String>,
    /// Why the launcher cannot come into the pod.
    undeliverable: Option<String>,
    pub(crate) report: Report,
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        pod: &'a mut Value,
        container: usize,
        role: Role,
        settings: &'a Settings,
        adopted: Adopted,
    ) -> Self {
        let serving = &pod["spec"]["containers"][container];
        let shape = Shape::of(json::text(serving, "image").unwrap_or_default(), settings.shape);
        let Adopted { launch, source, opaque } = adopted;
        let named_paths = paths::named(serving, &launch);
        let mut work = Self {
            pod,
            container,
            role,
            settings,
            shape,
            launch,
            source,
            opaque,
            named_paths,
            undeliverable: None,
            report: Report::new(role),
        };
        work.undeliverable = delivery::obstacle(&work);
        work
    }

    /// What a message may show of a text of the pod's.
    fn quoted(&self, text: &str) -> String {
        crate::secrets::quoted(self.pod, self.container, text)
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

    /// Whether the settings want the launcher as entrypoint.
    fn wants_entrypoint(&self) -> bool {
        match self.level(Unit::Entrypoint) {
            Level::Enforce => true,
            Level::Default => !crate::pod::has_entrypoint(self.pod, self.container),
            Level::Off => false,
        }
    }

    /// Whether the entrypoint will be the launcher, so that arguments can be added.
    fn writes_entrypoint(&self) -> bool {
        self.undeliverable.is_none() && self.wants_entrypoint()
    }

    /// Notes that an administrator asked for a unit that rests on llm-d-cuda, and this is another image.
    fn not_for_this_image(&mut self, unit: Unit, enforce: bool) {
        if enforce && self.shape.release.is_none() {
            self.code(unit, "withheld", Some("the image is not llm-d-cuda"));
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

    /// A proxy that stands between the kubelet and the server, and that already rewrote what it
    /// found: what is added behind it is not rewritten.
    fn mesh_proxy(&self) -> Option<&'static str> {
        let containers =
            ["containers", "initContainers"].into_iter().filter_map(|key| self.spec()[key].as_array());
        let names: Vec<&str> =
            containers.flatten().filter_map(|container| json::text(container, "name")).collect();
        ["istio-proxy", "linkerd-proxy"].into_iter().find(|proxy| names.contains(proxy))
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
            Unit::Entrypoint => entrypoint::apply(work),
        }
    }
    Ok(())
}
