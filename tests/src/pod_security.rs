//! Would the namespace's Pod Security level still admit this pod?
//!
//! The controls of `k8s.io/pod-security-admission/policy` as they apply to the policy version `v1.36`: every
//! `check_*.go`, with the newest version of each that is not newer than that. Init and ephemeral containers
//! are asked like regular ones (`visitor.go`).

use serde_json::Value;

use crate::walk::{containers, is_set, items, members, text};

type Control = fn(&Value) -> Vec<String>;

/// What both levels ask in the same way.
const BOTH: [Control; 8] =
    [host_namespaces, privileged, host_ports, host_handlers, host_processes, app_armor, se_linux, sysctls];

/// What the restricted level overrides (`OverrideCheckIDs`).
const BASELINE: [Control; 4] = [host_paths, baseline_capabilities, baseline_proc_mount, baseline_seccomp];

const RESTRICTED: [Control; 7] = [
    volume_types,
    privilege_escalation,
    run_as_non_root,
    run_as_user,
    restricted_capabilities,
    proc_mount,
    restricted_seccomp,
];

/// What the level `baseline` has against the pod; each text starts with the field path.
pub fn baseline(pod: &Value) -> Vec<String> {
    BOTH.iter().chain(&BASELINE).flat_map(|control| control(pod)).collect()
}

/// What the level `restricted` has against the pod; each text starts with the field path.
pub fn restricted(pod: &Value) -> Vec<String> {
    BOTH.iter().chain(&RESTRICTED).flat_map(|control| control(pod)).collect()
}

/// The containers' security contexts.
fn own_contexts(pod: &Value) -> impl Iterator<Item = (String, &Value)> {
    containers(pod)
        .into_iter()
        .map(|(path, one)| (format!("{path}.securityContext"), &one["securityContext"]))
}

/// The pod's security context, then the containers'.
fn contexts(pod: &Value) -> impl Iterator<Item = (String, &Value)> {
    let whole = ("spec.securityContext".to_owned(), &pod["spec"]["securityContext"]);
    std::iter::once(whole).chain(own_contexts(pod))
}

/// What is Linux's alone is not asked of a Windows pod (versions from 1.25).
fn is_windows(pod: &Value) -> bool {
    text(&pod["spec"]["os"]["name"]) == "windows"
}

/// Root in a user namespace is nobody outside it (`relaxPolicyForUserNamespacePod`, versions from 1.35).
fn in_user_namespace(pod: &Value) -> bool {
    pod["spec"]["hostUsers"] == false
}

fn host_namespaces(pod: &Value) -> Vec<String> {
    let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|name| pod["spec"][name] == true);
    shared.map(|name| format!("spec.{name}: must not be true")).collect()
}

fn privileged(pod: &Value) -> Vec<String> {
    own_contexts(pod)
        .filter(|(_, context)| context["privileged"] == true)
        .map(|(path, _)| format!("{path}.privileged: must not be true"))
        .collect()
}

fn host_ports(pod: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, container) in containers(pod) {
        for (index, port) in items(&container["ports"]).iter().enumerate() {
            if port["hostPort"].as_i64().is_some_and(|number| number != 0) {
                found.push(format!("{path}.ports[{index}].hostPort: must not be set"));
            }
        }
    }
    found
}

/// `check_hostProbesAndhostLifecycle.go`, versions from 1.34.
fn host_handlers(pod: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, container) in containers(pod) {
        let lifecycle = &container["lifecycle"];
        for (name, handler) in [
            ("livenessProbe", &container["livenessProbe"]),
            ("readinessProbe", &container["readinessProbe"]),
            ("startupProbe", &container["startupProbe"]),
            ("lifecycle.postStart", &lifecycle["postStart"]),
            ("lifecycle.preStop", &lifecycle["preStop"]),
        ] {
            for kind in ["httpGet", "tcpSocket"] {
                if !text(&handler[kind]["host"]).is_empty() {
                    found.push(format!("{path}.{name}.{kind}.host: must not be set"));
                }
            }
        }
    }
    found
}

fn host_processes(pod: &Value) -> Vec<String> {
    contexts(pod)
        .filter(|(_, context)| context["windowsOptions"]["hostProcess"] == true)
        .map(|(path, _)| format!("{path}.windowsOptions.hostProcess: must not be true"))
        .collect()
}

fn app_armor(pod: &Value) -> Vec<String> {
    let mut found = bad_profiles(contexts(pod), "appArmorProfile");
    for (key, value) in members(&pod["metadata"]["annotations"]) {
        let profile = text(value);
        let allowed = matches!(profile, "" | "runtime/default") || profile.starts_with("localhost/");
        if key.starts_with("container.apparmor.security.beta.kubernetes.io/") && !allowed {
            found.push(format!("metadata.annotations[{key}]: must not be `{profile}`"));
        }
    }
    found
}

/// The profiles that are set, and set to something that the host or the runtime does not vouch for.
fn bad_profiles<'a>(contexts: impl Iterator<Item = (String, &'a Value)>, field: &str) -> Vec<String> {
    contexts
        .filter(|(_, context)| is_set(&context[field]))
        .filter(|(_, context)| !matches!(text(&context[field]["type"]), "RuntimeDefault" | "Localhost"))
        .map(|(path, context)| {
            format!("{path}.{field}.type: must not be `{}`", text(&context[field]["type"]))
        })
        .collect()
}

