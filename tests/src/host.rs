//! What both waPC hosts have in common: what a guest asks for, and how a call can fail.

use std::fmt;

/// One call from the guest to its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCall {
    /// The waPC binding, `kubewarden` for everything that Kubewarden offers.
    pub binding: String,
    /// The capability, such as `tracing`.
    pub namespace: String,
    /// What it is to do, such as `log`.
    pub operation: String,
    /// The bytes that go with it.
    pub payload: Vec<u8>,
}

impl HostCall {
    /// Answers as a policy server without a cluster does: log records are taken, all else is refused.
    ///
    /// # Errors
    /// Names the call that this host does not offer.
    pub fn answer(&self) -> Result<Vec<u8>, String> {
        let Self { binding, namespace, operation, .. } = self;
        match (binding.as_str(), namespace.as_str(), operation.as_str()) {
            ("kubewarden", "tracing", "log") => Ok(Vec::new()),
            _ => Err(format!("host call `{binding}/{namespace}/{operation}`: not offered by the test host")),
        }
    }
}

/// Why a host has no reply to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// The bytes are no WebAssembly module, or not one that speaks waPC.
    Module(String),
    /// The guest answered with an error.
    GuestError(String),
    /// The guest came to a halt: a panic, a stack that is too deep, an access out of bounds.
    Trap(String),
    /// The guest ran for longer than the host allows.
    Interrupted,
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(text) => write!(formatter, "module: {text}"),
            Self::GuestError(text) => write!(formatter, "guest error: {text}"),
            Self::Trap(text) => write!(formatter, "trap: {text}"),
            Self::Interrupted => write!(formatter, "interrupted: the guest ran for too long"),
        }
    }
}

impl std::error::Error for HostError {}
