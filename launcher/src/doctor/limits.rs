//! What this process may do: `/proc/self/{limits,status,uid_map}`.

use super::Reader;
use crate::limits::raise_memlock;
use prefill_rdma::doctor::{Facts, Limit, MemoryLock};

/// The first user namespace maps every user to itself: first user here, first user there, how many.
pub(super) fn first_user_namespace(reader: &mut Reader<'_>) -> Option<bool> {
    let text = reader.read("proc/self/uid_map")?;
    Some(text.split_ascii_whitespace().eq(["0", "0", "4294967295"]))
}

/// `CapBnd: 00000000a80425fb`
pub(super) fn bounding_capabilities(reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.read("proc/self/status")?;
    text.lines().find_map(|line| line.strip_prefix("CapBnd:")).map(|mask| mask.trim().to_owned())
}

/// `Max locked memory         65536                65536                bytes`
pub(super) fn memory_lock(reader: &mut Reader<'_>) -> Option<MemoryLock> {
    let text = reader.read("proc/self/limits")?;
    let values = text.lines().find_map(|line| line.strip_prefix("Max locked memory"))?;
    let mut values = values.split_ascii_whitespace().map(|value| match value {
        "unlimited" => Some(Limit::Unlimited),
        bytes => bytes.parse().ok().map(Limit::Bytes),
    });
    Some(MemoryLock { soft: values.next()??, hard: values.next()??, raised: false })
}

/// Raises the soft limit to the hard one, which every process may do for itself.
pub(super) fn raise(facts: &mut Facts) {
    let Some(lock) = facts.memory_lock.as_mut().filter(|lock| lock.soft < lock.hard) else { return };
    match raise_memlock() {
        Ok(_) => lock.raised = true,
        Err(error) => facts.unknown.push(format!("`RLIMIT_MEMLOCK` could not be raised: {error}")),
    }
}
