//! Settings from JSON. serde stops at the first problem; this walk finds all of them.

use super::selector::{Expression, Operator, Selector};
use super::{Delivery, Launcher, Mode, Profile, Settings};
use crate::canonical::{SHAPES, Shape};
use crate::json;
use crate::unit::{Level, Unit};
use prefill_core::excerpt::excerpt;
use prefill_core::launch::Parallelism;
use serde_json::{Map, Value};

const KEYS: [&str; 12] = [
    "mode",
    "shape",
    "image",
    "containerName",
    "selector",
    "allowSkip",
    "units",
    "securityProfile",
    "launcher",
    "tls",
    "model",
    "parallelism",
];
const SIZES: [&str; 6] = ["tensor", "pipeline", "data", "dataLocal", "dataRPCPort", "expert"];
const LEVELS: [(&str, Level); 3] =
    [("enforce", Level::Enforce), ("default", Level::Default), ("off", Level::Off)];
const PROFILES: [(&str, Profile); 4] = [
    ("reference", Profile::Reference),
    ("head", Profile::Head),
    ("restricted", Profile::Restricted),
    ("keep", Profile::Keep),
];
const DELIVERIES: [(&str, Delivery); 3] = [
    ("initContainer", Delivery::InitContainer),
    ("image", Delivery::Image),
    ("imageVolume", Delivery::ImageVolume),
];
const PULL_POLICIES: [(&str, &str); 3] =
    [("Always", "Always"), ("IfNotPresent", "IfNotPresent"), ("Never", "Never")];
const OPERATORS: [(&str, Operator); 4] = [
    ("In", Operator::In),
    ("NotIn", Operator::NotIn),
    ("Exists", Operator::Exists),
    ("DoesNotExist", Operator::DoesNotExist),
];

impl Settings {
    /// Reads settings; the error holds every problem.
    pub fn read(value: &Value) -> Result<Self, Vec<String>> {
        let mut walk = Walk::default();
        let mut settings = Self::default();
        if let Some(map) = walk.object("settings", value, &KEYS) {
            fill(&mut walk, map, &mut settings);
        }
        if walk.problems.is_empty() { Ok(settings) } else { Err(walk.problems) }
    }
}

