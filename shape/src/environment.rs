//! The serving container's environment, as far as admission can know it.

use crate::annotations::LWS_SIZE;
use crate::json;
use prefill_core::environment::{LWS_GROUP_SIZE, LWS_LEADER_ADDRESS, LWS_WORKER_INDEX, VLLM_ADDITIONAL_ARGS};
use prefill_core::kubelet;
use serde_json::Value;
use std::borrow::Cow;

/// Stands in expanded text for a value that only the running pod knows. No pod holds this byte.
pub(crate) const MARK: char = '\u{1}';
/// `LWS_LEADER_ADDRESS` in expanded text.
pub(crate) const LEADER_ADDRESS_MARK: &str = "\u{1}LWS_LEADER_ADDRESS\u{1}";
/// `LWS_WORKER_INDEX` in expanded text.
pub(crate) const WORKER_INDEX_MARK: &str = "\u{1}LWS_WORKER_INDEX\u{1}";
/// The rank 0 that KServe's script gives its leader, in expanded text.
pub(crate) const LEADER_RANK_MARK: &str = "\u{1}START_RANK\u{1}";

/// A value that only the running pod knows, in expanded text.
const LATER_MARK: &str = "\u{1}LATER\u{1}";

/// Variables that say where home or caches are. `HF_HOME` counts as `HF_HUB_CACHE`: the cache is
/// below it. The last three are read by older or other libraries for the same purpose.
const VARIABLES: [&str; 6] =
    ["HOME", "HF_HUB_CACHE", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE", "XDG_CACHE_HOME"];

/// Whether variable `name` says where home or caches are.
pub(crate) fn says_where_caches_are(name: &str) -> bool {
    VARIABLES.contains(&name)
}

/// What is known about one variable.
pub(crate) enum Known<'a> {
    /// This value.
    Value(Cow<'a, str>),
    /// It has a value that only the running pod knows.
    Later,
    /// The pod does not define it.
    Missing,
}

/// What is known about `VLLM_ADDITIONAL_ARGS`.
pub(crate) enum Additional<'a> {
    /// The pod does not define it.
    None,
    /// `envFrom` may define it.
    Perhaps,
    /// It has a value that only the running pod knows.
    Later,
    /// This text.
    Text(Cow<'a, str>),
}

/// Whether `name` is one that the kubelet makes up for a Service, unknown at admission.
fn is_service_link(name: &str) -> bool {
    let variable = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    variable
        && (name.ends_with("_SERVICE_HOST")
            || name.contains("_SERVICE_PORT")
            || name.ends_with("_PORT")
            || name.contains("_PORT_"))
}

/// The environment of one container.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    pod: &'a Value,
    items: &'a [Value],
    /// Whether `ConfigMaps` or Secrets may define any name.
    pub(crate) open: bool,
}

impl<'a> Environment<'a> {
    pub(crate) fn new(pod: &'a Value, container: usize) -> Self {
        let container = &pod["spec"]["containers"][container];
        let items = container["env"].as_array().map_or(&[][..], Vec::as_slice);
        let open = container["envFrom"].as_array().is_some_and(|from| !from.is_empty());
        Self { pod, items, open }
    }

    /// What is known about `name`. The last of several entries counts, as for the kubelet.
    pub(crate) fn get(&self, name: &str) -> Known<'a> {
        match name {
            // LeaderWorkerSet's webhook may run before or after: the answer must be the same.
            LWS_LEADER_ADDRESS => return Known::Value(Cow::Borrowed(LEADER_ADDRESS_MARK)),
            LWS_WORKER_INDEX => return Known::Value(Cow::Borrowed(WORKER_INDEX_MARK)),
            LWS_GROUP_SIZE => {
                if let Some(size) = crate::pod::annotation(self.pod, LWS_SIZE) {
                    return Known::Value(Cow::Borrowed(size));
                }
            }
            _ => {}
        }
        match self.items.iter().rev().find(|item| json::text(item, "name") == Some(name)) {
            None if self.open || is_service_link(name) => Known::Later,
            None => Known::Missing,
            Some(item) if item.get("valueFrom").is_some_and(|from| !from.is_null()) => Known::Later,
            Some(item) => match json::text(item, "value").unwrap_or_default() {
                value if value.contains("$(") || value.contains(MARK) => Known::Later,
                // `$$` is the kubelet's way to write `$`.
                value => Known::Value(kubelet::expand(value, |_| None)),
            },
        }
    }

    /// What is known about `VLLM_ADDITIONAL_ARGS`. References in it that only the running pod knows
    /// are words like any other.
    pub(crate) fn additional_arguments(&self) -> Additional<'a> {
        let item =
            self.items.iter().rev().find(|item| json::text(item, "name") == Some(VLLM_ADDITIONAL_ARGS));
        match item {
            None if self.open => Additional::Perhaps,
            None => Additional::None,
            Some(item) if item.get("valueFrom").is_some_and(|from| !from.is_null()) => Additional::Later,
            Some(item) => {
                Additional::Text(kubelet::expand(json::text(item, "value").unwrap_or_default(), |name| {
                    match self.get(name) {
                        Known::Value(value) => Some(value),
                        Known::Later => Some(Cow::Borrowed(LATER_MARK)),
                        Known::Missing => None,
                    }
                }))
            }
        }
    }

    /// A variable that makes a non-interactive bash do more than its script says.
    pub(crate) fn changes_bash(&self) -> Option<&'a str> {
        let changes = |name: &&str| {
            ["BASH_ENV", "SHELLOPTS", "BASHOPTS"].contains(name) || name.starts_with("BASH_FUNC_")
        };
        self.names().find(changes)
    }

    /// The names of all entries.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.items.iter().filter_map(|item| json::text(item, "name"))
    }

    /// Whether the pod has an entry called `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        json::item(self.items, "name", name).is_some()
    }
}
