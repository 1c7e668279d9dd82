//! What libibverbs answers, without pointers.

use super::words;
use prefill_rdma::inventory::{GidType, LinkLayer, PortState};
use std::fmt;
use std::net::Ipv6Addr;

/// What a device says of itself.
#[derive(Debug)]
pub(crate) struct DeviceFacts {
    /// How many ports it has; at most 255 are counted.
    pub(crate) ports: u8,
    /// Version of its firmware.
    pub(crate) firmware: String,
}

/// What a device says of a port.
#[derive(Debug)]
pub(crate) struct PortFacts {
    /// Logical state.
    pub(crate) state: PortState,
    /// Physical state as the kernel names it.
    pub(crate) physical_state: Option<&'static str>,
    /// What the link speaks.
    pub(crate) link_layer: LinkLayer,
    /// Active MTU of the RDMA link, bytes.
    pub(crate) mtu: Option<u32>,
    /// Places in its GID table, most of them empty.
    pub(crate) gid_table_length: usize,
}

/// An entry of a GID table.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its port.
    pub(crate) port: u32,
    /// Its place in the table of that port.
    pub(crate) index: u32,
    /// Its 16 bytes.
    pub(crate) gid: Ipv6Addr,
    /// Its type.
    pub(crate) kind: Option<GidType>,
    /// Index of its network interface, in the namespace of that interface, which may not be this one.
    pub(crate) netdev_index: Option<u32>,
}

/// Why there is no GID table; sysfs has it too, entry by entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TableError {
    /// The library is too old to be asked.
    MissingSymbol,
    /// It failed.
    Errno(i32),
}

/// Why memory was not registered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RegisterError {
    /// The library cannot be asked.
    MissingSymbol,
    /// This call failed.
    Failed {
        /// Its name.
        call: &'static str,
        /// How.
        errno: i32,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingSymbol => f.write_str("this libibverbs has no `ibv_reg_mr`"),
            Self::Failed { call, errno } => f.write_str(&words::failed(call, *errno)),
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingSymbol => {
                f.write_str("this libibverbs has no `_ibv_query_gid_table`, which came with rdma-core 32")
            }
            Self::Errno(errno) => f.write_str(&words::failed("_ibv_query_gid_table", *errno)),
        }
    }
}
