//! The plan's own warnings, with a code, a severity and a remedy each. They are not computed a second time.

use super::codes::Code;
use super::{Case, Finding, Severity, listed, without_hint};
use crate::{Concern, Library, Plan, Rule, Warning};
use prefill_core::environment as env;

/// What a warning is to a doctor: code, severity, meaning, remedy.
type Told = (Code, Severity, &'static str, &'static str);

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    let mut groups: Vec<(Told, &Concern, Vec<String>)> = Vec::new();
    for warning in &case.plan.warnings {
        let Some(told) = told(warning, case.plan) else { continue };
        let text = without_hint(&warning.text).to_owned();
        match groups.iter_mut().find(|(one, ..)| *one == told) {
            Some((.., texts)) => texts.push(text),
            None => groups.push((told, &warning.concern, vec![text])),
        }
    }
    groups
        .into_iter()
        .map(|((code, severity, message, fix), concern, texts)| {
            Finding::new(code, severity, listed(&texts), message, fix).about(concern.clone())
        })
        .collect()
}

/// None where another check tells it, or where it says that something is unknown.
#[expect(clippy::too_many_lines, reason = "one row for each concern")]
fn told(warning: &Warning, plan: &Plan) -> Option<Told> {
    Some(match &warning.concern {
        Concern::AddressesUnknown
        | Concern::Nothing
        | Concern::Missing
        | Concern::InterfaceAbsent
        | Concern::InterfaceGrammar
        | Concern::PrefixAbsent
        | Concern::LibraryMissing => return None,
        Concern::Astray => (
            Code::GidChoiceAstray,
            Severity::Warning,
            "what is set leads a library to a GID that is not this pod's, or of no use",
            "unset it: the launcher narrows the choice where that is needed",
        ),
        Concern::RangeEmpty => (
            Code::AddressRangeEmpty,
            Severity::Warning,
            "a network for GIDs is none, or no address of a port is in it: NCCL then takes entry 0, UCX starts no worker",
            "unset it, or give the network of the rails",
        ),
        Concern::FunctionAbsent => (
            Code::FunctionAbsent,
            Severity::Warning,
            "the SR-IOV device plugin gave this pod a function of which no RDMA device is to be seen",
            "look at the node's VFs: the RDMA driver, and `isRdma` of the plugin's resource",
        ),
        Concern::PatternIdle => (
            Code::PatternIdle,
            Severity::Warning,
            "a pattern of `--rdma-include` or `--rdma-exclude` matches no device",
            "compare it with `prefill-launcher probe`",
        ),
        Concern::Switch => (
            Code::RdmaSwitch,
            Severity::Warning,
            "what is said about RDMA is contradicted or not understood",
            "give `KSERVE_INFER_ROCE` and `--rdma` one meaning",
        ),
        Concern::LinkLocalOnly => (
            Code::LinkLocalOnly,
            Severity::Warning,
            "no router forwards link-local addresses: peers on another Ethernet segment time out (NCCL: status 12, `Network is unreachable`)",
            "give the interfaces an IPv4 or global IPv6 address (the IPAM of the pod's network attachment)",
        ),
        Concern::VersionOne => (
            Code::RoceV1Only,
            Severity::Warning,
            "no router forwards RoCE v1: peers must be on the same Ethernet segment",
            "let the NICs have RoCE v2 GIDs: an address on their interface, and a driver that offers them",
        ),
        Concern::WrongChoice => (
            Code::GidChoiceWrong,
            Severity::Error,
            "the libraries would use wrong GIDs, and no variable tells them without breaking the InfiniBand ports",
            "leave one kind of port out with `--rdma-exclude`",
        ),
        Concern::LeftOut => (
            Code::PortLeftOut,
            Severity::Warning,
            "a port works but is not used, because it does not go with the others",
            "give the rails addresses of one family, in the same order",
        ),
        Concern::Degraded => (
            Code::PortDegraded,
            Severity::Warning,
            "a port runs slower than others of its model",
            "look at its cable, its transceiver and its port of the switch",
        ),
        Concern::TooMany(Library::Nccl) => (
            Code::MoreThan32Hcas,
            Severity::Warning,
            "NCCL uses 32 ports and leaves the others alone",
            "name the ones to use with `--rdma-include`",
        ),
        Concern::TooMany(Library::Nvshmem) => (
            Code::MoreThan48Hcas,
            Severity::Warning,
            "NVSHMEM has room for 48 ports and writes behind it, so it is given no list",
            "name the ones to use with `--rdma-include`",
        ),
        Concern::TooMany(Library::Ucx) => (
            Code::MoreThan64Devices,
            Severity::Warning,
            "UCX stops at a list of more than 64, so it is given none",
            "name the ones to use with `--rdma-include`",
        ),
        Concern::IndexUnreadable => (
            Code::GidIndexUnreadable,
            Severity::Warning,
            "a GID index is no number: each library does something else with it",
            "unset it",
        ),
        Concern::IndexWrong => (
            Code::ForcedGidIndexWrong,
            Severity::Error,
            "the GID index that is set is wrong on a port: connections over it fail (`No such device`, `Invalid argument`, `No data available`, or status 12)",
            "unset it: the launcher sets an index where it is right on every port, and the libraries find theirs",
        ),
        Concern::IndexOnInfiniBand => (
            Code::ForcedGidIndexOnInfiniband,
            Severity::Warning,
            "UCX applies its GID index to InfiniBand ports too, and drops those where that entry is empty",
            "unset `UCX_IB_GID_INDEX`",
        ),
        Concern::ListAbsent => (
            Code::ListNamesAbsentDevice,
            Severity::Warning,
            "a list names a device that is not there; names differ between nodes and pods",
            "unset the list, or name the devices by pattern with `--rdma-include`",
        ),
        Concern::ListUnusable { list, device } => unusable(list, device, plan),
        Concern::ListBeginning => (
            Code::ListByBeginning,
            Severity::Warning,
            "NCCL takes a name in its list for a beginning, and uses more devices than it names",
            "write `=` in front of the list",
        ),
    })
}

