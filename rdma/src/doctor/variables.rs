//! What users set for NCCL, NVSHMEM and vLLM's NIXL connector.

use super::codes::Code;
use super::{Case, Finding, Severity};
use crate::Decision;
use crate::libraries::range::has_length;
use prefill_core::environment as env;
use prefill_core::environment::Environment;

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    let checks = [nccl_disabled, nic_mapping, prefix, range, side_channel];
    checks.into_iter().filter_map(|check| check(case)).collect()
}

fn nccl_disabled(case: Case<'_>) -> Option<Finding> {
    if case.plan.kept.is_empty() {
        return None;
    }
    let number = |value: &str| value.trim().parse::<i64>().is_ok_and(|number| number != 0);
    let disabled = (env::NCCL_IB_DISABLE, case.environment.get(env::NCCL_IB_DISABLE).filter(|it| number(it)));
    let socket = |value: &&str| value.eq_ignore_ascii_case("socket");
    let other = (env::NCCL_NET, case.environment.get(env::NCCL_NET).filter(socket));
    let (name, value) = [disabled, other].into_iter().find_map(|(name, value)| Some((name, value?)))?;
    Some(Finding::new(
        Code::NcclIbDisabled,
        Severity::Warning,
        format!("`{name}` is `{value}`"),
        "NCCL is told to use TCP although RDMA ports can be used",
        format!("unset `{name}`"),
    ))
}

/// `NVSHMEM` takes any value but those that begin with 0, n or f for yes.
fn nic_mapping(case: Case<'_>) -> Option<Finding> {
    let name = env::NVSHMEM_ENABLE_NIC_PE_MAPPING;
    let value = case.environment.get(name).filter(|value| !value.starts_with(['0', 'N', 'n', 'F', 'f']))?;
    (case.plan.kept.len() > 1).then(|| {
        Finding::new(
            Code::NvshmemNicMapping,
            Severity::Warning,
            format!("`{name}` is `{value}`"),
            "NVSHMEM gives out NICs by turns, per communicator: DeepEP makes communicators of one rank, and all ranks get the first NIC",
            format!("unset `{name}`; `NVSHMEM_HCA_LIST` is a filter without it too, and each rank takes its nearest NIC"),
        )
    })
}

fn prefix(case: Case<'_>) -> Option<Finding> {
    let set = case.plan.variables.iter().find_map(|one| match &one.decision {
        Decision::Set(value) | Decision::Kept(value) if one.name == env::NVSHMEM_HCA_PREFIX => Some(value),
        _ => None,
    })?;
    Some(Finding::new(
        Code::NvshmemPrefix,
        Severity::Info,
        format!("`{}` is `{set}`, because no device is called `mlx5…`", env::NVSHMEM_HCA_PREFIX),
        "NVSHMEM before 3.4.5 does not know this variable, and IBGDA passes over these devices (`not enumerated as an mlx5 device`)",
        "use NVSHMEM 3.4.5 or newer, or let the node keep the names `mlx5_0`, …",
    ))
}

/// Without a slash, NVSHMEM writes to address 0; NCCL did so until 2.23.4, and passes over it since.
fn range(case: Case<'_>) -> Option<Finding> {
    let told =
        |name| case.environment.get(name).filter(|value| !has_length(value)).map(|value| (name, value));
    let ranges = [
        (env::NVSHMEM_IB_ADDR_RANGE, Severity::Error, "NVSHMEM crashes at a range without its length"),
        (
            env::NCCL_IB_ADDR_RANGE,
            Severity::Warning,
            "NCCL before 2.23.4 crashes at a range without its length, and newer ones ignore it",
        ),
    ];
    let (severity, message, (name, value)) =
        ranges.into_iter().find_map(|(name, severity, message)| Some((severity, message, told(name)?)))?;
    Some(Finding::new(
        Code::AddressRangeGrammar,
        severity,
        format!("`{name}` is `{value}`"),
        message,
        format!("write `{name}` as `10.0.0.0/8`, or unset it"),
    ))
}

