//! Is this a prefill pod, and which role has it? Decided from labels, so that a pod that is not
//! ours costs no more than reading its labels.

use crate::json;
use crate::role::Role;
use crate::settings::Settings;
use prefill_core::flags::{self, Owned};
use serde_json::Value;

const COMPONENT: &str = "app.kubernetes.io/component";
const PART_OF: &str = "app.kubernetes.io/part-of";
const LLM_D_ROLE: &str = "llm-d.ai/role";
/// What LeaderWorkerSet's labels begin with.
pub(crate) const LWS_PREFIX: &str = "leaderworkerset.sigs.k8s.io/";
const LWS_NAME: &str = "leaderworkerset.sigs.k8s.io/name";
const LWS_WORKER_INDEX: &str = "leaderworkerset.sigs.k8s.io/worker-index";

/// The role of a pod with these labels, or `None` where the pod is not a prefill pod.
///
/// KServe's component labels count (its workers have no `llm-d.ai/role`), then `llm-d.ai/role`,
/// then the settings' selector. Any other `llm-d.ai/role` (`decode`, `both`) is never ours.
pub fn role<'a>(label: impl Fn(&str) -> Option<&'a str>, settings: &Settings) -> Option<Role> {
    let llm_d_role = label(LLM_D_ROLE);
    if llm_d_role.is_some_and(|role| role != "prefill") {
        return None;
    }
    let component = match label(COMPONENT) {
        _ if label(PART_OF) != Some("llminferenceservice") => None,
        Some("llminferenceservice-workload-leader-prefill") => Some(Role::Leader),
        Some("llminferenceservice-workload-worker-prefill") => Some(Role::Worker),
        Some("llminferenceservice-workload-prefill") => Some(Role::Single),
        _ => None,
    };
    let selected = || settings.selector.as_ref().is_some_and(|selector| selector.matches(&label));
    if component.is_none() && llm_d_role.is_none() && !selected() {
        return None;
    }
    // LeaderWorkerSet knows best: where KServe has no leader template, its leader pod carries the
    // worker's component label. Workers get their index only from LWS's own webhook, later.
    Some(match label(LWS_WORKER_INDEX) {
        Some("0") => Role::Leader,
        Some(_) => Role::Worker,
        None => match component {
            Some(role) => role,
            None if label(LWS_NAME).is_some() => Role::Worker,
            None => Role::Single,
        },
    })
}

/// The port of a vLLM behind a routing sidecar.
const DECODE_PORT: &str = "8001";

/// Whether the pod has what only decode pods have: a routing sidecar, or a server on 8001.
pub(crate) fn is_never_touched(pod: &Value, serving: Option<usize>) -> bool {
    // The kubelet's mirror of a static pod; what runs is not what the API server holds.
    if crate::pod::annotation(pod, crate::annotations::MIRROR).is_some() {
        return true;
    }
    let spec = &pod["spec"];
    let containers =
        || ["containers", "initContainers"].into_iter().filter_map(|key| spec[key].as_array()).flatten();
    if containers().any(is_routing_sidecar) {
        return true;
    }
    serving.is_some_and(|at| serves_on_decode_port(&spec["containers"][at]))
}

fn is_routing_sidecar(container: &Value) -> bool {
    let image = json::text(container, "image").unwrap_or_default();
    let product = image.rsplit('/').next().unwrap_or_default();
    let product = product.split([':', '@']).next().unwrap_or_default();
    let name = json::text(container, "name").unwrap_or_default();
    [product, name].iter().any(|word| {
        ["routing-sidecar", "disagg-sidecar", "routing-proxy"].iter().any(|end| word.ends_with(end))
    })
}

fn serves_on_decode_port(container: &Value) -> bool {
    let words: Vec<&str> = ["command", "args"]
        .iter()
        .filter_map(|key| container[*key].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let from_flags = flags::sort(&words).ok().and_then(|sorted| {
        sorted
            .owned
            .iter()
            .rev()
            .find(|given| given.flag == Owned::Port)
            .and_then(|given| given.values.first().copied())
    });
    let ports = container["ports"].as_array().map_or(&[][..], Vec::as_slice);
    let only_port = matches!(ports, [port] if port["containerPort"].as_u64() == Some(8001));
    from_flags == Some(DECODE_PORT) || (from_flags.is_none() && only_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role_of(labels: &[(&str, &'static str)]) -> Option<Role> {
        role(
            |name| labels.iter().find(|(key, _)| *key == name).map(|(_, value)| *value),
            &Settings::default(),
        )
    }

    #[test]
    fn kserve_labels() {
        let kserve = |component| [(PART_OF, "llminferenceservice"), (COMPONENT, component)];
        assert_eq!(role_of(&kserve("llminferenceservice-workload-leader-prefill")), Some(Role::Leader));
        assert_eq!(role_of(&kserve("llminferenceservice-workload-worker-prefill")), Some(Role::Worker));
        assert_eq!(role_of(&kserve("llminferenceservice-workload-prefill")), Some(Role::Single));
        assert_eq!(role_of(&kserve("llminferenceservice-workload-leader")), None);
        assert_eq!(role_of(&[(COMPONENT, "llminferenceservice-workload-prefill")]), None);
    }

    #[test]
    fn the_index_of_the_group_wins() {
        let worker = (COMPONENT, "llminferenceservice-workload-worker-prefill");
        assert_eq!(
            role_of(&[(PART_OF, "llminferenceservice"), worker, (LWS_WORKER_INDEX, "0")]),
            Some(Role::Leader)
        );
        assert_eq!(role_of(&[(LLM_D_ROLE, "prefill"), (LWS_NAME, "x")]), Some(Role::Worker));
        assert_eq!(role_of(&[(LLM_D_ROLE, "prefill"), (LWS_WORKER_INDEX, "3")]), Some(Role::Worker));
        assert_eq!(role_of(&[(LLM_D_ROLE, "prefill")]), Some(Role::Single));
    }

    #[test]
    fn decode_and_both_are_never_ours() {
        let prefill = (COMPONENT, "llminferenceservice-workload-prefill");
        for other in ["decode", "both", "encode"] {
            assert_eq!(role_of(&[(PART_OF, "llminferenceservice"), prefill, (LLM_D_ROLE, other)]), None);
        }
    }
}
