//! The function that came with rdma-core 32.
#![allow(unsafe_code, reason = "it stands in for a C library")]

use crate::library::{called, mirror, opened};
use mirror::{ibv_context, ibv_gid_entry};

const EINVAL: isize = 22;

/// There is room for `places` entries of `size` bytes each.
#[unsafe(no_mangle)]
unsafe extern "C" fn _ibv_query_gid_table(
    context: *mut ibv_context,
    entries: *mut ibv_gid_entry,
    places: usize,
    flags: u32,
    size: usize,
) -> isize {
    // SAFETY: the caller's promise.
    let device = unsafe { opened(context) };
    called("_ibv_query_gid_table", Some(device));
    if let Some(errno) = device.faults.query_gid_table {
        return -isize::try_from(errno).unwrap_or(EINVAL);
    }
    if flags != 0 || size == 0 || device.entries.len() > places {
        return -EINVAL;
    }
    for (place, entry) in device.entries.iter().enumerate() {
        let known = size.min(size_of::<ibv_gid_entry>());
        // SAFETY: `place` is below `places`; a longer entry keeps what is behind what is known.
        unsafe {
            let to = entries.cast::<u8>().add(place * size);
            to.copy_from_nonoverlapping((&raw const *entry).cast(), known);
        }
    }
    isize::try_from(device.entries.len()).unwrap_or(-EINVAL)
}
