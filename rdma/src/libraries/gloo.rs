//! Gloo, as `PyTorch` starts it: one device for each name, and every one must be there.
//!
//! Sources: `PyTorch` `distributed_c10d` (`GLOO_SOCKET_IFNAME` is split at commas, each part is a whole name), gloo
//! `transport/tcp/device.cc` (`Unable to find address for`).

use super::names::Interfaces;

/// Whole names; what NCCL means by `=` and `^` is no name of an interface.
pub(crate) fn interfaces(text: &str) -> Interfaces<'_> {
    if text.len() < 2 {
        Interfaces::Any
    } else if text.starts_with(['=', '^']) {
        Interfaces::Unreadable
    } else {
        // The last comma ends a name, and begins none.
        Interfaces::Only { exact: true, names: text.strip_suffix(',').unwrap_or(text).split(',').collect() }
    }
}
