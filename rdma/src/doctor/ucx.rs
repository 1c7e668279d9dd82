//! What users set for UCX, where parts of it contradict each other or the pod.

use super::codes::Code;
use super::{Case, Finding, Severity};
use crate::libraries::list::{Devices, Entry};
use crate::libraries::range::Ranges;
use crate::libraries::ucx::{self, Transports};
use crate::libraries::{Index, Library};
use prefill_core::environment as env;

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    if case.plan.kept.is_empty() {
        return Vec::new();
    }
    let checks = [grammar, without_rdma, self_endpoint, index_and_subnets];
    checks.into_iter().filter_map(|check| check(case)).collect()
}

/// The user's list of devices, where it is one.
fn list(case: Case<'_>) -> Option<Vec<Entry<'_>>> {
    match ucx::devices(case.environment.get(env::UCX_NET_DEVICES)?) {
        Devices::Only { entries, .. } => Some(entries),
        Devices::All | Devices::Except => None,
    }
}

fn is_rdma(case: Case<'_>, entry: &Entry<'_>) -> bool {
    let port = |kept: u32| !entry.numbered || entry.port == Some(kept);
    case.plan.kept.iter().any(|kept| entry.name == kept.device && port(kept.port))
}

/// Negation and names without a port are read by 1.21 and newer only; before, they are names of no device.
fn grammar(case: Case<'_>) -> Option<Finding> {
    let value = case.environment.get(env::UCX_NET_DEVICES)?;
    let is_device = |entry: &Entry<'_>| case.inventory.devices.iter().any(|one| one.name == entry.name);
    let newer = match ucx::devices(value) {
        Devices::Except => true,
        Devices::All => false,
        Devices::Only { entries, .. } => entries.iter().any(|one| !one.numbered && is_device(one)),
    };
    newer.then(|| {
        Finding::new(
            Code::UcxListGrammar,
            Severity::Warning,
            format!("`{}` is `{value}`", env::UCX_NET_DEVICES),
            "UCX before 1.21 (llm-d-cuda has 1.20) knows neither `^` nor a device without its port: it finds no such device",
            "unset it, or write `mlx5_0:1,…,lo`",
        )
    })
}

fn without_rdma(case: Case<'_>) -> Option<Finding> {
    let transports = Transports::of(case.environment);
    let (evidence, reaches_tcp) = if let Some(value) = ucx::without_rdma(case.environment) {
        (format!("`{}` is `{value}`", env::UCX_TLS), transports.has_tcp())
    } else {
        let list = list(case)?;
        if list.iter().any(|entry| is_rdma(case, entry)) {
            return None;
        }
        let value = case.environment.get(env::UCX_NET_DEVICES).unwrap_or_default();
        let interface = |entry: &Entry<'_>| {
            let interfaces = case.inventory.network.interfaces.iter().flatten();
            interfaces.into_iter().any(|one| !entry.numbered && one.name == entry.name && !one.loopback)
        };
        let reaches = transports.has_tcp() && list.iter().any(interface);
        (format!("`{}` is `{value}`", env::UCX_NET_DEVICES), reaches)
    };
    let (severity, message) = if reaches_tcp {
        (Severity::Warning, "UCX, and so NIXL, sends KV blocks over TCP although RDMA ports can be used")
    } else {
        (Severity::Error, "UCX, and so NIXL, is left without any way to another pod")
    };
    let fix = "unset `UCX_NET_DEVICES` (the launcher sets it), and have `rc` (or `all`) in `UCX_TLS`";
    Some(Finding::new(Code::UcxWithoutRdma, severity, evidence, message, fix))
}

/// Shared memory, where the user lets it serve endpoints that ask for error handling.
fn has_shared_memory(case: Case<'_>, transports: &Transports<'_>) -> bool {
    let yes = |value: &str| ["y", "yes", "1"].iter().any(|word| value.eq_ignore_ascii_case(word));
    case.environment.get(env::UCX_MM_ERROR_HANDLING).is_some_and(yes) && transports.has_shared_memory()
}

/// NIXL connects to itself when it starts. Beside RDMA to the pod's own GID, TCP serves that, and shared memory where
/// it is told to; see `docs/decisions/0010-ucx-keeps-loopback.md`.
fn self_endpoint(case: Case<'_>) -> Option<Finding> {
    let transports = Transports::of(case.environment);
    let list = list(case);
    let is_interface = |entry: &Entry<'_>| {
        let interfaces = case.inventory.network.interfaces.as_ref();
        interfaces.is_none_or(|all| all.iter().any(|one| !entry.numbered && one.name == entry.name))
    };
    let interface = list.as_ref().is_none_or(|entries| entries.iter().any(is_interface));
    if ucx::without_rdma(case.environment).is_some()
        || (interface && transports.has_tcp())
        || has_shared_memory(case, &transports)
    {
        return None;
    }
    let (name, severity, fix) = if interface {
        // A choice that runs where HCAs reach their own GIDs, as on GKE.
        (
            env::UCX_TLS,
            Severity::Info,
            "add `tcp` to `UCX_TLS`: with `lo` as its only interface it reaches no other pod",
        )
    } else {
        (
            env::UCX_NET_DEVICES,
            Severity::Warning,
            "add `lo` to `UCX_NET_DEVICES`: it reaches no other pod; UCX 1.20 cannot use it, there set `UCX_MM_ERROR_HANDLING=y`",
        )
    };
    let value = case.environment.get(name).unwrap_or_default();
    Some(Finding::new(
        Code::UcxNoSelfEndpoint,
        severity,
        format!("`{name}` is `{value}`, without TCP"),
        "NIXL connects to itself when it starts; without TCP only RDMA to the pod's own GID can serve that, and where it does not, vLLM ends (`no active messages transport`, `NIXL_ERR_BACKEND`)",
        fix,
    ))
}

