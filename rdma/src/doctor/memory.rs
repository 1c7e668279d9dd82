//! Memory that NICs may reach (locked pages), and memory that processes share.

use super::codes::Code;
use super::facts::{Registration, has_capability, mount_of, size};
use super::{Case, Facts, Finding, Limit, MemoryLock, Refusal, Severity, listed};

/// `CAP_IPC_LOCK`: no limit counts.
const IPC_LOCK: u32 = 14;
const SHARED_MEMORY: &str = "/dev/shm";
/// What container runtimes give unless told otherwise.
const RUNTIMES_DEFAULT: u64 = 64 << 20;
/// What KServe's presets began with, and took for too small later.
const ENOUGH: u64 = 1 << 30;

const HOST_USERS: &str = "set `hostUsers: true`, or raise the limit on the node (`LimitMEMLOCK=infinity`): `IPC_LOCK` of this user namespace does not count";
const RAISE: &str =
    "raise it on the node (`LimitMEMLOCK=infinity` for containerd or CRI-O), or run as root with `IPC_LOCK`";

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        [shared_memory, raised].into_iter().filter_map(|check| check(case)).collect();
    // Nothing is registered where no NIC is there.
    if case.plan.off.is_none() && !case.inventory.devices.is_empty() {
        let checks = [registration, limited, capability, namespace];
        found.extend(checks.into_iter().filter_map(|check| check(case)));
    }
    found
}

fn has_ipc_lock(case: Case<'_>) -> Option<bool> {
    has_capability(case.inventory.process.capabilities.as_deref()?, IPC_LOCK)
}

/// Whether the limit counts although `CapEff` has `IPC_LOCK`: the kernel asks for it in the first user namespace.
fn limit_counts(case: Case<'_>) -> Option<bool> {
    match (has_ipc_lock(case)?, case.facts.first_user_namespace) {
        (false, _) => Some(true),
        (true, first) => first.map(|first| !first),
    }
}

