//! The pod as a whole: can it be read, and its annotations.

use crate::json;
use prefill_core::excerpt::excerpt;
use serde_json::{Map, Value};

/// Checks the types of all that later code reads, so that no later step can meet a surprise.
/// The problem names where, what was found and what is expected.
pub(crate) fn readable(pod: &Value) -> Result<(), String> {
    let pod = object(pod, "pod")?;
    if let Some(metadata) = optional(pod, "metadata") {
        let metadata = object(metadata, "metadata")?;
        for key in ["labels", "annotations"] {
            if let Some(map) = optional(metadata, key) {
                let path = format!("metadata.{key}");
                for (name, value) in object(map, &path)? {
                    string(value, || format!("{path}[{}]", excerpt(name)))?;
                }
            }
        }
    }
    let spec = object(pod.get("spec").unwrap_or(&Value::Null), "spec")?;
    for key in ["containers", "initContainers", "volumes"] {
        named_list(spec, key, || format!("spec.{key}"), "name")?;
    }
    if json::is_empty(spec, "containers") {
        return Err("spec.containers: empty, expected at least one container".to_owned());
    }
    objects(spec, &["securityContext", "resources", "os"], || "spec".to_owned())?;
    for (at, container) in json::items(spec, "containers").iter().enumerate() {
        if let Some(container) = container.as_object() {
            readable_container(container, &|| format!("spec.containers[{at}]"))?;
        }
    }
    Ok(())
}

fn readable_container(container: &Map<String, Value>, path: &dyn Fn() -> String) -> Result<(), String> {
    for key in ["command", "args"] {
        for (at, word) in list(container, key, || format!("{}.{key}", path()))?.iter().enumerate() {
            string(word, || format!("{}.{key}[{at}]", path()))?;
        }
    }
    named_list(container, "env", || format!("{}.env", path()), "name")?;
    named_list(container, "volumeMounts", || format!("{}.volumeMounts", path()), "mountPath")?;
    for key in ["ports", "envFrom"] {
        for (at, item) in list(container, key, || format!("{}.{key}", path()))?.iter().enumerate() {
            object(item, &format!("{}.{key}[{at}]", path()))?;
        }
    }
    let objects_of_container =
        ["securityContext", "resources", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];
    objects(container, &objects_of_container, path)
}

fn optional<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.get(key).filter(|value| !value.is_null())
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{path}: found {}, expected an object", json::kind(value)))
}

fn objects(map: &Map<String, Value>, keys: &[&str], path: impl Fn() -> String) -> Result<(), String> {
    keys.iter().filter_map(|key| optional(map, key).map(|value| (key, value))).try_for_each(|(key, value)| {
        if value.is_object() { Ok(()) } else { object(value, &format!("{}.{key}", path())).map(|_| ()) }
    })
}

fn string(value: &Value, path: impl Fn() -> String) -> Result<(), String> {
    if value.is_string() {
        return Ok(());
    }
    Err(format!("{}: found {}, expected a string", path(), json::kind(value)))
}

fn list<'a>(
    map: &'a Map<String, Value>,
    key: &str,
    path: impl Fn() -> String,
) -> Result<&'a [Value], String> {
    match optional(map, key) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(format!("{}: found {}, expected a list", path(), json::kind(other))),
    }
}

fn named_list(
    map: &Map<String, Value>,
    key: &str,
    path: impl Fn() -> String,
    name: &str,
) -> Result<(), String> {
    for (at, item) in list(map, key, &path)?.iter().enumerate() {
        if json::text(item, name).is_none() {
            let item_path = format!("{}[{at}]", path());
            let item = object(item, &item_path)?;
            string(item.get(name).unwrap_or(&Value::Null), || format!("{item_path}.{name}"))?;
        }
    }
    Ok(())
}

/// The annotation called `name`.
pub(crate) fn annotation<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    pod.get("metadata")?.get("annotations").and_then(|annotations| json::text(annotations, name))
}

/// Sets an annotation.
pub(crate) fn annotate(pod: &mut Value, name: &str, value: &str) {
    let annotations = pod
        .as_object_mut()
        .and_then(|pod| json::object(pod, "metadata"))
        .and_then(|metadata| json::object(metadata, "annotations"));
    if let Some(annotations) = annotations {
        annotations.insert(name.to_owned(), Value::String(value.to_owned()));
    }
}

/// Bytes of all annotations of an object, names and values, that the API server takes
/// (`TotalAnnotationSizeLimitB`, k8s.io/apimachinery pkg/api/validation/objectmeta.go).
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Whether the annotation `name` with this value would be one too much for the API server.
pub(crate) fn is_too_much(pod: &Value, name: &str, value: &str) -> bool {
    let annotations = pod["metadata"]["annotations"].as_object();
    let others = annotations.into_iter().flatten().filter(|(other, _)| *other != name);
    let size = |value: &Value| value.as_str().map_or(0, str::len);
    let held: usize = others.map(|(name, value)| name.len() + size(value)).sum();
    held + name.len() + value.len() > ANNOTATIONS_LIMIT
}

/// Whether the container says itself what it runs.
pub(crate) fn has_entrypoint(pod: &Value, container: usize) -> bool {
    let container = pod["spec"]["containers"][container].as_object();
    container.is_some_and(|c| !json::is_empty(c, "command") || !json::is_empty(c, "args"))
}
