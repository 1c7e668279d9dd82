//! The secrets whose values stand in the pod itself. The kubelet and bash put them where no name is left, so that a
//! message cannot know them by their names.

#[cfg(test)]
mod properties;

use crate::json;
use prefill_core::excerpt::excerpt;
use prefill_core::secrets::Values;
use serde_json::Value;

/// Those of the serving container.
fn of(pod: &Value, container: usize) -> Values {
    let container = &pod["spec"]["containers"][container];
    let list = |key: &str| container[key].as_array().map_or(&[][..], Vec::as_slice);
    let variables =
        list("env").iter().filter_map(|item| Some((json::text(item, "name")?, json::text(item, "value")?)));
    let words = ["command", "args"].into_iter().flat_map(list).filter_map(Value::as_str);
    Values::of(variables, words)
}

/// `message` without them.
pub(crate) fn masked(pod: &Value, container: usize, message: &str) -> String {
    of(pod, container).mask(message).into_owned()
}

/// A quotation of `text` without them.
pub(crate) fn quoted(pod: &Value, container: usize, text: &str) -> String {
    masked(pod, container, &excerpt(text))
}
