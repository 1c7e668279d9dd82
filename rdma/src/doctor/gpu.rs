//! GPUs and NICs together: whether NICs reach GPU memory, and GPUs their NIC.

use super::codes::Code;
use super::facts::has_capability;
use super::{Case, Finding, Severity, listed};
use crate::Decision;
use prefill_core::environment as env;

/// `CAP_SYS_RAWIO`
const SYS_RAWIO: u32 = 17;
/// The kernel with which DMA-BUF came to RDMA.
const DMABUF_SINCE: (u32, u32) = (5, 12);

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    if !case.has_gpu_and_nic() {
        return Vec::new();
    }
    let checks = [direct, parameters, raw_io, near];
    checks.into_iter().filter_map(|check| check(case)).collect()
}

/// A NIC reaches GPU memory by a module for peer memory, or by DMA-BUF, which NVIDIA's open driver offers.
fn direct(case: Case<'_>) -> Option<Finding> {
    let facts = case.facts;
    if !facts.nvidia.peer_memory.as_ref()?.is_empty() {
        return None;
    }
    let (version, kernel) = (facts.nvidia.version.as_deref()?, facts.kernel.as_deref()?);
    let open = version.contains("Open Kernel Module");
    if open && release(kernel)? >= DMABUF_SINCE {
        return None;
    }
    // Makers of kernels bring DMA-BUF to older versions too; to the closed driver nobody does.
    let (severity, driver, message) = if open {
        (
            Severity::Info,
            "NVIDIA's open driver",
            "NICs may not reach GPU memory: DMA-BUF came to RDMA with Linux 5.12, unless the kernel's maker brought it to this one",
        )
    } else {
        (
            Severity::Warning,
            "NVIDIA's closed driver",
            "NICs cannot reach GPU memory: NCCL and UCX copy through the host, NVSHMEM does not start (`neither nv_peer_mem, or nvidia_peermem detected`)",
        )
    };
    Some(Finding::new(
        Code::GpudirectMissing,
        severity,
        format!(
            "no `/sys/module/nvidia_peermem`, nothing in `/sys/kernel/mm/memory_peers`; `/proc/driver/nvidia/version` is {driver}; kernel {kernel}"
        ),
        message,
        "load `nvidia_peermem` on the node, or use NVIDIA's open kernel modules with Linux 5.12 or newer (DMA-BUF)",
    ))
}

