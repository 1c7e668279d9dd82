//! The container's port. One value drives flag, port and probes: the pod's own, else 8000.

use super::Work;
use crate::json;
use crate::verdict::Unit;
use prefill_core::flags;
use serde_json::{Value, json};

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let Some(launch) = &work.launch else { return };
    let port = launch.port;
    let ports = work.serving().as_object().map_or(&[][..], |serving| json::items(serving, "ports"));
    let listed = |wanted: &Value| {
        wanted["containerPort"].as_u64() == Some(u64::from(port))
            && json::text(wanted, "protocol").unwrap_or("TCP") == "TCP"
    };
    if ports.iter().any(listed) || (!enforce && !ports.is_empty()) {
        return;
    }
    if work.opaque {
        return work.code(
            Unit::Port,
            "withheld",
            Some("an argument that only the running pod knows may name another"),
        );
    }
    if launch.additional_arguments {
        let additional = crate::adopt::additional_words(&work.environment());
        if additional.is_none_or(|words| words.iter().any(|word| flags::names(word, "port"))) {
            return work.code(Unit::Port, "withheld", Some("VLLM_ADDITIONAL_ARGS may name another"));
        }
    }
    // There, a listed port is a port of the node: a second such pod would find no node.
    if work.spec()["hostNetwork"] == true {
        return work.code(
            Unit::Port,
            "withheld",
            Some("hostNetwork makes a container port a port of the node"),
        );
    }
    let why = format!("vLLM serves on {port}");
    work.append(Unit::Port, "ports", json!({ "containerPort": port, "protocol": "TCP" }), why);
    work.code(Unit::Port, if enforce { "enforced" } else { "filled" }, None);
}
