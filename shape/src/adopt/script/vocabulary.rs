//! The variables of KServe's script.

/// Variables in which the script keeps what it finds out about NICs. They end in the six exported
/// ones, which the launcher sets itself.
const FINDINGS: [&str; 19] = [
    "active_hcas",
    "active_hca_list",
    "hcas",
    "ucx_hcas",
    "hca_port_pairs",
    "hca_port_pairs_list",
    "hca_dir",
    "hca",
    "hca_name",
    "port_state_file",
    "type_file",
    "tpath",
    "idx",
    "gid_file",
    "gid_value",
    "gid_index_count",
    "hca_gid_index",
    "best_gid_index",
    "max_count",
];
const COUNT: &str = "count";
pub(super) const EXPORTED: [&str; 6] = [
    "NCCL_IB_HCA",
    "NVSHMEM_HCA_LIST",
    "UCX_NET_DEVICES",
    "NCCL_IB_GID_INDEX",
    "NVSHMEM_IB_GID_INDEX",
    "UCX_IB_GID_INDEX",
];

/// Variables besides [`FINDINGS`] and [`EXPORTED`] that the script reads.
const VARIABLES: [&str; 16] = [
    "KSERVE_INFER_ROCE",
    "KSERVE_INFER_IB_GID_INDEX_GREP",
    "DP_ADDRESS_RESOLVE_ATTEMPTS",
    "RESOLVE_ATTEMPTS",
    "LWS_LEADER_ADDRESS",
    "LWS_WORKER_INDEX",
    "DP_ADDRESS",
    "VLLM_VERSION",
    "VLLM_ADDITIONAL_ARGS",
    "VLLM_API_SERVER_COUNT",
    "START_RANK",
    "ACCESS_LOG_ARGS",
    "SHUTDOWN_TIMEOUT_ARGS",
    "KV_TRANSFER_ARGS",
    "NF",
    "i",
];

/// Whether the script keeps in it what it finds out about NICs.
pub(super) fn is_finding(name: &str) -> bool {
    FINDINGS.contains(&name) || name == COUNT
}

/// Whether the script itself has a variable called `name`.
pub(super) fn is_known(name: &str) -> bool {
    is_finding(name) || VARIABLES.contains(&name) || EXPORTED.contains(&name)
}
