//! Would a LimitRange of the namespace still let this pod in, and what would it fill in first?
//!
//! Rules: `plugin/pkg/admission/limitranger/admission.go` of Kubernetes 1.36, and `SetDefaults_LimitRangeItem`
//! (`pkg/apis/core/v1/defaults.go`) for what the API server makes of the object itself. The plugin fills in before
//! the webhooks, and once more after them where one changed the pod; it judges at the end.
//!
//! Not modelled: the annotation that says what was filled in, and claims for storage.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde_json::{Value, json};

use crate::effective::{self, Amounts};
use crate::quantity::quantity;
use crate::walk::{is_set, items};
use crate::{api_defaults, effective::amounts};

const CONTAINER: &str = "Container";
const POD: &str = "Pod";

/// The pod with what `range` fills in, or what `range` has against it; each text starts with the field path.
pub fn admit(pod: &Value, range: &LimitRange) -> Result<Value, Vec<String>> {
    let mut pod = pod.clone();
    fill(&mut pod, range);
    let found = violations(&pod, range);
    if found.is_empty() { Ok(pod) } else { Err(found) }
}

/// Fills in the requests and limits that a pod's containers lack, init containers too.
///
/// The decoder was there before: what is limited in the pod itself and not requested is requested already, and
/// `range` has no word in that. What `range` limits is requested as `range` says.
pub fn fill(pod: &mut Value, range: &LimitRange) {
    let Some(spec) = pod["spec"].as_object_mut() else { return };
    api_defaults::requests(spec);
    let mut wanted = BTreeMap::from([("limits", BTreeMap::new()), ("requests", BTreeMap::new())]);
    for item in range_items(range).iter().filter(|item| item.type_ == CONTAINER) {
        // Of several items the last one wins.
        for (list, defaults) in [("limits", &item.default), ("requests", &item.default_request)] {
            let entries = defaults.iter().flatten().map(|(name, amount)| (name.clone(), amount.clone()));
            wanted.entry(list).or_default().extend(entries);
        }
    }
    for containers in ["containers", "initContainers"] {
        let list = spec.get_mut(containers).and_then(Value::as_array_mut);
        for container in list.into_iter().flatten() {
            for (list, defaults) in &wanted {
                for (name, amount) in defaults {
                    let present = &mut container["resources"][list][name];
                    if !is_set(present) {
                        *present = json!(amount.0);
                    }
                }
            }
        }
    }
}

/// What `range` has against a pod in which its defaults are filled in.
fn violations(pod: &Value, range: &LimitRange) -> Vec<String> {
    let mut found = Vec::new();
    for item in range_items(range) {
        match item.type_.as_str() {
            CONTAINER => {
                for list in ["containers", "initContainers"] {
                    for (index, container) in items(&pod["spec"][list]).iter().enumerate() {
                        let [requests, limits] =
                            ["requests", "limits"].map(|list| amounts(&container["resources"][list]));
                        let path = format!("spec.{list}[{index}].resources");
                        found.extend(Judged { path, requests, limits }.violations(&item));
                    }
                }
            }
            POD => {
                let [requests, limits] =
                    ["requests", "limits"].map(|list| effective::for_limit_range(pod, list));
                found.extend(Judged { path: "spec".to_owned(), requests, limits }.violations(&item));
            }
            _ => {}
        }
    }
    found
}

/// One container, or the pod.
struct Judged {
    path: String,
    requests: Amounts,
    limits: Amounts,
}

impl Judged {
    /// Where upstream compares whole units (beyond 2^63 thousandths) or divides floats, this is exact.
    fn violations(&self, item: &LimitRangeItem) -> Vec<String> {
        let Self { path, requests, limits } = self;
        let mut found = Vec::new();
        for (name, least) in bounds(item.min.as_ref()) {
            match (requests.get(name), limits.get(name)) {
                (None, _) => found.push(format!("{path}.requests[{name}]: required, there is a minimum")),
                (Some(request), _) if *request < least => {
                    found.push(format!("{path}.requests[{name}]: is less than the minimum"));
                }
                (_, Some(limit)) if *limit < least => {
                    found.push(format!("{path}.limits[{name}]: is less than the minimum"));
                }
                _ => {}
            }
        }
        for (name, most) in bounds(item.max.as_ref()) {
            match (requests.get(name), limits.get(name)) {
                (_, None) => found.push(format!("{path}.limits[{name}]: required, there is a maximum")),
                (_, Some(limit)) if *limit > most => {
                    found.push(format!("{path}.limits[{name}]: is more than the maximum"));
                }
                (Some(request), _) if *request > most => {
                    found.push(format!("{path}.requests[{name}]: is more than the maximum"));
                }
                _ => {}
            }
        }
        for (name, ratio) in bounds(item.max_limit_request_ratio.as_ref()) {
            let above_zero = |list: &Amounts| list.get(name).copied().filter(|amount| *amount != 0);
            match (above_zero(requests), above_zero(limits)) {
                (None, _) => found.push(format!("{path}.requests[{name}]: required, there is a ratio")),
                (_, None) => found.push(format!("{path}.limits[{name}]: required, there is a ratio")),
                (Some(request), Some(limit)) if limit * 1000 > ratio * request => {
                    found.push(format!("{path}.limits[{name}]: is more than the ratio allows"));
                }
                _ => {}
            }
        }
        found
    }
}

/// A member of an item in thousandths.
fn bounds(list: Option<&BTreeMap<String, Quantity>>) -> impl Iterator<Item = (&String, i128)> {
    list.into_iter().flatten().filter_map(|(name, bound)| Some((name, quantity(&bound.0)?)))
}

/// The items with the defaults that the API server gives them.
fn range_items(range: &LimitRange) -> Vec<LimitRangeItem> {
    let mut all = range.spec.clone().unwrap_or_default().limits;
    for item in all.iter_mut().filter(|item| item.type_ == CONTAINER) {
        let mut limits = item.default.take().unwrap_or_default();
        inherit(&mut limits, item.max.as_ref());
        let mut requests = item.default_request.take().unwrap_or_default();
        inherit(&mut requests, Some(&limits));
        inherit(&mut requests, item.min.as_ref());
        (item.default, item.default_request) = (Some(limits), Some(requests));
    }
    all
}

fn inherit(list: &mut BTreeMap<String, Quantity>, from: Option<&BTreeMap<String, Quantity>>) {
    for (name, amount) in from.into_iter().flatten() {
        list.entry(name.clone()).or_insert_with(|| amount.clone());
    }
}

#[cfg(test)]
mod tests;
