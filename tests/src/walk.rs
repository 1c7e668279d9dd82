//! Reads a pod's JSON the way Go's decoder hands it on: an absent list is empty, an absent text is `""`,
//! and `null` is absent. Shared by the judges (`api_defaults`, `pod_validation`, `limit_range` and the like),
//! and by nothing that they judge.

use serde_json::Value;

/// The elements of a list.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The members of an object.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// A text, or `""`.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether an optional field (a Go pointer) is set.
pub(crate) fn is_set(value: &Value) -> bool {
    !value.is_null()
}

/// Every container with its field path, in the order of the API server's own visitors: init, regular,
/// ephemeral.
pub(crate) fn containers(pod: &Value) -> Vec<(String, &Value)> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| {
            let containers = items(&pod["spec"][list]).iter().enumerate();
            containers.map(move |(index, container)| (format!("spec.{list}[{index}]"), container))
        })
        .collect()
}

/// Sets what a `/`-separated path names and makes the objects on the way; a number is a list index, and the
/// index after the last one appends.
#[cfg(test)]
pub(crate) fn set(pod: &mut Value, path: &str, value: Value) {
    let mut place = pod;
    for step in path.split('/') {
        let index = step.parse::<usize>().ok();
        place = match (index, place) {
            (Some(index), Value::Array(list)) => {
                if index == list.len() {
                    list.push(Value::Null);
                }
                &mut list[index]
            }
            (_, place) => &mut place[step],
        };
    }
    *place = value;
}