/// vLLM listens there, and tells its peers the same. The value is not printed: it is no RDMA variable.
fn side_channel(case: Case<'_>) -> Option<Finding> {
    if !has_nixl(case.environment) {
        return None;
    }
    let name = env::VLLM_NIXL_SIDE_CHANNEL_HOST;
    let connector = format!("`{}` has a NIXL connector", env::VLLM_ADDITIONAL_ARGS);
    let fix = format!("set `{name}` to the pod's IP (`fieldRef: status.podIP`)");
    let Some(value) = case.environment.get(name) else {
        return Some(Finding::new(
            Code::NixlSideChannelHost,
            Severity::Info,
            format!("`{name}` is unset; {connector}"),
            "`prefill-launcher run` sets it to the pod's IP; vLLM by itself would tell its peers `localhost`",
            fix,
        ));
    };
    let value = value.trim();
    let wrong = match prefill_core::leader::address(value) {
        Some(address) => address.is_loopback() || address.is_unspecified(),
        None => value.eq_ignore_ascii_case("localhost"),
    };
    wrong.then(|| {
        Finding::new(
            Code::NixlSideChannelHost,
            Severity::Error,
            format!("`{name}` is a loopback address or stands for all addresses; {connector}"),
            "vLLM tells decode pods this address, and they call themselves: every transfer of KV blocks fails",
            fix,
        )
    })
}

/// Whether vLLM is given a NIXL connector, as far as the environment shows.
pub(super) fn has_nixl(environment: &Environment) -> bool {
    environment.get(env::VLLM_ADDITIONAL_ARGS).is_some_and(prefill_core::serve::names_nixl)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, codes, severity};
    use super::*;

    const NIXL: &str = r#"--kv-transfer-config '{"kv_connector":"NixlConnector"}' --api-key hunter2"#;

    #[test]
    fn nccl_without_hcas_is_told_unless_there_is_none_anyway() {
        for (name, value, wanted) in [
            (env::NCCL_IB_DISABLE, "1", true),
            (env::NCCL_IB_DISABLE, "0", false),
            (env::NCCL_NET, "Socket", true),
            (env::NCCL_NET, "IB", false),
        ] {
            let mut scene = Scene::two_rails();
            scene.set(name, value);
            assert_eq!(severity(&scene.diagnose(), Code::NcclIbDisabled).is_some(), wanted, "{name}={value}");
            scene.inventory.devices.clear();
            assert_eq!(severity(&scene.diagnose(), Code::NcclIbDisabled), None);
        }
    }

    #[test]
    fn turns_are_told_as_nvshmem_reads_them() {
        for (value, wanted) in
            [("1", true), ("true", true), ("on", true), ("0", false), ("no", false), ("", false)]
        {
            let mut scene = Scene::two_rails();
            scene.set(env::NVSHMEM_ENABLE_NIC_PE_MAPPING, value);
            assert_eq!(severity(&scene.diagnose(), Code::NvshmemNicMapping).is_some(), wanted, "{value}");
        }
    }

    #[test]
    fn a_range_has_a_length() {
        for (name, value, wanted) in [
            (env::NVSHMEM_IB_ADDR_RANGE, "10.10.0.0", Some(Severity::Error)),
            (env::NCCL_IB_ADDR_RANGE, "10.10.0.0", Some(Severity::Warning)),
            (env::NVSHMEM_IB_ADDR_RANGE, "10.10.0.0/16", None),
            (env::NVSHMEM_IB_ADDR_RANGE, "", None),
        ] {
            let mut scene = Scene::two_rails();
            scene.set(name, value);
            assert_eq!(severity(&scene.diagnose(), Code::AddressRangeGrammar), wanted, "{name}={value}");
        }
    }

    #[test]
    fn other_names_need_a_newer_nvshmem() {
        let mut scene = Scene::two_rails();
        for (device, name) in scene.inventory.devices.iter_mut().zip(["ibp0", "ibp1"]) {
            device.name = name.to_owned();
        }
        assert_eq!(codes(&scene.diagnose()), [Code::NvshmemPrefix]);
    }

    #[test]
    fn the_side_channel_must_be_an_address_of_this_pod_and_is_never_printed() {
        let name = env::VLLM_NIXL_SIDE_CHANNEL_HOST;
        for (value, wanted) in [
            ("", Some(Severity::Info)),
            ("localhost", Some(Severity::Error)),
            ("127.0.0.1", Some(Severity::Error)),
            ("0.0.0.0", Some(Severity::Error)),
            ("[::]", Some(Severity::Error)),
            ("10.244.3.7", None),
            ("secret.example", None),
        ] {
            let mut scene = Scene::two_rails();
            scene.set(name, value);
            assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "no connector");
            scene.set(env::VLLM_ADDITIONAL_ARGS, NIXL);
            let found = scene.diagnose();
            assert_eq!(severity(&found, Code::NixlSideChannelHost), wanted, "{value}");
            assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
        }
    }
}
