//! Why a pod without probes gets none: something waits for its readiness, or the kubelet would not
//! reach the server.

use super::super::port;
use crate::recognise::LWS_PREFIX;
use crate::role::Role;
use crate::work::Work;
use crate::{adopt, json, quantity};
use prefill_core::flags::{self, Owned};
use prefill_core::launch::{ApiServers, LeaderAddress, LoadBalancing, StartRank};

/// Flags after which the kubelet would not get the answer that it waits for.
const ELSEWHERE: [&str; 6] =
    ["uds", "ssl-cert-reqs", "grpc", "config", "middleware", "data-parallel-multi-port-external-lb"];

/// Flags of an engine that spans several nodes.
const OVER_NODES: [&str; 4] = ["nnodes", "node-rank", "master-addr", "master-port"];

/// Flags of the launcher's that say nothing of where and when the server answers.
const HARMLESS: [Owned; 6] = [
    Owned::Model,
    Owned::ServedModelName,
    Owned::Expert,
    Owned::AccessLogOff,
    Owned::AccessLogExcept,
    Owned::ShutdownTimeout,
];

/// The reason, where there is one.
pub(super) fn find(work: &Work<'_>) -> Option<String> {
    waits(work)
        .or_else(|| unreachable(work))
        .or_else(|| spans_pods(work))
        .or_else(|| port::used_by_another(work))
        .or_else(|| by_words(work))
}

/// Who starts other pods only when this one is ready.
fn waits(work: &Work<'_>) -> Option<String> {
    let metadata = &work.pod["metadata"];
    let in_group = metadata["labels"]
        .as_object()
        .is_some_and(|labels| labels.keys().any(|key| key.starts_with(LWS_PREFIX)));
    if work.role == Role::Leader || in_group {
        return Some("the other pods of the group may wait until this one is ready".to_owned());
    }
    let owners = metadata["ownerReferences"].as_array().map_or(&[][..], Vec::as_slice);
    // A Deployment's pods come all at once. Any other owner may know an order, as a StatefulSet does.
    let mut kinds = owners.iter().map(|owner| json::text(owner, "kind").unwrap_or_default());
    let kind = kinds.find(|kind| *kind != "ReplicaSet")?;
    Some(format!("the next pod of the {} may wait until this one is ready", work.quoted(kind)))
}

/// Whether other pods must join before `/health` answers.
fn spans_pods(work: &Work<'_>) -> Option<String> {
    let launch = &work.launch;
    let sizes = &launch.parallelism;
    let ranks_elsewhere = sizes.data_local.is_some_and(|local| sizes.data.is_some_and(|data| data > local));
    let names_others = launch.leader_address != LeaderAddress::Unset
        || launch.start_rank != StartRank::Unset
        || work.environment().names().any(|name| name.starts_with("VLLM_DP_"));
    if ranks_elsewhere || names_others || launch.load_balancing == LoadBalancing::External {
        return Some("data-parallel ranks are in other pods, and all must join first".to_owned());
    }
    if work.environment().has("RAY_ADDRESS") {
        return Some("RAY_ADDRESS names a cluster whose workers must join first".to_owned());
    }
    let stages = sizes.pipeline.unwrap_or(1);
    let ranks = sizes.data_local.or(sizes.data).unwrap_or(1);
    let workers = [sizes.tensor.unwrap_or(1), stages, ranks].into_iter().map(u64::from).product::<u64>();
    let fits = gpus(work).map_or(stages == 1, |gpus| workers <= gpus);
    (!fits).then(|| {
        "the pod's GPUs are fewer than its workers, and those of other nodes must join first".to_owned()
    })
}

/// The container's NVIDIA GPUs, where it names a number.
fn gpus(work: &Work<'_>) -> Option<u64> {
    let limit = &work.serving()["resources"]["limits"]["nvidia.com/gpu"];
    let milli = quantity::milli(limit.as_str().map_or_else(|| limit.to_string(), str::to_owned).as_str())?;
    u64::try_from(milli / 1000).ok()
}

/// What keeps the kubelet from the server, whatever its arguments.
fn unreachable(work: &Work<'_>) -> Option<String> {
    let launch = &work.launch;
    if launch.headless || launch.api_servers == ApiServers::Fixed(0) {
        return Some("a headless engine answers no HTTP".to_owned());
    }
    if work.opaque {
        return Some("an argument that only the running pod knows may be any flag".to_owned());
    }
    work.mesh_proxy().map(|proxy| format!("{proxy} came first and would not rewrite a new probe"))
}

/// What the words for vLLM say that the launcher does not own.
fn by_words(work: &Work<'_>) -> Option<String> {
    let launch = &work.launch;
    let additional = if launch.additional_arguments {
        adopt::additional_words(&work.environment())
    } else {
        Some(Vec::new())
    };
    let Some(additional) = additional else {
        return Some("VLLM_ADDITIONAL_ARGS is known only to the running pod".to_owned());
    };
    let additional: Vec<&str> = additional.iter().map(String::as_str).collect();
    let Ok(sorted) = flags::sort(&additional) else {
        return Some("VLLM_ADDITIONAL_ARGS cannot be read".to_owned());
    };
    if let Some(given) = sorted.owned.iter().find(|given| !HARMLESS.contains(&given.flag)) {
        return Some(format!(
            "`{}` in VLLM_ADDITIONAL_ARGS decides where and when the server answers",
            work.quoted(given.word)
        ));
    }
    let words: Vec<&str> = launch.passthrough.iter().map(String::as_str).chain(additional).collect();
    let moves = |at: usize| {
        let value = || {
            let behind = || words.get(at + 1).copied().unwrap_or_default();
            words[at].split_once('=').map_or_else(behind, |(_, value)| value)
        };
        let any = |names: &[&str]| names.iter().any(|name| may_name(words[at], name));
        let loopback = any(&["host"]) && !["0.0.0.0", "::", "[::]"].contains(&value());
        let ray = (any(&["distributed-executor-backend", "data-parallel-backend"]) || words[at] == "-dpb")
            && value() == "ray";
        loopback || ray || any(&ELSEWHERE) || any(&OVER_NODES)
    };
    let at = (0..words.len()).find(|at| moves(*at))?;
    Some(format!("`{}` decides where and when the server answers", work.quoted(words[at])))
}

/// Whether vLLM's parser may take `word` for the long flag `name`: it takes any beginning of a name.
fn may_name(word: &str, name: &str) -> bool {
    let given = word.split_once('=').map_or(word, |(given, _)| given);
    flags::names(word, name)
        || given
            .strip_prefix("--")
            .is_some_and(|given| given.len() > 2 && name.starts_with(given.replace('_', "-").as_str()))
}
