//! Names of environment variables that KServe, LeaderWorkerSet and vLLM define.

/// Address of the leader pod; set by the LeaderWorkerSet webhook in every container.
pub const LWS_LEADER_ADDRESS: &str = "LWS_LEADER_ADDRESS";
/// Number of pods in this group, leader included; set by the LeaderWorkerSet webhook.
pub const LWS_GROUP_SIZE: &str = "LWS_GROUP_SIZE";
/// Index of this pod in its group, 0 for the leader; set by the LeaderWorkerSet webhook.
pub const LWS_WORKER_INDEX: &str = "LWS_WORKER_INDEX";
/// More `vllm serve` arguments as POSIX shell words; KServe's script reads it.
pub const VLLM_ADDITIONAL_ARGS: &str = "VLLM_ADDITIONAL_ARGS";
/// Number of API server processes of a leader; KServe's script reads it.
pub const VLLM_API_SERVER_COUNT: &str = "VLLM_API_SERVER_COUNT";
