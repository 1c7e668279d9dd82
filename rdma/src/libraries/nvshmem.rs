//! NVSHMEM: it has NCCL's choice of GIDs and NCCL's grammar of interfaces, and a list of HCAs of its own.
//!
//! Sources: NVSHMEM 3.4.5 `transport_ib_common.h` (NCCL's loop), `ibgda.cpp` (48 places, which it does not check),
//! `bootstrap_uid` (NCCL's `socket.cc`).

pub(crate) use super::nccl::interfaces;

use super::list::Devices;

/// Places for devices; it writes behind them.
pub(crate) const MOST: usize = 48;
/// What it expects in a device's name unless told otherwise.
pub(crate) const PREFIX: &str = "mlx5";

/// `[^]name[:port],…`: whole names.
pub(crate) fn devices(text: &str) -> Devices<'_> {
    match text {
        "all" => Devices::All,
        _ if text.starts_with('^') => Devices::Except,
        _ => Devices::only(true, text),
    }
}
