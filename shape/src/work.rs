//! One pod on its way into the canonical shape: what is known of it, and the ways to change it, each of
//! which says why.

use crate::adopt::{Adopted, Source};
use crate::canonical::{Node, Shape};
use crate::environment::Environment;
use crate::reason::{Fate, Reason};
use crate::role::Role;
use crate::settings::Settings;
use crate::unit::{Level, Unit};
use crate::verdict::{Change, Report};
use crate::{json, paths};
use prefill_core::launch::Launch;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// One pod on its way into the canonical shape.
pub(crate) struct Work<'a> {
    pub(crate) pod: &'a mut Value,
    pub(crate) container: usize,
    pub(crate) role: Role,
    pub(crate) settings: &'a Settings,
    pub(crate) shape: &'static Shape,
    /// What the entrypoint says.
    pub(crate) launch: Launch,
    pub(crate) source: Source,
    /// Whether an argument that only the running pod knows may be any flag.
    pub(crate) opaque: bool,
    /// Every absolute path that the pod names.
    pub(crate) named_paths: Vec<String>,
    /// Why the launcher cannot come into the pod.
    pub(crate) undeliverable: Option<String>,
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
            undeliverable: None,
            report: Report::new(role),
        }
    }

    /// What a message may show of a text of the pod's.
    pub(crate) fn quoted(&self, text: &str) -> String {
        crate::secrets::quoted(self.pod, self.container, text)
    }

    pub(crate) fn level(&self, unit: Unit) -> Level {
        self.settings.level(unit)
    }

    pub(crate) fn serving(&self) -> &Value {
        &self.pod["spec"]["containers"][self.container]
    }

    /// The serving container. `pod::readable` has seen that it is an object.
    pub(crate) fn serving_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.pod.get_mut("spec")?.get_mut("containers")?.get_mut(self.container)?.as_object_mut()
    }

    pub(crate) fn spec(&self) -> &Value {
        &self.pod["spec"]
    }

    pub(crate) fn spec_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.pod.get_mut("spec")?.as_object_mut()
    }

    /// The container of the canonical shape.
    pub(crate) fn canonical(&self) -> &'static Node {
        self.shape.container(self.role)
    }

    pub(crate) fn environment(&self) -> Environment<'_> {
        Environment::new(self.pod, self.container)
    }

    /// Whether the settings want the launcher as entrypoint.
    pub(crate) fn wants_entrypoint(&self) -> bool {
        match self.level(Unit::Entrypoint) {
            Level::Enforce => true,
            Level::Default => !crate::pod::has_entrypoint(self.pod, self.container),
            Level::Off => false,
        }
    }

    /// Whether the entrypoint will be the launcher, so that arguments can be added.
    pub(crate) fn writes_entrypoint(&self) -> bool {
        self.undeliverable.is_none() && self.wants_entrypoint()
    }

    /// Notes that an administrator asked for a unit that rests on llm-d-cuda, and this is another image.
    pub(crate) fn not_for_this_image(&mut self, unit: Unit, enforce: bool) {
        if enforce && self.shape.release.is_none() {
            self.code(unit, Fate::Withheld, Some("the image is not llm-d-cuda"));
        }
    }

    /// Sets a member of the serving container and says why.
    pub(crate) fn set(&mut self, unit: Unit, key: &str, value: Value, why: impl Into<Cow<'static, str>>) {
        let path = format!("/spec/containers/{}/{key}", self.container);
        if let Some(serving) = self.serving_mut() {
            serving.insert(key.to_owned(), value);
            self.changed(unit, path, why);
        }
    }

    /// Appends to a list of the serving container and says why.
    pub(crate) fn append(&mut self, unit: Unit, key: &str, value: Value, why: impl Into<Cow<'static, str>>) {
        let container = self.container;
        if let Some(list) = self.serving_mut().and_then(|serving| json::list(serving, key)) {
            let path = format!("/spec/containers/{container}/{key}/{}", list.len());
            list.push(value);
            self.changed(unit, path, why);
        }
    }

    /// Appends to a list of the pod's spec and says why.
    pub(crate) fn append_to_spec(
        &mut self,
        unit: Unit,
        key: &str,
        value: Value,
        why: impl Into<Cow<'static, str>>,
    ) {
        if let Some(list) = self.spec_mut().and_then(|spec| json::list(spec, key)) {
            let path = format!("/spec/{key}/{}", list.len());
            list.push(value);
            self.changed(unit, path, why);
        }
    }

    /// Appends a volume of the shape and its mount.
    pub(crate) fn mount(&mut self, unit: Unit, volume: Value, mount: &Node, why: &'static str) {
        self.append_to_spec(unit, "volumes", volume, why);
        self.append(unit, "volumeMounts", mount.value(), why);
    }

    pub(crate) fn changed(&mut self, unit: Unit, path: String, why: impl Into<Cow<'static, str>>) {
        self.report.changes.push(Change { path, unit, why: why.into() });
    }

    /// Notes `unit-fate (detail)` in the verdict.
    pub(crate) fn code(&mut self, unit: Unit, fate: Fate, detail: Option<&str>) {
        self.report.code(Reason::Unit(unit, fate), detail);
    }

    /// The volume of the pod called `name`.
    pub(crate) fn volume(&self, name: &str) -> Option<&Value> {
        json::item(self.spec()["volumes"].as_array()?, "name", name)
    }

    /// A proxy that stands between the kubelet and the server, and that already rewrote what it
    /// found: what is added behind it is not rewritten.
    pub(crate) fn mesh_proxy(&self) -> Option<&'static str> {
        let containers =
            ["containers", "initContainers"].into_iter().filter_map(|key| self.spec()[key].as_array());
        let names: Vec<&str> =
            containers.flatten().filter_map(|container| json::text(container, "name")).collect();
        ["istio-proxy", "linkerd-proxy"].into_iter().find(|proxy| names.contains(proxy))
    }

    /// Sets a variable in place, or appends it; nothing where it has that value already.
    pub(crate) fn set_variable(&mut self, unit: Unit, name: &str, value: &str, why: &'static str) {
        let entry = serde_json::json!({ "name": name, "value": value });
        let env = self.serving()["env"].as_array().map_or(&[][..], Vec::as_slice);
        // Of several entries the last counts.
        match env.iter().rposition(|item| json::text(item, "name") == Some(name)) {
            Some(at) if env[at] == entry => {}
            Some(at) => {
                let path = format!("/spec/containers/{}/env/{at}", self.container);
                let slot = self.serving_mut().and_then(|serving| serving.get_mut("env"));
                if let Some(slot) = slot.and_then(|env| env.get_mut(at)) {
                    *slot = entry;
                    self.changed(unit, path, why);
                }
            }
            None => self.append(unit, "env", entry, why),
        }
    }
}

/// The kind of a volume, for messages.
pub(crate) fn source(volume: &Value) -> String {
    let keys =
        volume.as_object().map(|map| map.keys().filter(|key| *key != "name").cloned().collect::<Vec<_>>());
    keys.unwrap_or_default().join(", ")
}
