//! Interfaces that the bootstraps are told, each library in its own grammar.

use super::codes::{GLOO_INTERFACE_GRAMMAR, SOCKET_INTERFACE_ABSENT};
use super::{Case, Finding, Severity};
use crate::inventory::Interface;
use prefill_core::environment as env;

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    let Some(interfaces) = &case.inventory.network.interfaces else { return Vec::new() };
    let told = |name| case.environment.get(name).filter(|value| value.len() > 1).map(|value| (name, value));
    let mut found = Vec::new();
    for name in [env::NCCL_SOCKET_IFNAME, env::NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME] {
        found.extend(told(name).and_then(|(name, value)| nccl(name, value, interfaces)));
    }
    found.extend(told(env::GLOO_SOCKET_IFNAME).and_then(|(name, value)| gloo(name, value, interfaces)));
    found
}

/// `[^][=]name[:port],…`: a name is a beginning without `=`; with `^` the others are meant. NCCL falls back to
/// nothing where none is there.
fn nccl(name: &str, value: &str, interfaces: &[Interface]) -> Option<Finding> {
    if value.starts_with('^') {
        return None;
    }
    let (exact, list) = value.strip_prefix('=').map_or((false, value), |list| (true, list));
    let is_there = |entry: &str| {
        let wanted = entry.split(':').next().unwrap_or_default();
        interfaces.iter().any(|one| if exact { one.name == wanted } else { one.name.starts_with(wanted) })
    };
    let absent: Vec<&str> = list.split(',').filter(|entry| !is_there(entry)).collect();
    if absent.is_empty() {
        return None;
    }
    let all = absent.len() == list.split(',').count();
    let message = if all {
        "the bootstrap finds none of the interfaces it is told, takes no other, and stops (`no socket interface found`)"
    } else {
        "an interface that the bootstrap is told is not there; it uses the others"
    };
    Some(report(
        name,
        value,
        &absent,
        if all { Severity::Error } else { Severity::Warning },
        message,
        interfaces,
    ))
}

/// Whole names, one device each; every one must be there.
fn gloo(name: &str, value: &str, interfaces: &[Interface]) -> Option<Finding> {
    if value.starts_with(['=', '^']) {
        return Some(Finding::new(
            GLOO_INTERFACE_GRAMMAR,
            Severity::Error,
            format!("`{name}` is `{value}`"),
            "Gloo takes whole names only, and stops at what is NCCL's grammar (`Unable to find address for`)",
            format!("write `{name}` without it, as whole names of interfaces that are there"),
        ));
    }
    let absent: Vec<&str> =
        value.split(',').filter(|entry| interfaces.iter().all(|one| one.name != *entry)).collect();
    let message = "Gloo is told an interface that is not there, and stops (`Unable to find address for`)";
    (!absent.is_empty()).then(|| report(name, value, &absent, Severity::Error, message, interfaces))
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
        SOCKET_INTERFACE_ABSENT,
        severity,
        format!("`{name}` is `{value}`; `/sys/class/net` has {there}, not {absent}"),
        message,
        format!("unset `{name}`: the launcher names the interface toward the leader where there are several"),
    )
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
            ("=eth0", None, Some(GLOO_INTERFACE_GRAMMAR)),
            ("^docker,lo", None, Some(GLOO_INTERFACE_GRAMMAR)),
            ("eth", None, Some(SOCKET_INTERFACE_ABSENT)),
            ("=eth", Some(Severity::Error), Some(GLOO_INTERFACE_GRAMMAR)),
            ("bond0", Some(Severity::Error), Some(SOCKET_INTERFACE_ABSENT)),
            ("bond0,eth0", Some(Severity::Warning), Some(SOCKET_INTERFACE_ABSENT)),
            ("eth0:17000", None, Some(SOCKET_INTERFACE_ABSENT)),
            ("e", None, None),
            ("", None, None),
        ];
        for (value, of_nccl, of_gloo) in rows {
            for name in nccl {
                let mut scene = Scene::two_rails();
                scene.set(name, value);
                assert_eq!(severity(&scene.diagnose(), SOCKET_INTERFACE_ABSENT), of_nccl, "{name}={value}");
                scene.inventory.network.interfaces = None;
                assert_eq!(severity(&scene.diagnose(), SOCKET_INTERFACE_ABSENT), None, "unknown");
            }
            let mut scene = Scene::two_rails();
            scene.set(env::GLOO_SOCKET_IFNAME, value);
            let found = scene.diagnose();
            assert_eq!(found.first().map(|finding| finding.code), of_gloo, "Gloo: {value}");
        }
    }
}
