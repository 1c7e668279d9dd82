//! The annotations that are read and written.

/// By which an author keeps a pod as it is.
pub const SKIP: &str = "llm-d-prefill.io/skip";
/// The model, where the entrypoint names none.
pub const MODEL: &str = "llm-d-prefill.io/model";
/// Parallelism as a JSON object, where the entrypoint names none.
pub const PARALLELISM: &str = "llm-d-prefill.io/parallelism";
/// What became of the pod, for people; every recognised pod carries it.
pub const VERDICT: &str = "llm-d-prefill.io/verdict";
/// Of Multus: the networks that the pod is attached to.
pub(crate) const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";
/// Of `LeaderWorkerSet`: the size of the group, leader included.
pub(crate) const LWS_SIZE: &str = "leaderworkerset.sigs.k8s.io/size";
/// Of the kubelet: a static pod's mirror.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
