//! The process that looks, and the GPUs it sees.

use crate::root::Root;
use prefill_rdma::inventory::Process;

/// Effective user and capabilities, from `/proc/self/status`.
pub(super) fn read(root: &Root) -> Process {
    let text = root.read("proc/self/status").unwrap_or_default();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Process {
        user: line("Uid:").and_then(|ids| ids.split_ascii_whitespace().nth(1)?.parse().ok()),
        capabilities: line("CapEff:").map(str::to_owned),
    }
}

/// PCI addresses of the GPUs that NVIDIA's driver shows.
pub(super) fn gpus(root: &Root) -> Option<Vec<String>> {
    let all = root.directory("proc/driver/nvidia/gpus").ok()?;
    Some(all.names().into_iter().filter(|address| all.directory(address).is_ok()).collect())
}
