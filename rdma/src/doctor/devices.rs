//! libibverbs, the nodes in `/dev/infiniband`, and whether any port is left to use.

use super::codes::Code;
use super::{Case, Finding, Severity, listed, without_hint};
use crate::inventory::{Access, Device, Verbs};
use crate::libraries::nvshmem;
use crate::{Excluded, Rule, label};
use prefill_core::environment::KSERVE_INFER_ROCE;

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    if let Some(reason) = &case.plan.off {
        let fix = "say `--rdma=auto`, or unset `KSERVE_INFER_ROCE`, where NICs are to be used";
        return vec![Finding::new(
            Code::RdmaOff,
            Severity::Info,
            reason.as_str(),
            "NICs are not looked for: NCCL, NVSHMEM and UCX are told nothing",
            fix,
        )];
    }
    let checks = [library, nodes, usable, expected, visible];
    checks.into_iter().filter_map(|check| check(case)).collect()
}

fn library(case: Case<'_>) -> Option<Finding> {
    let reason = case.inventory.verbs.fault()?;
    let count = case.inventory.devices.len();
    // Without a device nobody misses it.
    let severity = if count == 0 { Severity::Info } else { Severity::Error };
    // The library is there; the kernel's side is not.
    if reason.starts_with("`ibv_get_device_list`") {
        return Some(Finding::new(
            Code::VerbsListFails,
            severity,
            reason,
            "libibverbs gives no list of devices, so NCCL, NVSHMEM and UCX find none",
            "load `ib_uverbs` on the node, and give the pod its RDMA devices (`rdma/…` in the limits)",
        ));
    }
    Some(Finding::new(
        Code::VerbsLibraryMissing,
        severity,
        reason,
        format!("libibverbs is missing: NCCL, NVSHMEM and UCX cannot use {}", devices(count)),
        "install `libibverbs1` and `ibverbs-providers` (RHEL: `libibverbs`) in the image, or put its directory on `LD_LIBRARY_PATH`",
    ))
}

/// All HCAs of a node stand in sysfs, so a device that is closed is another pod's, unless all are.
fn nodes(case: Case<'_>) -> Option<Finding> {
    let closed = |device: &Device| match &device.access {
        Access::Open => None,
        Access::Closed(reason) => Some((is_there(case, device), format!("`{}`: {reason}", device.name))),
    };
    let closed: Vec<(bool, String)> = case.inventory.devices.iter().filter_map(closed).collect();
    let none_opens = !closed.is_empty() && closed.len() == case.inventory.devices.len();
    let there: Vec<String> =
        closed.iter().filter(|(there, _)| *there).map(|(_, reason)| reason.clone()).collect();
    if !there.is_empty() {
        return Some(Finding::new(
            Code::UverbsNodeUnopenable,
            if none_opens { Severity::Error } else { Severity::Warning },
            listed(&there),
            "the pod has the node of a device that it cannot open",
            "let a device plugin give it (`rdma/…` in the limits) instead of mounting `/dev/infiniband`; the container's user must be able to read and write it, and the image needs the device's provider (`ibverbs-providers`)",
        ));
    }
    let all: Vec<String> = closed.into_iter().map(|(_, reason)| reason).collect();
    none_opens.then(|| {
        Finding::new(
            Code::UverbsNodeMissing,
            if is_asked_for(case) { Severity::Error } else { Severity::Warning },
            listed(&all),
            "this machine has RDMA devices, but none of their nodes is in this pod",
            "ask for them: `rdma/…` (or your device plugin's resource) in the container's limits, or a DRA claim",
        )
    })
}

/// Whether the node of `device` is in this pod.
fn is_there(case: Case<'_>, device: &Device) -> bool {
    let nodes = case.facts.nodes.iter().flatten();
    device.uverbs.as_ref().is_some_and(|node| nodes.into_iter().any(|one| one == node))
}

/// Whether somebody counts on RDMA here: a flag, a variable, or whoever gave the pod its nodes.
fn is_asked_for(case: Case<'_>) -> bool {
    case.environment.get(KSERVE_INFER_ROCE) == Some("true")
        || case.plan.failure.is_some()
        || !case.plan.missing.is_empty()
        || case.facts.nodes.iter().flatten().any(|node| node.starts_with("uverbs"))
}

