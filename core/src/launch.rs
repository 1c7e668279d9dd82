//! What the policy tells the launcher about one pod. Every member is what the pod itself said,
//! or an annotation, or a setting; nothing here is guessed.

/// Sizes in which a model is split over GPUs. `None` leaves the choice to vLLM.
/// The words are those of KServe's `ParallelismSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parallelism {
    /// GPUs that one replica's layers are split over; at least 1.
    pub tensor: Option<u32>,
    /// Stages that one replica's layers are divided into; at least 1.
    pub pipeline: Option<u32>,
    /// Data-parallel ranks of the whole group; at least 1.
    pub data: Option<u32>,
    /// Data-parallel ranks in one pod; at least 1, and at most `data`.
    pub data_local: Option<u32>,
    /// TCP port of the data-parallel handshake, 1 to 65535.
    pub data_rpc_port: Option<u16>,
    /// Whether experts are spread over the ranks.
    pub expert: bool,
}

/// Who spreads requests over data-parallel ranks. Lifted from the pod, never inferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadBalancing {
    /// The leader's API servers do; workers are headless.
    #[default]
    Internal,
    /// Every pod serves its own ranks.
    Hybrid,
    /// Every rank is a server of its own.
    External,
}

/// Where the first data-parallel rank of this pod comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartRank {
    /// The pod does not say.
    #[default]
    Unset,
    /// `LWS_WORKER_INDEX` times `dataLocal`, at run time.
    WorkerIndex,
    /// This rank.
    Fixed(u32),
}

/// Where data-parallel ranks meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LeaderAddress {
    /// The pod does not say.
    #[default]
    Unset,
    /// `LWS_LEADER_ADDRESS`, at run time.
    Environment,
    /// This host name or IP address.
    Given(String),
}

/// How many API server processes serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiServers {
    /// The pod does not say; vLLM chooses.
    #[default]
    Unset,
    /// This many.
    Fixed(u32),
    /// `VLLM_API_SERVER_COUNT` at run time, this many where it is unset or empty.
    Environment(u32),
}

/// Which requests the HTTP server logs. vLLM has two flags for it and takes both: neither replaces
/// the other, and of each the last counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessLog {
    /// Whether none is logged; `false` where the pod says that they are.
    pub off: Option<bool>,
    /// Paths (comma separated) whose requests are not logged. Where this vLLM cannot leave paths out
    /// and the pod does not say whether it is off, it is.
    pub except: Option<String>,
}

/// Certificate files the server uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Path of the certificate, PEM.
    pub certificate: String,
    /// Path of its key, PEM.
    pub key: String,
    /// Whether changed files are loaded again without a restart.
    pub refresh: bool,
}

/// The port vLLM serves on unless told otherwise.
pub const DEFAULT_PORT: u16 = 8000;

/// One `vllm serve`, as the policy read it from the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Model name or path.
    pub model: String,
    /// Names under which the model is served; none means its own.
    pub served_model_names: Vec<String>,
    /// TCP port of the HTTP server.
    pub port: u16,
    /// Tensor, pipeline, data and expert parallelism.
    pub parallelism: Parallelism,
    /// First data-parallel rank of this pod.
    pub start_rank: StartRank,
    /// Whether vLLM is told that rank also where it is 0, the pod serves, and the load balancing is
    /// internal: the pod itself says so, and vLLM 0.28 or newer takes it for hybrid load balancing, as
    /// every vLLM takes its peers' other ranks. KServe's leader says 0 too, but its workers are headless.
    pub keep_rank_0: bool,
    /// Where data-parallel ranks meet.
    pub leader_address: LeaderAddress,
    /// Who spreads requests over ranks.
    pub load_balancing: LoadBalancing,
    /// Whether this pod runs engines only, without an HTTP server.
    pub headless: bool,
    /// API server processes.
    pub api_servers: ApiServers,
    /// Certificates, where the server speaks HTTPS.
    pub tls: Option<Tls>,
    /// Which requests are logged.
    pub access_log: AccessLog,
    /// Seconds that running requests get after SIGTERM.
    pub shutdown_timeout: Option<u32>,
    /// `--kv-transfer-config` (JSON) for when the user gives none.
    pub kv_transfer_default: Option<String>,
    /// Whether `VLLM_ADDITIONAL_ARGS` is read (as KServe's script does).
    pub additional_arguments: bool,
    /// RDMA resources that the container requests, for messages only (`rdma/roce_gdr=1`).
    pub rdma_resources: Vec<String>,
    /// Networks that the pod is attached to, for messages only (the Multus annotation's text).
    pub networks: Option<String>,
    /// Arguments that pass through to vLLM word for word, behind all others.
    pub passthrough: Vec<String>,
}

impl Launch {
    /// A launch of `model` that says nothing else.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            served_model_names: Vec::new(),
            port: DEFAULT_PORT,
            parallelism: Parallelism::default(),
            start_rank: StartRank::Unset,
            keep_rank_0: false,
            leader_address: LeaderAddress::Unset,
            load_balancing: LoadBalancing::Internal,
            headless: false,
            api_servers: ApiServers::Unset,
            tls: None,
            access_log: AccessLog::default(),
            shutdown_timeout: None,
            kv_transfer_default: None,
            additional_arguments: false,
            rdma_resources: Vec::new(),
            networks: None,
            passthrough: Vec::new(),
        }
    }
}
