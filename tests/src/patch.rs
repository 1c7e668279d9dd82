//! The patch that the API server gets to see.

use serde_json::Value;

/// The JSON patch that policy-server makes of a mutation, with the crate that it makes it with.
///
/// `None` when the policy returned the object as it came: policy-server then sends no patch at all.
pub fn admission_patch(before: &Value, after: &Value) -> Option<json_patch::Patch> {
    let patch = json_patch::diff(before, after);
    (!patch.is_empty()).then_some(patch)
}
