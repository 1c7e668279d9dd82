//! The admission request, read in one pass. The pod's spec, which is nearly all of it, is passed
//! over where the labels before it already say that the pod is not ours.

use prefill_shape::recognise;
use prefill_shape::settings::Settings;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// What the policy server hands over.
#[derive(Deserialize)]
pub(crate) struct Payload {
    #[serde(default)]
    pub(crate) settings: Value,
    pub(crate) request: Request,
}

/// What of an admission request is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    #[serde(default)]
    operation: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    pub(crate) object: Option<Object>,
}

#[derive(Default, Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    kind: String,
}

impl Request {
    /// Only the creation of a Pod itself is looked at.
    pub(crate) fn creates_a_pod(&self) -> bool {
        self.operation == "CREATE"
            && self.kind.kind == "Pod"
            && self.kind.group.is_empty()
            && self.sub_resource.as_deref().unwrap_or_default().is_empty()
    }
}

/// The object of a request.
pub(crate) struct Object {
    /// Its members.
    pub(crate) value: Value,
    /// Whether its spec was passed over.
    pub(crate) is_outline: bool,
}

/// The label of `object` called `name`.
pub(crate) fn label<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(name)?.as_str()
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Object, A::Error> {
        let mut value = Value::Object(Map::new());
        let mut is_outline = false;
        while let Some(key) = members.next_key::<String>()? {
            if key == "spec" && value.get("metadata").is_some() {
                // Settings come behind the request, and may select more pods: then it is read again.
                if recognise::role(|name| label(&value, name), &Settings::default()).is_none() {
                    members.next_value::<IgnoredAny>()?;
                    is_outline = true;
                    continue;
                }
            }
            value[key] = members.next_value()?;
        }
        Ok(Object { value, is_outline })
    }
}

/// The object in full.
pub(crate) fn object(payload: &[u8]) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Payload {
        request: Request,
    }
    #[derive(Deserialize)]
    struct Request {
        object: Value,
    }
    serde_json::from_slice::<Payload>(payload)
        .map(|payload| payload.request.object)
        .map_err(|error| error.to_string())
}
