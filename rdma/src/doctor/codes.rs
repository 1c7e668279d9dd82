//! What findings are called. `docs/doctor.md` has a row for each; a test compares the two.

/// NICs are not looked for.
pub const RDMA_OFF: &str = "rdma-off";
/// `KSERVE_INFER_ROCE` and `--rdma` contradict each other, or one is not understood.
pub const RDMA_SWITCH: &str = "rdma-switch";
/// libibverbs could not be loaded.
pub const VERBS_LIBRARY_MISSING: &str = "verbs-library-missing";
/// libibverbs gives no list of devices.
pub const VERBS_LIST_FAILS: &str = "verbs-list-fails";
/// No device of this machine has its node in this pod.
pub const UVERBS_NODE_MISSING: &str = "uverbs-node-missing";
/// A node is there but cannot be opened.
pub const UVERBS_NODE_UNOPENABLE: &str = "uverbs-node-unopenable";
/// There is no RDMA device.
pub const NO_RDMA_DEVICE: &str = "no-rdma-device";
/// There are devices, but no port can be used.
pub const NO_USABLE_PORT: &str = "no-usable-port";
/// Ports that somebody counts on are missing.
pub const EXPECTED_RAILS_MISSING: &str = "expected-rails-missing";
/// NCCL reads no further than 32.
pub const MORE_THAN_32_HCAS: &str = "more-than-32-hcas";
/// NVSHMEM writes behind its array.
pub const MORE_THAN_48_HCAS: &str = "more-than-48-hcas";
/// UCX stops.
pub const MORE_THAN_64_DEVICES: &str = "more-than-64-devices";
/// A port works but is not used, because it does not go with the others.
pub const PORT_LEFT_OUT: &str = "port-left-out";
/// A port is slower than its model is elsewhere.
pub const PORT_DEGRADED: &str = "port-degraded";

/// Only link-local GIDs.
pub const LINK_LOCAL_ONLY: &str = "link-local-only";
/// Only RoCE v1 GIDs.
pub const ROCE_V1_ONLY: &str = "roce-v1-only";
/// The libraries choose wrong GIDs.
pub const GID_CHOICE_WRONG: &str = "gid-choice-wrong";
/// What the user set leads a library to a wrong GID.
pub const GID_CHOICE_ASTRAY: &str = "gid-choice-astray";
/// A network for GIDs has no address of a port in it.
pub const ADDRESS_RANGE_EMPTY: &str = "address-range-empty";
/// A function that the pod was given is not to be seen.
pub const FUNCTION_ABSENT: &str = "function-absent";
/// A pattern matches no device.
pub const PATTERN_IDLE: &str = "pattern-idle";
/// The user's GID index is wrong on a port.
pub const FORCED_GID_INDEX_WRONG: &str = "forced-gid-index-wrong";
/// The user's GID index is applied to InfiniBand ports too.
pub const FORCED_GID_INDEX_ON_INFINIBAND: &str = "forced-gid-index-on-infiniband";
/// The user's GID index is no number.
pub const GID_INDEX_UNREADABLE: &str = "gid-index-unreadable";
/// Some versions of NCCL stop at an unreadable entry.
pub const NCCL_SPARSE_TABLE: &str = "nccl-sparse-table";

/// A list names a device that is not there.
pub const LIST_NAMES_ABSENT_DEVICE: &str = "list-names-absent-device";
/// A list names a device that cannot be used, or is not to be.
pub const LIST_NAMES_UNUSABLE_DEVICE: &str = "list-names-unusable-device";
/// A list names a front-end NIC.
pub const FRONT_END_IN_LIST: &str = "front-end-in-list";
/// NCCL takes names for beginnings of names.
pub const LIST_BY_BEGINNING: &str = "list-by-beginning";

/// NCCL is told to use no HCA.
pub const NCCL_IB_DISABLED: &str = "nccl-ib-disabled";
/// NVSHMEM is told to give out its HCAs by turns.
pub const NVSHMEM_NIC_MAPPING: &str = "nvshmem-nic-mapping";
/// NVSHMEM must know `NVSHMEM_HCA_PREFIX`.
pub const NVSHMEM_PREFIX: &str = "nvshmem-prefix";
/// A library crashes at the range that it is told.
pub const ADDRESS_RANGE_GRAMMAR: &str = "address-range-grammar";
/// A variable names a network interface that is not there.
pub const SOCKET_INTERFACE_ABSENT: &str = "socket-interface-absent";
/// Gloo is told an interface in NCCL's grammar.
pub const GLOO_INTERFACE_GRAMMAR: &str = "gloo-interface-grammar";
/// UCX has no RDMA transport or device.
pub const UCX_WITHOUT_RDMA: &str = "ucx-without-rdma";
/// UCX has no TCP to itself.
pub const UCX_NO_SELF_ENDPOINT: &str = "ucx-no-self-endpoint";
/// A list for UCX is written as only newer versions read it.
pub const UCX_LIST_GRAMMAR: &str = "ucx-list-grammar";
/// UCX refuses an index and subnets together.
pub const UCX_INDEX_AND_SUBNETS: &str = "ucx-index-and-subnets";
/// UCX finds no route to peers over the port's interface.
pub const UCX_ROUTE_MODE: &str = "ucx-route-mode";
/// vLLM tells its peers an address that is theirs.
pub const NIXL_SIDE_CHANNEL_HOST: &str = "nixl-side-channel-host";

/// The ports' MTUs differ.
pub const MTU_MISMATCH: &str = "mtu-mismatch";
/// A rail reaches no other rail.
pub const RAILS_NOT_CROSS_CONNECTED: &str = "rails-not-cross-connected";
/// The leader's name has no address.
pub const LEADER_UNRESOLVED: &str = "leader-unresolved";
/// There is no route to the leader.
pub const NO_ROUTE_TO_LEADER: &str = "no-route-to-leader";

/// Memory could not be registered.
pub const MEMORY_REGISTRATION_FAILED: &str = "memory-registration-failed";
/// Only so much memory may be locked.
pub const MEMLOCK_LIMITED: &str = "memlock-limited";
/// The soft limit was raised.
pub const MEMLOCK_RAISED: &str = "memlock-raised";
/// `IPC_LOCK` was given, but this user does not have it.
pub const IPC_LOCK_NOT_EFFECTIVE: &str = "ipc-lock-not-effective";
/// Capabilities count in this pod's user namespace only.
pub const USER_NAMESPACE: &str = "user-namespace";
/// `/dev/shm` is small.
pub const SHARED_MEMORY_SMALL: &str = "shared-memory-small";

/// NICs cannot reach GPU memory.
pub const GPUDIRECT_MISSING: &str = "gpudirect-missing";
/// GPUs cannot ring the NIC's doorbell themselves.
pub const NVIDIA_PARAMETERS: &str = "nvidia-parameters";
/// IBGDA may not map the NIC's registers.
pub const SYS_RAWIO_NOT_EFFECTIVE: &str = "sys-rawio-not-effective";
/// A GPU has no NIC near it.
pub const GPU_WITHOUT_NEAR_NIC: &str = "gpu-without-near-nic";

/// The launcher stands where nothing may be executed.
pub const NO_EXEC_MOUNT: &str = "no-exec-mount";
/// A mount hides the certificates of public authorities.
pub const CA_BUNDLE_HIDDEN: &str = "ca-bundle-hidden";