fn usable(case: Case<'_>) -> Option<Finding> {
    if !case.plan.kept.is_empty() {
        return None;
    }
    let severity = if is_asked_for(case) { Severity::Error } else { Severity::Warning };
    if case.plan.excluded.is_empty() {
        return Some(Finding::new(
            Code::NoRdmaDevice,
            severity,
            "`/sys/class/infiniband` has no device",
            "NCCL and UCX use TCP, NVSHMEM does not start",
            "run on a node with RDMA NICs whose driver is loaded; say `--rdma=off` where none is wanted",
        ));
    }
    let reasons: Vec<String> = case.plan.excluded.iter().map(describe).collect();
    if is_efa_only(case) {
        return Some(Finding::new(
            Code::NoUsablePort,
            Severity::Info,
            listed(&reasons),
            "there is EFA, which NCCL, NVSHMEM and UCX use through libfabric and find by themselves; they are told nothing",
            "see with `NCCL_DEBUG=INFO` whether NCCL loads aws-ofi-nccl",
        ));
    }
    Some(Finding::new(
        Code::NoUsablePort,
        severity,
        listed(&reasons),
        "no RDMA port can be used: NCCL and UCX use TCP, NVSHMEM does not start",
        remedy(&case.plan.excluded),
    ))
}

/// What helps the ports that came furthest.
fn remedy(excluded: &[Excluded]) -> &'static str {
    let has = |rules: &[Rule]| excluded.iter().any(|one| rules.contains(&one.rule));
    if has(&[Rule::NoGid]) {
        "attach the pod to the RDMA network (Multus: SR-IOV, macvlan or host-device), so that its interfaces have the GIDs' addresses"
    } else if has(&[Rule::NotActive]) {
        "bring a link up: cables, ports of the switch, on InfiniBand the subnet manager"
    } else if has(&[Rule::NotIncluded, Rule::Excluded, Rule::Function]) {
        "look at `--rdma-include`, `--rdma-exclude` and `--rdma-functions`: they leave nothing"
    } else if has(&[Rule::Kind]) {
        "use RoCE or InfiniBand NICs; name soft-RoCE with `--rdma-include` where that is meant"
    } else {
        "give the pod its devices: `rdma/…` (or your device plugin's resource) in the container's limits, or a DRA claim"
    }
}

fn is_efa_only(case: Case<'_>) -> bool {
    case.plan.excluded.iter().all(|excluded| {
        let device = case.inventory.devices.iter().find(|device| device.name == excluded.device);
        device.and_then(|device| device.driver.as_deref()) == Some("efa")
    })
}

fn describe(excluded: &Excluded) -> String {
    let name = excluded.port.map_or_else(|| excluded.device.clone(), |port| label(&excluded.device, port));
    format!("`{name}`: {}", without_hint(&excluded.reason))
}

fn expected(case: Case<'_>) -> Option<Finding> {
    let plan = case.plan;
    let severity = if plan.failure.is_some() { Severity::Error } else { Severity::Warning };
    (!plan.missing.is_empty()).then(|| {
        Finding::new(
            Code::ExpectedRailsMissing,
            severity,
            listed(&plan.missing.iter().map(|missing| without_hint(missing).to_owned()).collect::<Vec<_>>()),
            "ports that are expected (`--rdma-expect`, `--rdma=require`) are missing",
            "look at each port's reason; `--rdma-wait` waits for links and addresses that come late",
        )
    })
}

/// However few a list names, NVSHMEM 3.4.5 puts every device that libibverbs lists into an array of 48.
fn visible(case: Case<'_>) -> Option<Finding> {
    let asked = matches!(case.inventory.verbs, Verbs::Library(_));
    let count = case.inventory.devices.iter().filter(|device| device.access == Access::Open).count();
    (asked && count > nvshmem::MOST).then(|| {
        Finding::new(
            Code::MoreThan48Hcas,
            Severity::Warning,
            format!("libibverbs lists {} that open", devices(count)),
            format!("NVSHMEM has room for {} devices and writes behind it", nvshmem::MOST),
            "give the pod its own devices only (a device plugin, not a privileged container)",
        )
    })
}

