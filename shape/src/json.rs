//! Small steps through raw JSON. [`crate::pod::readable`] has checked the types on the way.

use serde_json::{Map, Value};

/// The object below `key`, made where it is missing or null.
pub(crate) fn object<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    let value = entry(map, key);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// The list below `key`, made where it is missing or null.
pub(crate) fn list<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Vec<Value>> {
    let value = entry(map, key);
    if value.is_null() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut()
}

fn entry<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Value {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), Value::Null);
    }
    // Present: it was put there a line ago.
    &mut map[key]
}

/// The items below `key`; none where it is missing or null.
pub(crate) fn items<'a>(map: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    map.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text below `key`.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Whether `key` is missing, null, or an empty object or list.
pub(crate) fn is_empty(map: &Map<String, Value>, key: &str) -> bool {
    match map.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}

/// The item of `items` whose `key` is `name`: Kubernetes' merge key.
pub(crate) fn item<'a>(items: &'a [Value], key: &str, name: &str) -> Option<&'a Value> {
    items.iter().find(|item| text(item, key) == Some(name))
}

/// The name of a value's JSON type, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
