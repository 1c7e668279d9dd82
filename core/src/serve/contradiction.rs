//! What a launch can contradict. `docs/run.md` has a row for each; a test compares the two.

crate::codes! {
    /// A contradiction of the launch with itself or the pod.
    Contradiction {
        /// More ranks in a pod than there are.
        DataLocalTooLarge = "data-local-too-large",
        /// Ranks that no pod has.
        DataNotAMultiple = "data-not-a-multiple",
        /// A rank behind the last.
        RankOutOfRange = "rank-out-of-range",
        /// vLLM would take all ranks in each pod.
        DataLocalUnset = "data-local-unset",
        /// The group has more or fewer ranks than were asked for.
        GroupSize = "group-size",
        /// A headless pod with the leader's ranks.
        HeadlessRank0 = "headless-rank-0",
        /// More workers than GPUs.
        TooFewGpus = "too-few-gpus",
        /// Attention heads that tensor parallelism cannot share.
        HeadsNotDivisible = "heads-not-divisible",
        /// Expert parallelism without experts.
        NoExperts = "no-experts",
        /// One port for two things.
        PortTwice = "port-twice",
        /// Several ranks in a pod of external load balancing.
        ExternalRanks = "external-ranks",
        /// External load balancing without a rank.
        ExternalWithoutRank = "external-without-rank",
        /// No API server on a pod that is to serve.
        NoApiServer = "no-api-server",
        /// A certificate that cannot be read.
        Certificate = "certificate",
    }
}