fn index_and_subnets(case: Case<'_>) -> Option<Finding> {
    let index = case
        .environment
        .get(env::UCX_IB_GID_INDEX)
        .filter(|value| Library::Ucx.index(value) != Index::Automatic)?;
    let subnets =
        case.environment.get(env::UCX_IB_ROCE_SUBNETS).filter(|value| Ranges::parse(value) != Ranges::All)?;
    Some(Finding::new(
        Code::UcxIndexAndSubnets,
        Severity::Error,
        format!("`{}` is `{index}`, `{}` is `{subnets}`", env::UCX_IB_GID_INDEX, env::UCX_IB_ROCE_SUBNETS),
        "UCX refuses an index and subnets together and does not start (`both GID_INDEX and ROCE_SUBNET_LIST are specified`)",
        "unset one of them",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, severity};
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Vec<Finding> {
        let mut scene = Scene::two_rails();
        for (name, value) in variables {
            scene.set(name, value);
        }
        scene.diagnose()
    }

    #[test]
    fn lists_that_older_versions_misread_are_told() {
        for (value, wanted) in
            [("^eth0", true), ("mlx5_0,mlx5_1,lo", true), ("mlx5_0:1,mlx5_1:1,lo", false), ("all", false)]
        {
            let found = with(&[(env::UCX_NET_DEVICES, value)]);
            assert_eq!(severity(&found, Code::UcxListGrammar).is_some(), wanted, "{value}");
        }
    }

    #[test]
    fn without_rdma_there_is_tcp_or_nothing() {
        for (variables, wanted) in [
            (vec![(env::UCX_TLS, "tcp,cuda_copy,self")], Some(Severity::Warning)),
            (vec![(env::UCX_TLS, "cuda_copy,self")], Some(Severity::Error)),
            (vec![(env::UCX_TLS, "rc,cuda_copy")], None),
            (vec![(env::UCX_TLS, "^rc")], None),
            (vec![(env::UCX_NET_DEVICES, "eth0")], Some(Severity::Warning)),
            (vec![(env::UCX_NET_DEVICES, "lo")], Some(Severity::Error)),
            (vec![(env::UCX_NET_DEVICES, "eth0"), (env::UCX_TLS, "rc")], Some(Severity::Error)),
            (vec![(env::UCX_NET_DEVICES, "mlx5_0:1,lo")], None),
        ] {
            assert_eq!(severity(&with(&variables), Code::UcxWithoutRdma), wanted, "{variables:?}");
        }
    }

    #[test]
    fn an_agent_must_reach_itself() {
        for (variables, wanted) in [
            (vec![(env::UCX_NET_DEVICES, "mlx5_0:1,mlx5_1:1")], Some(Severity::Warning)),
            (vec![(env::UCX_NET_DEVICES, "mlx5_0:1,mlx5_1:1,lo")], None),
            (vec![(env::UCX_NET_DEVICES, "mlx5_0:1,eth0")], None),
            (vec![(env::UCX_NET_DEVICES, "all")], None),
            (vec![(env::UCX_TLS, "rc_mlx5,rc,cuda_copy,self")], Some(Severity::Info)),
            (vec![(env::UCX_TLS, "rc,tcp")], None),
            (vec![(env::UCX_NET_DEVICES, "mlx5_0:1"), (env::UCX_MM_ERROR_HANDLING, "y")], None),
            (vec![(env::UCX_TLS, "rc,cuda_copy"), (env::UCX_MM_ERROR_HANDLING, "y")], Some(Severity::Info)),
            (vec![(env::UCX_TLS, "rc,sm"), (env::UCX_MM_ERROR_HANDLING, "y")], None),
            (vec![], None),
        ] {
            assert_eq!(severity(&with(&variables), Code::UcxNoSelfEndpoint), wanted, "{variables:?}");
        }
    }

    #[test]
    fn an_index_and_subnets_exclude_each_other() {
        let both = [(env::UCX_IB_GID_INDEX, "3"), (env::UCX_IB_ROCE_SUBNETS, "10.10.0.0/16")];
        assert_eq!(severity(&with(&both), Code::UcxIndexAndSubnets), Some(Severity::Error));
        let one = [(env::UCX_IB_GID_INDEX, "auto"), (env::UCX_IB_ROCE_SUBNETS, "10.10.0.0/16")];
        assert_eq!(severity(&with(&one), Code::UcxIndexAndSubnets), None);
    }
}
