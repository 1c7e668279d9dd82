//! Interfaces that the bootstraps are told, as the plan judges them too.

use super::codes::Code;
use super::{Case, Finding, Severity};
use crate::Concern;
use crate::inventory::Interface;
use crate::libraries::interfaces::{Fault, Kind, faults};
use prefill_core::environment as env;

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    faults(case.environment, &case.inventory.network).iter().map(|fault| finding(case, fault)).collect()
}

fn finding(case: Case<'_>, fault: &Fault<'_>) -> Finding {
    let Fault { name, value, kind } = fault;
    let (names, others) = match kind {
        Kind::Grammar => {
            return Finding::new(
                Code::GlooInterfaceGrammar,
                Severity::Error,
                format!("`{name}` is `{value}`"),
                "Gloo takes whole names only, and stops at what is NCCL's grammar (`Unable to find address for`)",
                format!("write `{name}` without it, as whole names of interfaces that are there"),
            )
            .about(Concern::InterfaceGrammar);
        }
        Kind::Absent { names, others } => (names, *others),
    };
    let (severity, message) = if *name == env::GLOO_SOCKET_IFNAME {
        (
            Severity::Error,
            "Gloo is told an interface that is not there, and stops (`Unable to find address for`)",
        )
    } else if others {
        (Severity::Warning, "an interface that the bootstrap is told is not there; it uses the others")
    } else {
        (
            Severity::Error,
            "the bootstrap finds none of the interfaces it is told, takes no other, and stops (`no socket interface found`)",
        )
    };
    let interfaces = case.inventory.network.interfaces.as_deref().unwrap_or_default();
    report(name, value, names, severity, message, interfaces)
}

fn report(
    name: &str,
    value: &str,
    absent: &[&str],
    severity: Severity,
    message: &str,
    interfaces: &[Interface],
) -> Finding {
    let quoted = |name: &str| format!("`{name}`");
    let absent = absent.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let there = interfaces.iter().map(|one| quoted(&one.name)).collect::<Vec<_>>().join(", ");
    Finding::new(
        Code::SocketInterfaceAbsent,
        severity,
        format!("`{name}` is `{value}`; `/sys/class/net` has {there}, not {absent}"),
        message,
        format!("unset `{name}`: the launcher names the interface toward the leader where there are several"),
    )
    .about(Concern::InterfaceAbsent)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, severity};
    use super::*;

    #[test]
    fn each_library_reads_its_own_grammar() {
        let nccl = [env::NCCL_SOCKET_IFNAME, env::NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME];
        let rows = [
            ("eth0", None, None),
            ("=eth0", None, Some(Code::GlooInterfaceGrammar)),
            ("^docker,lo", None, Some(Code::GlooInterfaceGrammar)),
            ("eth", None, Some(Code::SocketInterfaceAbsent)),
            ("=eth", Some(Severity::Error), Some(Code::GlooInterfaceGrammar)),
            ("bond0", Some(Severity::Error), Some(Code::SocketInterfaceAbsent)),
            ("bond0,eth0", Some(Severity::Warning), Some(Code::SocketInterfaceAbsent)),
            ("eth0:17000", None, Some(Code::SocketInterfaceAbsent)),
            ("e", None, None),
            ("", None, None),
        ];
        for (value, of_nccl, of_gloo) in rows {
            for name in nccl {
                let mut scene = Scene::two_rails();
                scene.set(name, value);
                assert_eq!(
                    severity(&scene.diagnose(), Code::SocketInterfaceAbsent),
                    of_nccl,
                    "{name}={value}"
                );
                scene.inventory.network.interfaces = None;
                assert_eq!(severity(&scene.diagnose(), Code::SocketInterfaceAbsent), None, "unknown");
            }
            let mut scene = Scene::two_rails();
            scene.set(env::GLOO_SOCKET_IFNAME, value);
            let found = scene.diagnose();
            assert_eq!(found.first().map(|finding| finding.code), of_gloo, "Gloo: {value}");
        }
    }

    #[test]
    fn plan_and_doctor_judge_alike() {
        for name in [env::NCCL_SOCKET_IFNAME, env::NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME, env::GLOO_SOCKET_IFNAME]
        {
            for value in
                ["eth0", "=eth0", "^docker0", "eth", "eth0:17000", "bond0", "bond0,eth0", "eth0,", "e"]
            {
                let mut scene = Scene::two_rails();
                scene.set(name, value);
                let about = |concern: &Concern| {
                    matches!(concern, Concern::InterfaceAbsent | Concern::InterfaceGrammar)
                };
                let warned = scene.plan().warnings.iter().any(|warning| about(&warning.concern));
                assert_eq!(warned, !scene.diagnose().is_empty(), "{name}={value}");
            }
        }
    }
}
