//! How the pod stops: `preStop`, grace period and vLLM's shutdown timeout go together. No time
//! that the pod sets is shortened.

use crate::canonical::Node;
use crate::json;
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::Work;
use serde_json::Value;

/// What the API server fills in; a pod with this has not said anything.
const DEFAULT_GRACE: i64 = 30;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let shape = work.shape.pod(work.role);
    let Some(Node::Number(canonical)) = shape.get("terminationGracePeriodSeconds") else {
        return work.not_for_this_image(Unit::Stop, enforce);
    };
    let Some(pre_stop) = work.canonical().at(&["lifecycle", "preStop"]) else {
        // This release stops without one, in the time that the API server gives anyway.
        return;
    };
    let grace = work.spec()["terminationGracePeriodSeconds"].as_i64().unwrap_or(DEFAULT_GRACE);
    let own_hook = work.serving()["lifecycle"].get("preStop").is_some_and(|hook| !hook.is_null());
    let own_timeout = work.launch.shutdown_timeout.is_some();
    if !enforce && (own_hook || own_timeout || grace != DEFAULT_GRACE) {
        return;
    }
    if !work.writes_entrypoint() {
        let why = "the entrypoint, and with it vLLM's timeout, is the pod's own";
        return work.code(Unit::Stop, Fate::Withheld, Some(why));
    }
    if !own_hook {
        let lifecycle_path = format!("/spec/containers/{}/lifecycle/preStop", work.container);
        if let Some(lifecycle) = work.serving_mut().and_then(|serving| json::object(serving, "lifecycle")) {
            lifecycle.insert("preStop".to_owned(), pre_stop.value());
            work.changed(
                Unit::Stop,
                lifecycle_path,
                "endpoints forget the pod before vLLM stops taking requests",
            );
        }
    }
    let longer = grace.max(*canonical);
    if longer != grace
        && let Some(spec) = work.spec_mut()
    {
        spec.insert("terminationGracePeriodSeconds".to_owned(), Value::from(longer));
        let path = "/spec/terminationGracePeriodSeconds".to_owned();
        work.changed(Unit::Stop, path, "running requests get time to end");
    }
    if work.writes_entrypoint() && !own_timeout && !own_hook {
        let timeout = shutdown_timeout(longer, slept(pre_stop));
        work.launch.shutdown_timeout = Some(timeout);
    }
}

/// The seconds that the shape's hook sleeps.
fn slept(pre_stop: &Node) -> i64 {
    let command = pre_stop.get("exec").and_then(|exec| exec.get("command")).map_or(&[][..], Node::items);
    command.last().and_then(Node::text).and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}

/// What is left of the grace period behind the hook, less five seconds for the end itself, as
/// KServe computes it.
fn shutdown_timeout(grace: i64, slept: i64) -> u32 {
    u32::try_from(grace - slept - grace.min(5)).unwrap_or(0)
}
