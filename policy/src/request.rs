//! The admission request, read in two steps: first what decides whether the pod is ours, passing
//! over everything else; then, for a prefill pod alone, the pod.

use serde::Deserialize;
use serde_json::Value;

/// What decides whether a request concerns this policy.
#[derive(Deserialize)]
pub(crate) struct Outline {
    #[serde(default)]
    pub(crate) settings: Value,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    operation: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    object: Option<Object>,
}

#[derive(Default, Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    labels: Value,
}

impl Outline {
    pub(crate) fn read(payload: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(payload).map_err(|error| error.to_string())
    }

    /// Only the creation of a Pod itself is looked at.
    pub(crate) fn creates_a_pod(&self) -> bool {
        let request = &self.request;
        request.operation == "CREATE"
            && request.kind.kind == "Pod"
            && request.kind.group.is_empty()
            && request.sub_resource.as_deref().unwrap_or_default().is_empty()
            && request.object.is_some()
    }

    /// The pod's label called `name`.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.request.object.as_ref()?.metadata.as_ref()?.labels.get(name)?.as_str()
    }
}

/// The pod itself.
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
