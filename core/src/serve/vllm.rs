//! What the installed vLLM knows, as far as the argument list depends on it.

/// What the installed vLLM knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// `--disable-access-log-for-endpoints` (0.16.0, vllm#30011).
    pub access_log_for_endpoints: bool,
    /// `--shutdown-timeout` (0.18.0, vllm#36666).
    pub shutdown_timeout: bool,
    /// The offloading connector that KServe's default asks for (0.22.0, vllm#40020).
    pub offloading_connector: bool,
}

impl Features {
    /// A vLLM newer than any that is known: what is unknown is more likely new than old.
    pub const NEWEST: Self =
        Self { access_log_for_endpoints: true, shutdown_timeout: true, offloading_connector: true };
}
