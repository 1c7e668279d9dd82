//! What a prefill pod does in its group.

/// What a prefill pod does in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// First pod of a group: serves HTTP and the data-parallel handshake.
    Leader,
    /// Any other pod of a group.
    Worker,
    /// A pod without a group.
    Single,
}

impl Role {
    /// The role's name, as in the shape files.
    pub fn name(self) -> &'static str {
        match self {
            Role::Leader => "leader",
            Role::Worker => "worker",
            Role::Single => "single",
        }
    }
}
