//! Protection domains and memory regions. What is made must be unmade, in the reverse order: a domain that still
//! has regions is busy, as in the kernel.
#![allow(unsafe_code, reason = "it stands in for a C library")]

use crate::library::{FakeDevice, called, mirror, note, opened, set_errno};
use mirror::{ibv_context, ibv_mr, ibv_pd};
use std::ffi::{c_int, c_void};
use std::ptr;

const EBUSY: c_int = 16;
const EINVAL: c_int = 22;
const PAGE: usize = 4096;

struct Domain {
    context: *mut ibv_context,
    regions: usize,
}

struct Region {
    domain: *mut Domain,
}

/// The device of a domain.
///
/// # Safety
///
/// `domain` comes from [`ibv_alloc_pd`], and its context is open.
unsafe fn device<'a>(domain: *mut Domain) -> &'a FakeDevice {
    // SAFETY: see above.
    unsafe { opened((*domain).context) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_alloc_pd(context: *mut ibv_context) -> *mut ibv_pd {
    // SAFETY: the caller's promise.
    let device = unsafe { opened(context) };
    called("ibv_alloc_pd", Some(device));
    if let Some(errno) = device.faults.alloc_pd {
        set_errno(errno);
        return ptr::null_mut();
    }
    Box::into_raw(Box::new(Domain { context, regions: 0 })).cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_dealloc_pd(domain: *mut ibv_pd) -> c_int {
    let domain: *mut Domain = domain.cast();
    // SAFETY: the caller's promise.
    unsafe {
        called("ibv_dealloc_pd", Some(device(domain)));
        if (*domain).regions > 0 {
            return EBUSY;
        }
        drop(Box::from_raw(domain));
    }
    0
}

/// Each page is written to, as a device would: it must be there, and the caller's.
#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_reg_mr(
    domain: *mut ibv_pd,
    memory: *mut c_void,
    length: usize,
    access: c_int,
) -> *mut ibv_mr {
    let domain: *mut Domain = domain.cast();
    // SAFETY: the caller's promise.
    let device = unsafe { device(domain) };
    note("ibv_reg_mr", &format!("{} {length}", device.about.name));
    // Remote writing needs local writing.
    let fault = (access & 0b11 != 0b11).then_some(EINVAL).or(device.faults.reg_mr);
    if let Some(errno) = fault {
        set_errno(errno);
        return ptr::null_mut();
    }
    for page in (0..length).step_by(PAGE) {
        // SAFETY: the caller's promise: `length` bytes are there, and its own.
        unsafe { memory.cast::<u8>().add(page).write(2) }
    }
    // SAFETY: the caller's promise.
    unsafe { (*domain).regions += 1 };
    Box::into_raw(Box::new(Region { domain })).cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_dereg_mr(region: *mut ibv_mr) -> c_int {
    // SAFETY: the caller's promise: it comes from `ibv_reg_mr`, once.
    unsafe {
        let region = Box::from_raw(region.cast::<Region>());
        called("ibv_dereg_mr", Some(device(region.domain)));
        (*region.domain).regions -= 1;
    }
    0
}
