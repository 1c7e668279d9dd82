//! Networks that narrow the choice of GIDs: one range, or a list of them.

use crate::inventory::Gid;
use crate::network::contains;
use std::net::IpAddr;

/// A network, as `address/length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Range {
    /// `10.0.0.0/8`; none where it is no network, which the libraries take for none given.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.trim().split_once('/')?;
        let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
        (prefix <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self { address, prefix })
    }

    /// The network of one address.
    pub(crate) fn host(address: IpAddr) -> Self {
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    pub(crate) fn has(self, gid: &Gid) -> bool {
        contains(self.address, self.prefix, gid.address())
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// What a variable for networks says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ranges {
    /// `all`.
    All,
    /// All but some (`^`).
    Except,
    /// These.
    Only(Vec<Range>),
    /// At least one of them is no network.
    Unreadable,
}

impl Ranges {
    pub(crate) fn parse(text: &str) -> Self {
        if text == "all" {
            return Self::All;
        }
        let (except, list) = text.strip_prefix('^').map_or((false, text), |list| (true, list));
        match list.split(',').map(Range::parse).collect::<Option<Vec<Range>>>() {
            None => Self::Unreadable,
            Some(_) if except => Self::Except,
            Some(ranges) => Self::Only(ranges),
        }
    }
}

/// Whether a range has its length; without one some versions of NCCL and NVSHMEM crash.
pub(crate) fn has_length(text: &str) -> bool {
    text.contains('/')
}