/// What helps where the limit counts.
fn remedy(case: Case<'_>) -> &'static str {
    if has_ipc_lock(case) == Some(true) { HOST_USERS } else { RAISE }
}

fn failed(facts: &Facts) -> Vec<(&Registration, &Refusal)> {
    facts.registrations.iter().filter_map(|one| Some((one, one.failure.as_ref()?))).collect()
}

/// What a person needs to understand a refusal.
fn circumstances(case: Case<'_>) -> String {
    let limit = case.facts.memory_lock.map(|MemoryLock { soft, hard, raised }| {
        let raised = if raised { ", raised to it" } else { "" };
        format!("`RLIMIT_MEMLOCK` soft {soft}, hard {hard}{raised}")
    });
    let lock =
        has_ipc_lock(case).map(|has| format!("`CapEff` {} `IPC_LOCK`", if has { "has" } else { "has no" }));
    let namespace = case.facts.first_user_namespace.map(|first| {
        let which = if first { "the first user namespace" } else { "another user namespace than the first" };
        format!("`/proc/self/uid_map` is {which}")
    });
    [limit, lock, namespace].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn registration(case: Case<'_>) -> Option<Finding> {
    let failed = failed(case.facts);
    let (first, refusal) = failed.first()?;
    let devices: Vec<String> =
        failed.iter().map(|(one, refusal)| format!("`{}`: {}", one.device, refusal.text)).collect();
    let reached = case.facts.memory_lock.is_some_and(|lock| lock.current() <= Limit::Bytes(first.bytes));
    let fix = match (refusal.errno, limit_counts(case)) {
        (Refusal::NO_MEMORY, Some(true) | None) if reached => remedy(case),
        (Refusal::NO_MEMORY, _) => {
            "look at the container's memory limit and at the node's `dmesg`: no limit on locked memory explains it"
        }
        _ => {
            "look at the node's `dmesg`, and whether the image's provider library goes with the node's driver"
        }
    };
    Some(Finding::new(
        Code::MemoryRegistrationFailed,
        Severity::Error,
        format!("{}; {}", listed(&devices), circumstances(case)),
        format!(
            "{} of memory cannot be registered: NCCL, NVSHMEM and UCX fail when they start (`ibv_create_cq`, `ibv_reg_mr`: Cannot allocate memory)",
            size(first.bytes)
        ),
        fix,
    ))
}

fn limited(case: Case<'_>) -> Option<Finding> {
    let limit = case.facts.memory_lock?.current();
    if limit == Limit::Unlimited || limit_counts(case) != Some(true) || !failed(case.facts).is_empty() {
        return None;
    }
    let tried = match case.facts.registrations.first() {
        // Then something else than this limit counts.
        Some(one) if limit < Limit::Bytes(one.bytes) => return None,
        Some(one) => format!("{} can be registered, but ", size(one.bytes)),
        None => String::new(),
    };
    Some(Finding::new(
        Code::MemlockLimited,
        Severity::Warning,
        format!("`/proc/self/limits`: {}", circumstances(case)),
        format!("{tried}not more than {limit} of host memory may be locked: buffers beyond that fail"),
        remedy(case),
    ))
}

/// `capabilities.add` fills the bounding set; a user other than root gets nothing of it when it executes a program.
fn capability(case: Case<'_>) -> Option<Finding> {
    let given = has_capability(case.facts.bounding_capabilities.as_deref()?, IPC_LOCK)?;
    let missed = case.facts.memory_lock.map(MemoryLock::current) != Some(Limit::Unlimited);
    if !given || has_ipc_lock(case)? || !missed {
        return None;
    }
    let tried = !case.facts.registrations.is_empty() && failed(case.facts).is_empty();
    let user = case.inventory.process.user.map_or_else(|| "unknown".to_owned(), |user| user.to_string());
    Some(Finding::new(
        Code::IpcLockNotEffective,
        if tried { Severity::Info } else { Severity::Warning },
        format!("`/proc/self/status`: user {user}, `CapBnd` has `IPC_LOCK`, `CapEff` does not"),
        "the container was given `IPC_LOCK`, but its user does not have it: added capabilities reach root only",
        "raise the limit on the node (`LimitMEMLOCK=infinity`), or run as user 0",
    ))
}

fn namespace(case: Case<'_>) -> Option<Finding> {
    if case.facts.first_user_namespace? {
        return None;
    }
    let limited = case.facts.memory_lock.map(MemoryLock::current) != Some(Limit::Unlimited);
    let misleads = limited && has_ipc_lock(case) == Some(true);
    Some(Finding::new(
        Code::UserNamespace,
        if misleads { Severity::Warning } else { Severity::Info },
        "`/proc/self/uid_map` does not map all users to themselves",
        "the pod has a user namespace of its own: `IPC_LOCK` and `SYS_RAWIO` count in it only, and not for NICs",
        "set `hostUsers: true` where these capabilities are needed",
    ))
}

fn raised(case: Case<'_>) -> Option<Finding> {
    let MemoryLock { soft, hard, raised } = case.facts.memory_lock?;
    raised.then(|| {
        Finding::new(
            Code::MemlockRaised,
            Severity::Info,
            format!("`RLIMIT_MEMLOCK` was {soft}, its hard limit is {hard}"),
            "the soft limit was raised to the hard one for this check; another program starts with the soft one",
            "raise the soft limit where the container is started, or start vLLM from a program that raises it",
        )
    })
}

/// NCCL's ranks on one node, and vLLM's processes, talk through `/dev/shm`.
fn shared_memory(case: Case<'_>) -> Option<Finding> {
    let bytes = case.facts.shared_memory.filter(|bytes| *bytes < ENOUGH)?;
    // One GPU alone has nobody to share with; with several, NCCL's segments do not fit into the runtimes' default.
    let several = case.gpus().is_some_and(|count| count > 1);
    let severity = if several && bytes <= RUNTIMES_DEFAULT { Severity::Error } else { Severity::Warning };
    let mount = case.facts.mounts.as_ref().and_then(|mounts| mount_of(mounts, SHARED_MEMORY));
    let kind = mount.map(|mount| format!(" ({})", mount.file_system)).unwrap_or_default();
    let default = if bytes == RUNTIMES_DEFAULT { ", which is what a runtime gives by itself" } else { "" };
    Some(Finding::new(
        Code::SharedMemorySmall,
        severity,
        format!("`{SHARED_MEMORY}` has {}{default}{kind}", size(bytes)),
        "NCCL and vLLM's processes share memory there; where it is full, they end with `Bus error` or `No space left on device`",
        "mount an `emptyDir` with `medium: Memory` at `/dev/shm`, 8Gi where a pod has several GPUs",
    ))
}

#[cfg(test)]
mod tests;
