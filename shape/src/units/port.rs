//! The container's port. One value drives flag, port and probes: the pod's own, else 8000.

use crate::canonical::Node;
use crate::json;
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::Work;
use prefill_core::flags;
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let port = work.launch.port;
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
            Fate::Withheld,
            Some("an argument that only the running pod knows may name another"),
        );
    }
    if work.launch.additional_arguments {
        let additional = crate::adopt::additional_words(&work.environment());
        if additional.is_none_or(|words| words.iter().any(|word| flags::names(word, "port"))) {
            return work.code(Unit::Port, Fate::Withheld, Some("VLLM_ADDITIONAL_ARGS may name another"));
        }
    }
    // There, a listed port is a port of the node: a second such pod would find no node.
    if work.spec()["hostNetwork"] == true {
        return work.code(
            Unit::Port,
            Fate::Withheld,
            Some("hostNetwork makes a container port a port of the node"),
        );
    }
    if let Some(other) = used_by_another(work) {
        return work.code(Unit::Port, Fate::Withheld, Some(&other));
    }
    let why = format!("vLLM serves on {port}");
    let canonical = work.canonical().get("ports").and_then(|ports| ports.items().first());
    let Some(mut listed) = canonical.map(Node::value) else { return };
    listed["containerPort"] = Value::from(port);
    work.append(Unit::Port, "ports", listed, why);
}

/// The container beside the serving one that says it uses the same port.
pub(super) fn used_by_another(work: &Work<'_>) -> Option<String> {
    let port = work.launch.port;
    let list = |key: &str| work.spec()[key].as_array().map_or(&[][..], Vec::as_slice);
    let own = json::text(work.serving(), "name");
    let lists = |container: &&Value| {
        let ports = container["ports"].as_array().map_or(&[][..], Vec::as_slice);
        let words = ["command", "args"].iter().filter_map(|key| container[*key].as_array()).flatten();
        let words: Vec<&str> = words.filter_map(Value::as_str).collect();
        let value = |at: usize| {
            words[at].split_once('=').map_or(words.get(at + 1).copied(), |(_, value)| Some(value))
        };
        let mut flags = (0..words.len()).filter(|at| flags::names(words[*at], "port"));
        ports.iter().any(|listed| {
            listed["containerPort"].as_u64() == Some(u64::from(port))
                && json::text(listed, "protocol").unwrap_or("TCP") == "TCP"
        }) || flags.any(|at| value(at) == Some(&*port.to_string()))
    };
    // Init containers are gone by then, unless they are sidecars.
    let sidecars = list("initContainers").iter().filter(|container| container["restartPolicy"] == "Always");
    let mut others = list("containers").iter().filter(|one| json::text(one, "name") != own).chain(sidecars);
    let other = others.find(lists)?;
    Some(format!("container `{}` says that it uses {port}", json::text(other, "name").unwrap_or_default()))
}