/// `5.14.0-427.el9.x86_64` is 5.14.
fn release(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Whether the plan has NICs for NVSHMEM's IBGDA.
fn has_ibgda(case: Case<'_>) -> bool {
    case.plan.variables.iter().any(|one| {
        one.name == env::NVSHMEM_HCA_LIST && matches!(one.decision, Decision::Set(_) | Decision::Kept(_))
    })
}

/// Either lets a GPU ring the NIC's doorbell. Without both, NVSHMEM from 3.4.5 lets the CPU do it; before, IBGDA
/// does not start.
fn parameters(case: Case<'_>) -> Option<Finding> {
    let nvidia = &case.facts.nvidia;
    let (operations, mapping) = nvidia.parameters?;
    if (operations && mapping) || nvidia.gdrdrv? || !has_ibgda(case) {
        return None;
    }
    let has = |set: bool| if set { "has" } else { "lacks" };
    Some(Finding::new(
        Code::NvidiaParameters,
        Severity::Warning,
        format!(
            "`/proc/driver/nvidia/params` {} `EnableStreamMemOPs: 1`, {} `PeerMappingOverride=1` in `RegistryDwords`; no `/dev/gdrdrv`",
            has(operations),
            has(mapping)
        ),
        "GPUs cannot drive NICs by themselves: IBGDA (DeepEP) is slow with NVSHMEM 3.4.5 or newer, and does not start with older ones",
        "load the driver with `NVreg_EnableStreamMemOPs=1 NVreg_RegistryDwords=\"PeerMappingOverride=1;\"`, or install GDRCopy's `gdrdrv` on the node and give the pod `/dev/gdrdrv`",
    ))
}

fn raw_io(case: Case<'_>) -> Option<Finding> {
    let mask = case.inventory.process.capabilities.as_deref()?;
    (has_ibgda(case) && !has_capability(mask, SYS_RAWIO)?).then(|| {
        Finding::new(
            Code::SysRawioNotEffective,
            Severity::Info,
            format!("`/proc/self/status`: `CapEff` is {mask}, without `SYS_RAWIO`"),
            "some drivers let a program map the NIC's registers only with `SYS_RAWIO`; IBGDA needs that (`cannot allocate mlx5dv_devx_uar`)",
            "where IBGDA stops with that message, run as root with `SYS_RAWIO`, or privileged",
        )
    })
}

/// A GPU and a NIC are near where a bridge below the same root complex joins them (NCCL's PIX and PXB).
fn near(case: Case<'_>) -> Option<Finding> {
    let nics: Vec<&str> = case
        .inventory
        .devices
        .iter()
        .filter(|device| case.plan.kept.iter().any(|kept| kept.device == device.name))
        .map(|device| device.pci_path.as_deref())
        .collect::<Option<_>>()?;
    // A virtual machine shows all devices on one bus, so that distances mean nothing.
    let flat = |path: &str| path.split('/').count() < 3;
    let paths = &case.facts.gpu_paths;
    if paths.iter().any(|(_, path)| flat(path)) || nics.iter().any(|path| flat(path)) {
        return None;
    }
    let common = |one: &str, other: &str| {
        one.split('/').zip(other.split('/')).take_while(|(one, other)| one == other).count()
    };
    let far: Vec<String> = paths
        .iter()
        .filter(|(_, path)| nics.iter().all(|nic| common(path, nic) < 2))
        .map(|(gpu, path)| format!("`{gpu}` is at `{path}`"))
        .collect();
    (!far.is_empty()).then(|| {
        Finding::new(
            Code::GpuWithoutNearNic,
            Severity::Info,
            listed(&far),
            "a GPU shares no PCI bridge with a NIC that is used: its traffic crosses the processor",
            "give the pod the NICs beside its GPUs (Topology Manager `restricted`, or DRA); where GPUs and NICs stand behind different root ports by design, DeepEP's `DEEP_EP_DEVICE_TO_HCA_MAPPING` spreads GPUs over NICs",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, codes, severity};
    use super::*;

    #[test]
    fn peer_memory_or_dmabuf_is_needed_and_unknown_is_no_verdict() {
        let mut scene = Scene::two_rails();
        scene.facts.nvidia.peer_memory = Some(Vec::new());
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "DMA-BUF");
        scene.facts.kernel = Some("4.18.0-553.el8_10.x86_64".to_owned());
        assert_eq!(severity(&scene.diagnose(), Code::GpudirectMissing), Some(Severity::Info));
        scene.facts.kernel = Some("6.8.0".to_owned());
        scene.facts.nvidia.version =
            Some("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01".to_owned());
        assert_eq!(severity(&scene.diagnose(), Code::GpudirectMissing), Some(Severity::Warning));
        scene.facts.nvidia.peer_memory = None;
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.facts.nvidia.peer_memory = Some(Vec::new());
        scene.inventory.gpus = None;
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "no GPU is known of");
    }

    #[test]
    fn releases_are_numbers() {
        assert_eq!(release("5.14.0-427.el9.x86_64"), Some((5, 14)));
        assert_eq!(release("6.10-rc1"), Some((6, 10)));
        assert_eq!(release("linux"), None);
    }

    #[test]
    fn either_the_parameters_or_gdrdrv_is_enough() {
        let mut scene = Scene::two_rails();
        for (parameters, gdrdrv, wanted) in [
            (Some((true, true)), Some(false), None),
            (Some((false, false)), Some(true), None),
            (Some((true, false)), Some(false), Some(Severity::Warning)),
            (None, Some(false), None),
            (Some((false, false)), None, None),
        ] {
            scene.facts.nvidia.parameters = parameters;
            scene.facts.nvidia.gdrdrv = gdrdrv;
            assert_eq!(
                severity(&scene.diagnose(), Code::NvidiaParameters),
                wanted,
                "{parameters:?} {gdrdrv:?}"
            );
        }
        scene.facts.nvidia.gdrdrv = Some(false);
        scene.facts.nvidia.parameters = Some((false, false));
        for device in &mut scene.inventory.devices {
            device.driver = Some("bnxt_en".to_owned());
        }
        assert_eq!(severity(&scene.diagnose(), Code::NvidiaParameters), None, "IBGDA knows mlx5 only");
    }

    #[test]
    fn raw_io_is_for_ibgda() {
        let mut scene = Scene::two_rails();
        scene.inventory.process.capabilities = Some("0000000000004000".to_owned());
        assert_eq!(codes(&scene.diagnose()), [Code::SysRawioNotEffective]);
        scene.inventory.process.capabilities = None;
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
    }

    #[test]
    fn a_gpu_that_shares_no_bridge_is_far_unless_paths_say_nothing() {
        let mut scene = Scene::two_rails();
        scene.facts.gpu_paths[1].1 = "pci0000:48/0000:48:01.0/0000:4c:00.0".to_owned();
        let found = scene.diagnose();
        assert_eq!(codes(&found), [Code::GpuWithoutNearNic]);
        assert!(found[0].evidence.starts_with("`0000:2b:00.0`"), "{found:?}");
        scene.facts.gpu_paths[1].1 = "pci0000:00/0000:00:05.0".to_owned();
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.facts.gpu_paths.clear();
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
    }
}
