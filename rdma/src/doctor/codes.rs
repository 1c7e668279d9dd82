//! What findings are called. `docs/doctor.md` has a row for each; a test compares the two.

use serde::{Serialize, Serializer};

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

prefill_core::codes! {
    /// What a finding is called.
    Code {
        /// NICs are not looked for.
        RdmaOff = "rdma-off",
        /// `KSERVE_INFER_ROCE` and `--rdma` contradict each other, or one is not understood.
        RdmaSwitch = "rdma-switch",
        /// libibverbs could not be loaded.
        VerbsLibraryMissing = "verbs-library-missing",
        /// libibverbs gives no list of devices.
        VerbsListFails = "verbs-list-fails",
        /// No device of this machine has its node in this pod.
        UverbsNodeMissing = "uverbs-node-missing",
        /// A node is there but cannot be opened.
        UverbsNodeUnopenable = "uverbs-node-unopenable",
        /// There is no RDMA device.
        NoRdmaDevice = "no-rdma-device",
        /// There are devices, but no port can be used.
        NoUsablePort = "no-usable-port",
        /// Ports that somebody counts on are missing.
        ExpectedRailsMissing = "expected-rails-missing",
        /// NCCL reads no further than 32.
        MoreThan32Hcas = "more-than-32-hcas",
        /// NVSHMEM writes behind its array.
        MoreThan48Hcas = "more-than-48-hcas",
        /// UCX stops.
        MoreThan64Devices = "more-than-64-devices",
        /// A port works but is not used, because it does not go with the others.
        PortLeftOut = "port-left-out",
        /// A port is slower than its model is elsewhere.
        PortDegraded = "port-degraded",
        /// Only link-local GIDs.
        LinkLocalOnly = "link-local-only",
        /// Only RoCE v1 GIDs.
        RoceV1Only = "roce-v1-only",
        /// The libraries choose wrong GIDs.
        GidChoiceWrong = "gid-choice-wrong",
        /// What the user set leads a library to a wrong GID.
        GidChoiceAstray = "gid-choice-astray",
        /// A network for GIDs has no address of a port in it.
        AddressRangeEmpty = "address-range-empty",
        /// A function that the pod was given is not to be seen.
        FunctionAbsent = "function-absent",
        /// A pattern matches no device.
        PatternIdle = "pattern-idle",
        /// The user's GID index is wrong on a port.
        ForcedGidIndexWrong = "forced-gid-index-wrong",
        /// The user's GID index is applied to InfiniBand ports too.
        ForcedGidIndexOnInfiniband = "forced-gid-index-on-infiniband",
        /// The user's GID index is no number.
        GidIndexUnreadable = "gid-index-unreadable",
        /// Some versions of NCCL stop at an unreadable entry.
        NcclSparseTable = "nccl-sparse-table",
        /// A list names a device that is not there.
        ListNamesAbsentDevice = "list-names-absent-device",
        /// A list names a device that cannot be used, or is not to be.
        ListNamesUnusableDevice = "list-names-unusable-device",
        /// A list names a front-end NIC.
        FrontEndInList = "front-end-in-list",
        /// NCCL takes names for beginnings of names.
        ListByBeginning = "list-by-beginning",
        /// NCCL is told to use no HCA.
        NcclIbDisabled = "nccl-ib-disabled",
        /// NVSHMEM is told to give out its HCAs by turns.
        NvshmemNicMapping = "nvshmem-nic-mapping",
        /// NVSHMEM must know `NVSHMEM_HCA_PREFIX`.
        NvshmemPrefix = "nvshmem-prefix",
        /// A library crashes at the range that it is told.
        AddressRangeGrammar = "address-range-grammar",
        /// A variable names a network interface that is not there.
        SocketInterfaceAbsent = "socket-interface-absent",
        /// Gloo is told an interface in NCCL's grammar.
        GlooInterfaceGrammar = "gloo-interface-grammar",
        /// UCX has no RDMA transport or device.
        UcxWithoutRdma = "ucx-without-rdma",
        /// UCX has no TCP to itself.
        UcxNoSelfEndpoint = "ucx-no-self-endpoint",
        /// A list for UCX is written as only newer versions read it.
        UcxListGrammar = "ucx-list-grammar",
        /// UCX refuses an index and subnets together.
        UcxIndexAndSubnets = "ucx-index-and-subnets",
        /// UCX finds no route to peers over the port's interface.
        UcxRouteMode = "ucx-route-mode",
        /// vLLM tells its peers an address that is theirs.
        NixlSideChannelHost = "nixl-side-channel-host",
        /// The ports' MTUs differ.
        MtuMismatch = "mtu-mismatch",
        /// A rail reaches no other rail.
        RailsNotCrossConnected = "rails-not-cross-connected",
        /// The leader's name has no address.
        LeaderUnresolved = "leader-unresolved",
        /// There is no route to the leader.
        NoRouteToLeader = "no-route-to-leader",
        /// Memory could not be registered.
        MemoryRegistrationFailed = "memory-registration-failed",
        /// Only so much memory may be locked.
        MemlockLimited = "memlock-limited",
        /// The soft limit was raised.
        MemlockRaised = "memlock-raised",
        /// `IPC_LOCK` was given, but this user does not have it.
        IpcLockNotEffective = "ipc-lock-not-effective",
        /// Capabilities count in this pod's user namespace only.
        UserNamespace = "user-namespace",
        /// `/dev/shm` is small.
        SharedMemorySmall = "shared-memory-small",
        /// NICs cannot reach GPU memory.
        GpudirectMissing = "gpudirect-missing",
        /// GPUs cannot ring the NIC's doorbell themselves.
        NvidiaParameters = "nvidia-parameters",
        /// IBGDA may not map the NIC's registers.
        SysRawioNotEffective = "sys-rawio-not-effective",
        /// A GPU has no NIC near it.
        GpuWithoutNearNic = "gpu-without-near-nic",
        /// The launcher stands where nothing may be executed.
        NoExecMount = "no-exec-mount",
        /// A mount hides the certificates of public authorities.
        CaBundleHidden = "ca-bundle-hidden",
    }
}
