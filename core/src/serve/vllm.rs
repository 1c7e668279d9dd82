//! What the installed vLLM knows, as far as the argument list depends on it.

/// What the installed vLLM knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct Features {
    /// `--disable-access-log-for-endpoints`, since 0.16.0 (vllm#30011).
    pub access_log_for_endpoints: bool,
    /// `--shutdown-timeout`, since 0.18.0 (vllm#36666).
    pub shutdown_timeout: bool,
    /// The `TieringOffloadingSpec` that KServe has the `OffloadingConnector` use, since 0.22.0 (vllm#40020).
    pub offloading_connector: bool,
    /// Its tier `fs`, which KServe names too, since 0.23.0. In 0.22 it is `fs_python`, and `fs` an error.
    pub file_tier: bool,
}

impl Features {
    /// A vLLM newer than any that is known: what is unknown is more likely new than old.
    pub const NEWEST: Self = Self {
        access_log_for_endpoints: true,
        shutdown_timeout: true,
        offloading_connector: true,
        file_tier: true,
    };

    /// Whether it may start Ray by itself where this pod's GPUs do not suffice. Nothing in its sources says so in one
    /// word; it ended with the releases that this flag came in (0.16).
    pub fn may_start_ray(self) -> bool {
        !self.access_log_for_endpoints
    }

    /// Whether it knows the connector that `config` (JSON of `--kv-transfer-config`) names.
    pub fn knows(self, config: &str) -> bool {
        let plain: String = config.chars().filter(|letter| !letter.is_whitespace()).collect();
        let offloading = plain.contains("TieringOffloadingSpec") || plain.contains("OffloadingConnector");
        let file_tier = plain.contains("\"type\":\"fs\"");
        (!offloading || self.offloading_connector) && (!file_tier || self.file_tier)
    }
}
