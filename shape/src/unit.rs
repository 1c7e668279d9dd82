//! The parts of a pod that are shaped or left as a whole, and how far each goes.

/// A part of the pod that is shaped or left as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Image and pull policy.
    Image,
    /// Command, arguments and how the launcher comes into the pod.
    Entrypoint,
    /// The container's port.
    Port,
    /// Environment variables that belong to no other unit.
    Environment,
    /// The container's security context.
    SecurityContext,
    /// Liveness, readiness and startup probes.
    Probes,
    /// `preStop`, grace period and shutdown timeout.
    Stop,
    /// Certificate volume, mount and flags, and the probes' scheme.
    Tls,
    /// Home, model cache and temporary folder: variables and mounts together.
    Caches,
    /// `/dev/shm`.
    SharedMemory,
    /// Where a container's last words are read from.
    TerminationMessage,
}

impl Unit {
    /// Every unit, in the order in which they are shaped. The entrypoint is last: others add to
    /// what the launcher is told.
    pub const ALL: [Unit; 11] = [
        Unit::Image,
        Unit::Port,
        Unit::Environment,
        Unit::Caches,
        Unit::SharedMemory,
        Unit::SecurityContext,
        Unit::Tls,
        Unit::Stop,
        Unit::Probes,
        Unit::TerminationMessage,
        Unit::Entrypoint,
    ];

    /// Its key in the settings.
    pub fn setting(self) -> &'static str {
        match self {
            Unit::Image => "image",
            Unit::Entrypoint => "entrypoint",
            Unit::Port => "port",
            Unit::Environment => "environment",
            Unit::SecurityContext => "securityContext",
            Unit::Probes => "probes",
            Unit::Stop => "stop",
            Unit::Tls => "tls",
            Unit::Caches => "caches",
            Unit::SharedMemory => "sharedMemory",
            Unit::TerminationMessage => "terminationMessage",
        }
    }

    /// Its name in reason codes.
    pub fn name(self) -> &'static str {
        match self {
            Unit::SecurityContext => "security-context",
            Unit::SharedMemory => "shared-memory",
            Unit::TerminationMessage => "termination-message",
            other => other.setting(),
        }
    }
}

/// How far a unit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The shape's values win over the pod's; what the shape does not know stays.
    Enforce,
    /// The unit is filled where the pod has none of its members.
    Default,
    /// The unit is not looked at.
    Off,
}