fn fill(walk: &mut Walk, map: &Map<String, Value>, settings: &mut Settings) {
    if let Some(mode) = walk.choice(map, "mode", &[("shape", Mode::Shape), ("report", Mode::Report)]) {
        settings.mode = mode;
    }
    let mut shapes: Vec<(&str, Option<&'static Shape>)> = vec![("auto", None)];
    shapes.extend(SHAPES.iter().map(|shape| (shape.name, Some(shape))));
    settings.shape = walk.choice(map, "shape", &shapes).flatten();
    settings.image = walk.image(map, "image");
    settings.container_name = walk.text(map, "containerName");
    settings.model = walk.text(map, "model");
    if let Some(allow) = walk.boolean(map, "allowSkip") {
        settings.allow_skip = allow;
    }
    settings.security_profile = walk.choice(map, "securityProfile", &PROFILES);
    let units: Vec<&str> = Unit::ALL.iter().map(|unit| unit.setting()).collect();
    if let Some(map) = walk.member(map, "units", &units) {
        for unit in Unit::ALL {
            if let Some(level) = walk.choice(map, unit.setting(), &LEVELS) {
                settings.units.push((unit, level));
            }
        }
        walk.leave();
    }
    if settings.image.is_some() && settings.level(Unit::Image) != Level::Enforce {
        walk.problem(
            "image",
            "has an effect only with `units.image: enforce`; hint: leave it out, or enforce it and give decode the same vLLM",
        );
    }
    if let Some(map) = walk.member(map, "tls", &["secretName"]) {
        settings.tls_secret = walk.text(map, "secretName");
        walk.leave();
    }
    if settings.level(Unit::Tls) == Level::Enforce && settings.tls_secret.is_none() {
        walk.problem("units.tls", "is `enforce` without a Secret; hint: name it in `tls.secretName`");
    }
    if let Some(map) = walk.member(map, "launcher", &["delivery", "image", "imagePullPolicy", "path"]) {
        settings.launcher = launcher(walk, map);
        walk.leave();
    }
    if let Some(map) = walk.member(map, "parallelism", &SIZES) {
        settings.parallelism = parallelism(walk, map);
        walk.leave();
    }
    if let Some(map) = walk.member(map, "selector", &["matchLabels", "matchExpressions"]) {
        settings.selector = Some(selector(walk, map));
        walk.leave();
    }
}

fn launcher(walk: &mut Walk, map: &Map<String, Value>) -> Launcher {
    let delivery = walk.choice(map, "delivery", &DELIVERIES).unwrap_or_default();
    let launcher = Launcher {
        delivery,
        image: walk.image(map, "image"),
        image_pull_policy: walk.choice(map, "imagePullPolicy", &PULL_POLICIES),
        path: walk.text(map, "path"),
    };
    if delivery == Delivery::Image && launcher.image_pull_policy.is_some() {
        walk.problem("imagePullPolicy", "has no effect with `delivery: image`; hint: leave it out");
    }
    match (delivery, &launcher.path, &launcher.image) {
        (Delivery::Image, Some(path), _)
            if !path.ends_with("/prefill-launcher") || !path.starts_with('/') =>
        {
            walk.problem(
                "path",
                &format!(
                    "found `{}`, expected an absolute path that ends in `/prefill-launcher`",
                    excerpt(path)
                ),
            );
        }
        (Delivery::Image, None, _) => {
            walk.problem("path", "missing; hint: say where the serving image holds the launcher");
        }
        (Delivery::Image, _, Some(_)) => {
            walk.problem("image", "has no effect with `delivery: image`; hint: leave it out");
        }
        (Delivery::InitContainer | Delivery::ImageVolume, Some(_), _) => {
            walk.problem("path", "has an effect only with `delivery: image`; hint: leave it out");
        }
        _ => {}
    }
    launcher
}

fn parallelism(walk: &mut Walk, map: &Map<String, Value>) -> Parallelism {
    let size = |walk: &mut Walk, key| {
        walk.number(map, key, 1, u64::from(i32::MAX.unsigned_abs())).and_then(|n| n.try_into().ok())
    };
    Parallelism {
        tensor: size(walk, "tensor"),
        pipeline: size(walk, "pipeline"),
        data: size(walk, "data"),
        data_local: size(walk, "dataLocal"),
        data_rpc_port: walk.number(map, "dataRPCPort", 1, 65535).and_then(|n| n.try_into().ok()),
        expert: walk.boolean(map, "expert").unwrap_or(false),
    }
}

/// Parallelism as an annotation gives it: a JSON object with the settings' words.
pub(crate) fn parallelism_from_annotation(text: &str) -> Result<Parallelism, Vec<String>> {
    let value: Value = serde_json::from_str(text).map_err(|error| vec![format!("not JSON: {error}")])?;
    let mut walk = Walk::default();
    let sizes = walk.object("annotation", &value, &SIZES).map(|map| parallelism(&mut walk, map));
    if walk.problems.is_empty() { Ok(sizes.unwrap_or_default()) } else { Err(walk.problems) }
}

fn selector(walk: &mut Walk, map: &Map<String, Value>) -> Selector {
    let mut selector = Selector::default();
    match map.get("matchLabels") {
        None | Some(Value::Null) => {}
        Some(Value::Object(labels)) => {
            for (key, value) in labels {
                match value.as_str() {
                    Some(value) => selector.labels.push((key.clone(), value.to_owned())),
                    None => {
                        walk.problem(&format!("matchLabels[{}]", excerpt(key)), &found(value, "a string"));
                    }
                }
            }
        }
        Some(other) => walk.problem("matchLabels", &found(other, "an object")),
    }
    match map.get("matchExpressions") {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                selector.expressions.extend(expression(walk, at, item));
            }
        }
        Some(other) => walk.problem("matchExpressions", &found(other, "a list")),
    }
    if selector == Selector::default() {
        walk.problem(
            "",
            "empty, which would match every pod; hint: give `matchLabels` or `matchExpressions`",
        );
    }
    selector
}

