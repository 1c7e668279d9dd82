//! The serving container's environment, as far as admission can know it.

use crate::json;
use prefill_core::environment::{LWS_GROUP_SIZE, LWS_LEADER_ADDRESS, LWS_WORKER_INDEX};
use serde_json::Value;
use std::borrow::Cow;

/// Stands in expanded text for a value that only the running pod knows. No pod holds this byte.
pub(crate) const MARK: char = '\u{1}';
/// `LWS_LEADER_ADDRESS` in expanded text.
pub(crate) const LEADER_ADDRESS_MARK: &str = "\u{1}LWS_LEADER_ADDRESS\u{1}";
/// `LWS_WORKER_INDEX` in expanded text.
pub(crate) const WORKER_INDEX_MARK: &str = "\u{1}LWS_WORKER_INDEX\u{1}";

/// Annotation in which LeaderWorkerSet keeps the size of the group, leader included.
const LWS_SIZE: &str = "leaderworkerset.sigs.k8s.io/size";

/// What is known about one variable.
pub(crate) enum Known<'a> {
    /// This value.
    Value(Cow<'a, str>),
    /// It has a value that only the running pod knows.
    Later,
    /// The pod does not define it.
    Missing,
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
            None if self.open => Known::Later,
            None => Known::Missing,
            Some(item) if item.get("valueFrom").is_some_and(|from| !from.is_null()) => Known::Later,
            Some(item) => match json::text(item, "value").unwrap_or_default() {
                value if value.contains("$(") || value.contains(MARK) => Known::Later,
                value => Known::Value(Cow::Borrowed(value)),
            },
        }
    }

    /// Whether the pod has an entry called `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        json::item(self.items, "name", name).is_some()
    }
}