fn se_linux(pod: &Value) -> Vec<String> {
    const TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
    let mut found = Vec::new();
    for (path, context) in contexts(pod) {
        let options = &context["seLinuxOptions"];
        if !TYPES.contains(&text(&options["type"])) {
            found.push(format!("{path}.seLinuxOptions.type: must not be `{}`", text(&options["type"])));
        }
        for field in ["user", "role"] {
            if !text(&options[field]).is_empty() {
                found.push(format!("{path}.seLinuxOptions.{field}: must not be set"));
            }
        }
    }
    found
}

/// The list of version 1.32; version 1.37 adds `net.ipv4.tcp_slow_start_after_idle` and
/// `net.ipv4.tcp_notsent_lowat`.
fn sysctls(pod: &Value) -> Vec<String> {
    const SAFE: [&str; 12] = [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    ];
    let set = items(&pod["spec"]["securityContext"]["sysctls"]).iter().map(|sysctl| text(&sysctl["name"]));
    set.filter(|name| !SAFE.contains(name))
        .map(|name| format!("spec.securityContext.sysctls: must not have `{name}`"))
        .collect()
}

fn host_paths(pod: &Value) -> Vec<String> {
    let volumes = items(&pod["spec"]["volumes"]).iter().enumerate();
    let host_paths = volumes.filter(|(_, volume)| is_set(&volume["hostPath"]));
    host_paths.map(|(index, _)| format!("spec.volumes[{index}].hostPath: must not be set")).collect()
}

/// A volume without any source counts as unknown, and is refused: ask after the defaults.
fn volume_types(pod: &Value) -> Vec<String> {
    const ALLOWED: [&str; 9] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let allowed = |volume: &Value| ALLOWED.iter().any(|source| is_set(&volume[source]));
    let volumes = items(&pod["spec"]["volumes"]).iter().enumerate();
    volumes
        .filter(|(_, volume)| !allowed(volume))
        .map(|(index, _)| format!("spec.volumes[{index}]: must be one of {ALLOWED:?}"))
        .collect()
}

fn baseline_capabilities(pod: &Value) -> Vec<String> {
    const DEFAULT_SET: [&str; 13] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    added_beside(pod, &DEFAULT_SET)
}

fn added_beside(pod: &Value, allowed: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, context) in own_contexts(pod) {
        let added = items(&context["capabilities"]["add"]).iter().map(text);
        for capability in added.filter(|capability| !allowed.contains(capability)) {
            found.push(format!("{path}.capabilities.add: must not have `{capability}`"));
        }
    }
    found
}

fn restricted_capabilities(pod: &Value) -> Vec<String> {
    if is_windows(pod) {
        return Vec::new();
    }
    let drops_all = |context: &Value| {
        items(&context["capabilities"]["drop"]).iter().any(|capability| capability == "ALL")
    };
    let mut found: Vec<_> = own_contexts(pod)
        .filter(|(_, context)| !drops_all(context))
        .map(|(path, _)| format!("{path}.capabilities.drop: must have `ALL`"))
        .collect();
    found.extend(added_beside(pod, &["NET_BIND_SERVICE"]));
    found
}

fn baseline_proc_mount(pod: &Value) -> Vec<String> {
    if in_user_namespace(pod) { Vec::new() } else { proc_mount(pod) }
}

fn proc_mount(pod: &Value) -> Vec<String> {
    own_contexts(pod)
        .filter(|(_, context)| is_set(&context["procMount"]) && context["procMount"] != "Default")
        .map(|(path, context)| format!("{path}.procMount: must not be `{}`", text(&context["procMount"])))
        .collect()
}

fn baseline_seccomp(pod: &Value) -> Vec<String> {
    bad_profiles(contexts(pod), "seccompProfile")
}

fn restricted_seccomp(pod: &Value) -> Vec<String> {
    if is_windows(pod) {
        return Vec::new();
    }
    let mut found = bad_profiles(contexts(pod), "seccompProfile");
    let whole = text(&pod["spec"]["securityContext"]["seccompProfile"]["type"]);
    if !matches!(whole, "RuntimeDefault" | "Localhost") {
        let unset = own_contexts(pod).filter(|(_, context)| !is_set(&context["seccompProfile"]));
        found
            .extend(unset.map(|(path, _)| format!("{path}.seccompProfile: must be set here or for the pod")));
    }
    found
}

fn privilege_escalation(pod: &Value) -> Vec<String> {
    own_contexts(pod)
        .filter(|(_, context)| !is_windows(pod) && context["allowPrivilegeEscalation"] != false)
        .map(|(path, _)| format!("{path}.allowPrivilegeEscalation: must be false"))
        .collect()
}

fn run_as_non_root(pod: &Value) -> Vec<String> {
    if in_user_namespace(pod) {
        return Vec::new();
    }
    let mut found: Vec<_> = contexts(pod)
        .filter(|(_, context)| context["runAsNonRoot"] == false)
        .map(|(path, _)| format!("{path}.runAsNonRoot: must not be false"))
        .collect();
    if pod["spec"]["securityContext"]["runAsNonRoot"] != true {
        let unset = own_contexts(pod).filter(|(_, context)| !is_set(&context["runAsNonRoot"]));
        found.extend(unset.map(|(path, _)| format!("{path}.runAsNonRoot: must be true here or for the pod")));
    }
    found
}

fn run_as_user(pod: &Value) -> Vec<String> {
    contexts(pod)
        .filter(|(_, context)| !in_user_namespace(pod) && context["runAsUser"] == 0)
        .map(|(path, _)| format!("{path}.runAsUser: must not be 0"))
        .collect()
}

#[cfg(test)]
mod tests;