fn expression(walk: &mut Walk, at: usize, item: &Value) -> Option<Expression> {
    let map = walk.enter(&format!("matchExpressions[{at}]"), item, &["key", "operator", "values"])?;
    let before = walk.problems.len();
    let key = walk.text(map, "key");
    let operator = walk.choice(map, "operator", &OPERATORS);
    let mut values = Vec::new();
    match map.get("values") {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                match item.as_str() {
                    Some(text) => values.push(text.to_owned()),
                    None => walk.problem(&format!("values[{at}]"), &found(item, "a string")),
                }
            }
        }
        Some(other) => walk.problem("values", &found(other, "a list")),
    }
    if key.is_none() && !map.contains_key("key") {
        walk.problem("key", "missing, expected a label's name");
    }
    match operator {
        None if !map.contains_key("operator") => {
            walk.problem("operator", "missing, expected `In`, `NotIn`, `Exists` or `DoesNotExist`");
        }
        Some(Operator::In | Operator::NotIn) if values.is_empty() => {
            walk.problem("values", "empty, expected at least one value for `In` and `NotIn`");
        }
        Some(Operator::Exists | Operator::DoesNotExist) if !values.is_empty() => {
            walk.problem("values", "given, expected none for `Exists` and `DoesNotExist`");
        }
        _ => {}
    }
    let sound = walk.problems.len() == before;
    walk.leave();
    if sound { Some(Expression { key: key?, operator: operator?, values }) } else { None }
}

fn found(value: &Value, expected: &str) -> String {
    let shown = match value {
        // Blanks are what is wrong with a text of blanks.
        Value::String(text) if text.trim().is_empty() => format!("`\"{text}\"`"),
        Value::String(text) => format!("`\"{}\"`", excerpt(text)),
        Value::Number(_) | Value::Bool(_) => format!("`{value}`"),
        _ => json::kind(value).to_owned(),
    };
    format!("found {shown}, expected {expected}")
}

/// Where the walk is, and what it has found so far.
#[derive(Default)]
struct Walk {
    path: Vec<String>,
    problems: Vec<String>,
}

impl Walk {
    fn problem(&mut self, key: &str, text: &str) {
        let mut path = self.path.join(".");
        if !key.is_empty() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
        }
        self.problems.push(format!("{path}: {text}"));
    }

    /// The object `value`, its unknown keys reported.
    fn object<'a>(&mut self, name: &str, value: &'a Value, keys: &[&str]) -> Option<&'a Map<String, Value>> {
        let map = match value {
            Value::Null => return None,
            Value::Object(map) => map,
            other => {
                self.problem(name, &found(other, "an object"));
                return None;
            }
        };
        for key in map.keys().filter(|key| !keys.contains(&key.as_str())) {
            self.problem(&excerpt(key), &format!("unknown, expected one of {}", listed(keys)));
        }
        Some(map)
    }

    /// The object below `key`; the walk is in it until [`Self::leave`].
    fn member<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        key: &str,
        keys: &[&str],
    ) -> Option<&'a Map<String, Value>> {
        let value = map.get(key).filter(|value| !value.is_null())?;
        self.enter(key, value, keys)
    }

    fn enter<'a>(&mut self, name: &str, value: &'a Value, keys: &[&str]) -> Option<&'a Map<String, Value>> {
        if !value.is_object() {
            self.problem(name, &found(value, "an object"));
            return None;
        }
        self.path.push(name.to_owned());
        self.object(name, value, keys)
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn choice<T: Copy>(&mut self, map: &Map<String, Value>, key: &str, allowed: &[(&str, T)]) -> Option<T> {
        let value = map.get(key)?;
        let choice = value.as_str().and_then(|text| allowed.iter().find(|(name, _)| *name == text));
        if choice.is_none() {
            let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
            self.problem(key, &found(value, &format!("one of {}", listed(&names))));
        }
        choice.map(|(_, choice)| *choice)
    }

    fn text(&mut self, map: &Map<String, Value>, key: &str) -> Option<String> {
        let value = map.get(key)?;
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.problem(key, &found(value, "a string that is not empty"));
        }
        text.map(str::to_owned)
    }

    /// An image reference, as far as a pod would be refused or never start for it.
    fn image(&mut self, map: &Map<String, Value>, key: &str) -> Option<String> {
        let text = self.text(map, key)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        if !text.chars().all(allowed) || !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            self.problem(
                key,
                &format!(
                    "found `{}`, expected an image reference such as `registry/name:tag`",
                    excerpt(&text)
                ),
            );
        }
        Some(text)
    }

    fn boolean(&mut self, map: &Map<String, Value>, key: &str) -> Option<bool> {
        let value = map.get(key)?;
        if !value.is_boolean() {
            self.problem(key, &found(value, "`true` or `false`"));
        }
        value.as_bool()
    }

    fn number(&mut self, map: &Map<String, Value>, key: &str, least: u64, most: u64) -> Option<u64> {
        let value = map.get(key)?;
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.problem(key, &found(value, &format!("a whole number from {least} to {most}")));
        }
        number
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