fn devices(count: usize) -> String {
    match count {
        0 => "any RDMA device".to_owned(),
        1 => "the RDMA device".to_owned(),
        count => format!("the {count} RDMA devices"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, codes, severity};
    use super::*;

    #[test]
    fn two_sound_rails_are_nothing_to_say() {
        assert_eq!(codes(&Scene::two_rails().diagnose()), [] as [Code; 0]);
    }

    #[test]
    fn without_libibverbs_rails_are_of_no_use_and_nothing_is_missed_without_rails() {
        let mut scene = Scene::two_rails();
        scene.inventory.verbs = Verbs::Missing("`libibverbs.so.1` could not be loaded".to_owned());
        assert_eq!(severity(&scene.diagnose(), Code::VerbsLibraryMissing), Some(Severity::Error));
        scene.inventory.devices.clear();
        assert_eq!(severity(&scene.diagnose(), Code::VerbsLibraryMissing), Some(Severity::Info));
        scene.inventory.verbs = Verbs::Missing("`ibv_get_device_list` failed: ENOSYS (38)".to_owned());
        assert_eq!(severity(&scene.diagnose(), Code::VerbsListFails), Some(Severity::Info));
        // Another machine's tree is read without a library: that is no fault.
        scene.inventory.verbs = Verbs::NotAsked;
        let found = scene.diagnose();
        assert_eq!(severity(&found, Code::VerbsLibraryMissing), None);
    }

    #[test]
    fn nodes_that_are_not_there_are_a_fault_where_none_is() {
        let mut scene = Scene::two_rails();
        let closed = || Access::Closed("`/dev/infiniband/uverbs0` is not in this pod".to_owned());
        scene.inventory.devices[0].access = closed();
        scene.facts.nodes = Some(vec!["uverbs1".to_owned()]);
        let one = scene.diagnose();
        assert_eq!(severity(&one, Code::UverbsNodeMissing), None, "another pod's: {one:?}");
        scene.inventory.devices[1].access = closed();
        scene.facts.nodes = Some(Vec::new());
        let found = scene.diagnose();
        assert_eq!(severity(&found, Code::UverbsNodeMissing), Some(Severity::Warning));
        assert_eq!(severity(&found, Code::NoUsablePort), Some(Severity::Warning));
        scene.set("KSERVE_INFER_ROCE", "true");
        assert_eq!(severity(&scene.diagnose(), Code::UverbsNodeMissing), Some(Severity::Error));
    }

    #[test]
    fn a_node_that_is_there_and_does_not_open_is_told_with_its_errno() {
        let mut scene = Scene::two_rails();
        scene.inventory.devices[0].access = Access::Closed("EPERM (1)".to_owned());
        let found = scene.diagnose();
        assert_eq!(severity(&found, Code::UverbsNodeUnopenable), Some(Severity::Warning));
        assert!(found.iter().any(|finding| finding.evidence.contains("`mlx5_0`: EPERM (1)")), "{found:?}");
    }

    #[test]
    fn expected_rails_are_an_error_under_require_only() {
        let mut scene = Scene::two_rails();
        scene.options.expect = Some(crate::options::Expect::Ports(3));
        assert_eq!(severity(&scene.diagnose(), Code::ExpectedRailsMissing), Some(Severity::Warning));
        scene.options.rdma = crate::options::Rdma::Require;
        assert_eq!(severity(&scene.diagnose(), Code::ExpectedRailsMissing), Some(Severity::Error));
        scene.options.rdma = crate::options::Rdma::Off;
        assert_eq!(codes(&scene.diagnose()), [Code::RdmaOff]);
    }

    #[test]
    fn efa_is_no_fault() {
        let mut scene = Scene::two_rails();
        for device in &mut scene.inventory.devices {
            device.driver = Some("efa".to_owned());
            device.node_type = Some("unspecified".to_owned());
        }
        assert_eq!(severity(&scene.diagnose(), Code::NoUsablePort), Some(Severity::Info));
        scene.inventory.devices[0].driver = Some("usnic".to_owned());
        assert_eq!(severity(&scene.diagnose(), Code::NoUsablePort), Some(Severity::Error));
    }

    #[test]
    fn no_device_at_all_is_a_warning_unless_it_was_asked_for() {
        let mut scene = Scene::two_rails();
        scene.inventory.devices.clear();
        scene.facts.nodes = Some(Vec::new());
        assert_eq!(severity(&scene.diagnose(), Code::NoRdmaDevice), Some(Severity::Warning));
        scene.options.rdma = crate::options::Rdma::Require;
        assert_eq!(severity(&scene.diagnose(), Code::NoRdmaDevice), Some(Severity::Error));
    }
}