/// A list that names what the plan does not use: depends on why not.
fn unusable(list: &str, device: &str, plan: &Plan) -> Told {
    let rule = plan.excluded.iter().find(|one| one.device == device).map(|one| one.rule);
    match rule {
        Some(Rule::FrontEnd) => (
            Code::FrontEndInList,
            Severity::Warning,
            "a list names a front-end NIC: bulk traffic shares it with everything else, and pairs of it with a rail fail",
            "leave it out of the list",
        ),
        // NVSHMEM waits for ever for peers that another pod's function does not reach.
        Some(Rule::NotAllocated | Rule::NoGid) if list == env::NVSHMEM_HCA_LIST => (
            Code::ListNamesUnusableDevice,
            Severity::Error,
            "NVSHMEM's list names a device that is not this pod's: it hangs when it connects",
            "unset the list: the launcher names the pod's own devices",
        ),
        Some(Rule::Slower | Rule::LinkLayer | Rule::NotIncluded | Rule::Excluded | Rule::Function) => (
            Code::ListNamesUnusableDevice,
            Severity::Info,
            "a list names a device that the launcher would not use",
            "leave it as it is where that is wanted",
        ),
        _ => (
            Code::ListNamesUnusableDevice,
            Severity::Warning,
            "a list names a device that cannot be used here",
            "unset the list: the launcher names the devices that can",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, codes, severity};
    use super::*;
    use crate::inventory::{Gid, GidType, LinkLayer, PortState, Route};
    use crate::options::Pattern;

    #[test]
    fn a_forced_index_is_one_finding_whatever_the_number_of_ports_and_libraries() {
        let mut scene = Scene::two_rails();
        for name in [env::NCCL_IB_GID_INDEX, env::NVSHMEM_IB_GID_INDEX, env::UCX_IB_GID_INDEX] {
            scene.set(name, "1");
        }
        let found = scene.diagnose();
        assert_eq!(codes(&found), [Code::ForcedGidIndexWrong]);
        assert_eq!(found[0].severity, Severity::Error);
        assert!(found[0].evidence.starts_with("`NCCL_IB_GID_INDEX` is `1`, but entry 1 of `mlx5_0:1`"));
        assert!(found[0].evidence.contains("; `UCX_IB_GID_INDEX` is `1`"));
        scene.set(env::NCCL_IB_GID_INDEX, "3");
        scene.set(env::NVSHMEM_IB_GID_INDEX, "-1");
        scene.set(env::UCX_IB_GID_INDEX, "auto");
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
    }

    #[test]
    fn hints_become_remedies() {
        let mut scene = Scene::two_rails();
        for device in &mut scene.inventory.devices {
            device.ports[0].gids.retain(|gid| gid.index < 2);
        }
        let found = scene.diagnose();
        assert_eq!(severity(&found, Code::LinkLocalOnly), Some(Severity::Warning));
        let finding = found.iter().find(|finding| finding.code == Code::LinkLocalOnly).unwrap();
        assert!(!finding.evidence.contains("hint"), "{finding:?}");
        assert!(finding.evidence.contains("`mlx5_0:1`"), "{finding:?}");
    }

    #[test]
    fn a_list_is_judged_by_why_its_device_is_not_used() {
        let mut scene = Scene::two_rails();
        scene.set(env::NCCL_IB_HCA, "=mlx5_0,mlx5_1");
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.set(env::NCCL_IB_HCA, "=mlx5_0,mlx5_7");
        assert_eq!(codes(&scene.diagnose()), [Code::ListNamesAbsentDevice]);
        scene.set(env::NCCL_IB_HCA, "=mlx5_0,mlx5_1");
        scene.inventory.devices[1].ports[0].state = PortState::Down;
        assert_eq!(severity(&scene.diagnose(), Code::ListNamesUnusableDevice), Some(Severity::Warning));
        let mut scene = Scene::two_rails();
        scene.set(env::NCCL_IB_HCA, "=mlx5_0,mlx5_1");
        scene.inventory.network.routes.retain(|route| route.prefix != 0);
        scene.inventory.network.routes.push(Route {
            destination: "0.0.0.0".parse().unwrap(),
            prefix: 0,
            gateway: None,
            interface: "net2".to_owned(),
            metric: 0,
        });
        assert_eq!(severity(&scene.diagnose(), Code::FrontEndInList), Some(Severity::Warning));
        let mut scene = Scene::two_rails();
        scene.set("PCIDEVICE_NVIDIA_COM_RAIL", "0000:18:00.0");
        scene.set(env::NVSHMEM_HCA_LIST, "mlx5_0:1,mlx5_1:1");
        assert_eq!(severity(&scene.diagnose(), Code::ListNamesUnusableDevice), Some(Severity::Error));
        scene.set(env::NVSHMEM_HCA_LIST, "mlx5_0:1");
        assert_eq!(severity(&scene.diagnose(), Code::ListNamesUnusableDevice), None);
    }

    #[test]
    fn ports_that_do_not_go_with_the_others_or_are_too_many() {
        let mut scene = Scene::two_rails();
        scene.inventory.devices[0].ports[0].gids.retain(|gid| gid.index < 2);
        assert_eq!(severity(&scene.diagnose(), Code::PortLeftOut), Some(Severity::Warning));
        let mut scene = Scene::two_rails();
        scene.inventory.devices[1].ports[0].megabits = Some(100_000);
        assert_eq!(severity(&scene.diagnose(), Code::PortDegraded), Some(Severity::Warning));
        let mut scene = Scene::two_rails();
        let device = scene.inventory.devices[0].clone();
        scene.inventory.devices = (0..65)
            .map(|number| {
                let mut device = device.clone();
                device.name = format!("mlx5_{number}");
                device
            })
            .collect();
        let found = scene.diagnose();
        for code in [Code::MoreThan32Hcas, Code::MoreThan48Hcas, Code::MoreThan64Devices] {
            assert_eq!(severity(&found, code), Some(Severity::Warning), "{code}");
        }
    }

    #[test]
    fn infiniband_beside_roce_shares_no_index() {
        let mut scene = Scene::two_rails();
        scene.options.include = vec![Pattern::new("mlx5_*")];
        scene.inventory.devices[1].ports[0].link_layer = LinkLayer::InfiniBand;
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.set(env::UCX_IB_GID_INDEX, "3");
        assert_eq!(codes(&scene.diagnose()), [Code::ForcedGidIndexOnInfiniband]);
        scene.set(env::UCX_IB_GID_INDEX, "auto");
        // The same address on another interface first: the libraries take that, and no range tells them apart.
        let gids = &mut scene.inventory.devices[0].ports[0].gids;
        let other: Vec<Gid> =
            gids[2..].iter().map(|gid| Gid { index: gid.index + 2, ..gid.clone() }).collect();
        for gid in &mut gids[2..] {
            gid.netdev = Some("eth0".to_owned());
        }
        gids.extend(other);
        assert_eq!(severity(&scene.diagnose(), Code::GidChoiceWrong), Some(Severity::Error));
    }

    #[test]
    fn beginnings_switches_and_old_versions_are_told() {
        let mut scene = Scene::two_rails();
        scene.inventory.devices[1].name = "mlx5_01".to_owned();
        scene.set(env::NCCL_IB_HCA, "mlx5_0");
        scene.set(env::KSERVE_INFER_ROCE, "yes");
        assert_eq!(codes(&scene.diagnose()), [Code::RdmaSwitch, Code::ListByBeginning]);
        let mut scene = Scene::two_rails();
        for device in &mut scene.inventory.devices {
            device.ports[0].gids.retain(|gid| gid.kind == Some(GidType::V1));
        }
        assert_eq!(severity(&scene.diagnose(), Code::RoceV1Only), Some(Severity::Warning));
        scene.set(env::NCCL_IB_GID_INDEX, "three");
        assert_eq!(severity(&scene.diagnose(), Code::GidIndexUnreadable), Some(Severity::Warning));
    }
}
