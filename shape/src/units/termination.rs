//! Where a container's last words are read from.

use crate::canonical::Node;
use crate::json;
use crate::unit::Unit;
use crate::work::Work;
use serde_json::Value;

/// What the API server fills in; a pod with this has not said anything.
const DEFAULT_PATH: &str = "/dev/termination-log";
const DEFAULT_POLICY: &str = "File";

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let own =
        |key: &str, default: &str| json::text(work.serving(), key).is_some_and(|value| value != default);
    let said = own("terminationMessagePath", DEFAULT_PATH) || own("terminationMessagePolicy", DEFAULT_POLICY);
    if said && !enforce {
        return;
    }
    for (key, default) in
        [("terminationMessagePath", DEFAULT_PATH), ("terminationMessagePolicy", DEFAULT_POLICY)]
    {
        let Some(wanted) = work.canonical().get(key).and_then(Node::text) else { continue };
        if json::text(work.serving(), key).unwrap_or(default) != wanted {
            work.set(
                Unit::TerminationMessage,
                key,
                Value::from(wanted),
                "the last log lines say why the container ended",
            );
        }
    }
}
