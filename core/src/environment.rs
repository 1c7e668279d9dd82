//! Environment variables: the names, spelled once, and what a process finds in them.

use std::collections::BTreeMap;

/// Address of the leader pod; set by the LeaderWorkerSet webhook in every container.
pub const LWS_LEADER_ADDRESS: &str = "LWS_LEADER_ADDRESS";
/// Number of pods in this group, leader included; set by the LeaderWorkerSet webhook.
pub const LWS_GROUP_SIZE: &str = "LWS_GROUP_SIZE";
/// Index of this pod in its group, 0 for the leader; set by the LeaderWorkerSet webhook.
pub const LWS_WORKER_INDEX: &str = "LWS_WORKER_INDEX";
/// How often KServe's script asks for the address of the leader, once a second; 30 unless set.
pub const DP_ADDRESS_RESOLVE_ATTEMPTS: &str = "DP_ADDRESS_RESOLVE_ATTEMPTS";
/// More `vllm serve` arguments as POSIX shell words; KServe's script reads it.
pub const VLLM_ADDITIONAL_ARGS: &str = "VLLM_ADDITIONAL_ARGS";
/// Number of API server processes of a leader; KServe's script reads it.
pub const VLLM_API_SERVER_COUNT: &str = "VLLM_API_SERVER_COUNT";

/// Whether KServe's script looks for NICs; it knows `true` only.
pub const KSERVE_INFER_ROCE: &str = "KSERVE_INFER_ROCE";
/// Text that the type of a GID must contain; `RoCE v2` unless set.
pub const KSERVE_INFER_IB_GID_INDEX_GREP: &str = "KSERVE_INFER_IB_GID_INDEX_GREP";
/// What the names begin with in which the SR-IOV device plugin says which PCI functions are the pod's.
pub const PCIDEVICE: &str = "PCIDEVICE_";

/// HCAs that NCCL uses.
pub const NCCL_IB_HCA: &str = "NCCL_IB_HCA";
/// Index into the GID table of every RoCE port, for NCCL; -1 lets it choose.
pub const NCCL_IB_GID_INDEX: &str = "NCCL_IB_GID_INDEX";
/// Family of the addresses that NCCL chooses GIDs of: `AF_INET` or `AF_INET6`.
pub const NCCL_IB_ADDR_FAMILY: &str = "NCCL_IB_ADDR_FAMILY";
/// Network that NCCL chooses GIDs of.
pub const NCCL_IB_ADDR_RANGE: &str = "NCCL_IB_ADDR_RANGE";
/// RoCE version of the GIDs that NCCL chooses, 2 unless set.
pub const NCCL_IB_ROCE_VERSION_NUM: &str = "NCCL_IB_ROCE_VERSION_NUM";
/// Interfaces for NCCL's bootstrap.
pub const NCCL_SOCKET_IFNAME: &str = "NCCL_SOCKET_IFNAME";
/// Network that NCCL uses: `IB`, `Socket`, or a plug-in's.
pub const NCCL_NET: &str = "NCCL_NET";
/// Plug-in that NCCL loads for its network.
pub const NCCL_NET_PLUGIN: &str = "NCCL_NET_PLUGIN";
/// Whether NCCL pairs different rails; 0 keeps each rail to itself.
pub const NCCL_CROSS_NIC: &str = "NCCL_CROSS_NIC";
/// Whether NCCL passes over all HCAs.
pub const NCCL_IB_DISABLE: &str = "NCCL_IB_DISABLE";

/// HCAs and ports that NVSHMEM uses.
pub const NVSHMEM_HCA_LIST: &str = "NVSHMEM_HCA_LIST";
/// Text that the names of NVSHMEM's HCAs contain, `mlx5` unless set.
pub const NVSHMEM_HCA_PREFIX: &str = "NVSHMEM_HCA_PREFIX";
/// HCAs, ports and how many processes use them; NVSHMEM drops it beside [`NVSHMEM_HCA_LIST`].
pub const NVSHMEM_HCA_PE_MAPPING: &str = "NVSHMEM_HCA_PE_MAPPING";
/// As [`NCCL_IB_GID_INDEX`], for NVSHMEM.
pub const NVSHMEM_IB_GID_INDEX: &str = "NVSHMEM_IB_GID_INDEX";
/// As [`NCCL_IB_ADDR_FAMILY`], for NVSHMEM.
pub const NVSHMEM_IB_ADDR_FAMILY: &str = "NVSHMEM_IB_ADDR_FAMILY";
/// As [`NCCL_IB_ADDR_RANGE`], for NVSHMEM.
pub const NVSHMEM_IB_ADDR_RANGE: &str = "NVSHMEM_IB_ADDR_RANGE";
/// As [`NCCL_IB_ROCE_VERSION_NUM`], for NVSHMEM.
pub const NVSHMEM_IB_ROCE_VERSION_NUM: &str = "NVSHMEM_IB_ROCE_VERSION_NUM";
/// Whether NVSHMEM gives its HCAs to processes by turns instead of by distance.
pub const NVSHMEM_ENABLE_NIC_PE_MAPPING: &str = "NVSHMEM_ENABLE_NIC_PE_MAPPING";
/// Interface for NVSHMEM's bootstrap by unique ID.
pub const NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME: &str = "NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME";

/// Network devices that UCX uses, RDMA ports and TCP interfaces alike.
pub const UCX_NET_DEVICES: &str = "UCX_NET_DEVICES";
/// Index into the GID table of every port, for UCX; `auto` lets it choose.
pub const UCX_IB_GID_INDEX: &str = "UCX_IB_GID_INDEX";
/// Networks that UCX chooses GIDs of.
pub const UCX_IB_ROCE_SUBNETS: &str = "UCX_IB_ROCE_SUBNETS";
/// How UCX tests whether a RoCE peer can be reached: `route` (the default since 1.19), `local_subnet`, `all`.
pub const UCX_IB_ROCE_REACHABILITY_MODE: &str = "UCX_IB_ROCE_REACHABILITY_MODE";
/// Whether UCX's shared memory serves endpoints that ask for error handling, as NIXL's do; `n` unless set.
pub const UCX_MM_ERROR_HANDLING: &str = "UCX_MM_ERROR_HANDLING";
/// Transports that UCX uses.
pub const UCX_TLS: &str = "UCX_TLS";

/// Address that a NIXL connector binds and advertises; `localhost` unless set.
pub const VLLM_NIXL_SIDE_CHANNEL_HOST: &str = "VLLM_NIXL_SIDE_CHANNEL_HOST";
/// Port that vLLM's processes talk over; a Service named `vllm` puts a URL there.
pub const VLLM_PORT: &str = "VLLM_PORT";

/// Interfaces that Gloo (torch's CPU groups) uses.
pub const GLOO_SOCKET_IFNAME: &str = "GLOO_SOCKET_IFNAME";

/// What a process finds in its environment. An empty value counts as none, as in KServe's script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The value of `name`, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether `name` is there, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether `name` is there with nothing in it, which some libraries read as a value.
    pub fn is_empty(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(String::is_empty)
    }

    /// Every variable that is not empty, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(_, value)| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}
