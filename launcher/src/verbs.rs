//! libibverbs, opened at run time: which RDMA devices it lists, which of them this process can open, and
//! what their ports say, and whether they can use memory. All `unsafe` code of the launcher is on this page.
//!
//! Only exported functions are called, never the header's inline ones: those jump through tables inside
//! the library's structs. Types and constants are rdma-sys's, or without that feature those of `mirror`.
#![expect(unsafe_code, reason = "libibverbs is a C library")]

mod answers;
#[cfg(any(test, not(feature = "rdma-sys")))]
mod mirror;
mod words;

pub(crate) use answers::{DeviceFacts, Entry, PortFacts, RegisterError, TableError};

#[cfg(not(feature = "rdma-sys"))]
use mirror as sys;
#[cfg(feature = "rdma-sys")]
use rdma_sys as sys;

use libloading::os::unix;
use std::error::Error;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::File;
use std::mem::zeroed;
use std::net::Ipv6Addr;
use std::path::Path;
use std::ptr::NonNull;
use std::rc::Rc;
use std::{io, slice};
use sys::{
    ibv_access_flags, ibv_context, ibv_device, ibv_device_attr, ibv_gid_entry, ibv_mr, ibv_pd, ibv_port_attr,
};

/// What the dynamic linker is asked for if nobody says otherwise; the second is part of `-dev` packages.
const NAMES: [&str; 2] = ["libibverbs.so.1", "libibverbs.so"];

/// There is room for no more entries, whatever a device says of its tables.
const LONGEST_TABLE: usize = 1 << 16;

/// What NCCL, NVSHMEM and UCX ask for when they register memory.
const ACCESS: c_int = (ibv_access_flags::IBV_ACCESS_LOCAL_WRITE.0
    | ibv_access_flags::IBV_ACCESS_REMOTE_WRITE.0
    | ibv_access_flags::IBV_ACCESS_REMOTE_READ.0)
    .cast_signed();

/// What is called. `query_port` writes no more than the members that libibverbs 1.1 knew, up to `flags`.
#[derive(Clone, Copy)]
struct Functions {
    get_device_list: unsafe extern "C" fn(*mut c_int) -> *mut *mut ibv_device,
    free_device_list: unsafe extern "C" fn(*mut *mut ibv_device),
    get_device_name: unsafe extern "C" fn(*mut ibv_device) -> *const c_char,
    open_device: unsafe extern "C" fn(*mut ibv_device) -> *mut ibv_context,
    close_device: unsafe extern "C" fn(*mut ibv_context) -> c_int,
    query_device: unsafe extern "C" fn(*mut ibv_context, *mut ibv_device_attr) -> c_int,
    query_port: unsafe extern "C" fn(*mut ibv_context, u8, *mut ibv_port_attr) -> c_int,
    /// Context, entries, how many there is room for, flags, size of an entry. Since rdma-core 32.
    query_gid_table:
        Option<unsafe extern "C" fn(*mut ibv_context, *mut ibv_gid_entry, usize, u32, usize) -> isize>,
    /// Only `doctor` needs these.
    memory: Option<MemoryFunctions>,
}

/// What registers memory.
#[derive(Clone, Copy)]
struct MemoryFunctions {
    alloc_pd: unsafe extern "C" fn(*mut ibv_context) -> *mut ibv_pd,
    dealloc_pd: unsafe extern "C" fn(*mut ibv_pd) -> c_int,
    reg_mr: unsafe extern "C" fn(*mut ibv_pd, *mut c_void, usize, c_int) -> *mut ibv_mr,
    dereg_mr: unsafe extern "C" fn(*mut ibv_mr) -> c_int,
}

/// A libibverbs.
pub(crate) struct Library {
    functions: Functions,
    name: String,
}

impl Library {
    /// Opens the library at `path`, or the one that the dynamic linker finds.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, String> {
        let names = path.map_or_else(|| NAMES.map(Path::new).to_vec(), |path| vec![path]);
        let mut failures = Vec::new();
        for name in names {
            // SAFETY: what libibverbs and libnl do when they are loaded has no preconditions.
            match unsafe { unix::Library::open(Some(name), unix::RTLD_NOW | unix::RTLD_LOCAL) } {
                Ok(library) => return Self::new(library, name.display().to_string()),
                Err(error) => {
                    // The text of `dlerror` names what is missing, which may be another library.
                    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                    failures.push(format!("`{}` could not be loaded: {text}", name.display()));
                }
            }
        }
        Err(failures.join("; "))
    }

    fn new(library: unix::Library, name: String) -> Result<Self, String> {
        // SAFETY: each has the type that `infiniband/verbs.h` gives it. The compiler compares all but the last.
        let functions = unsafe {
            Functions {
                get_device_list: symbol(&library, &name, "ibv_get_device_list")?,
                free_device_list: symbol(&library, &name, "ibv_free_device_list")?,
                get_device_name: symbol(&library, &name, "ibv_get_device_name")?,
                open_device: symbol(&library, &name, "ibv_open_device")?,
                close_device: symbol(&library, &name, "ibv_close_device")?,
                query_device: symbol(&library, &name, "ibv_query_device")?,
                query_port: symbol(&library, &name, "ibv_query_port")?,
                query_gid_table: symbol(&library, &name, "_ibv_query_gid_table").ok(),
                memory: memory_functions(&library, &name).ok(),
            }
        };
        // It stays for as long as the process does, so that the functions are always good to call. The
        // drivers that it opens by itself would keep it anyway.
        let _ = library.into_raw();
        Ok(Self { functions, name })
    }

    /// The name or path by which it was found.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The devices that have a node in `/dev/infiniband` and a driver, in no order.
    pub(crate) fn devices(&self) -> Result<Vec<Listed>, String> {
        let functions = self.functions;
        let mut count = 0;
        // SAFETY: `count` is there to be written to.
        let first = unsafe { (functions.get_device_list)(&raw mut count) };
        let Some(first) = NonNull::new(first) else {
            return Err(words::failed("ibv_get_device_list", last_errno()));
        };
        let list = Rc::new(List { first, free: functions.free_device_list });
        // SAFETY: the list holds `count` pointers (and a null behind them) until it is freed.
        let devices = unsafe { slice::from_raw_parts(first.as_ptr(), usize::try_from(count).unwrap_or(0)) };
        let listed = |device: NonNull<ibv_device>| {
            // SAFETY: it is a device of the list.
            let name = unsafe { (functions.get_device_name)(device.as_ptr()) };
            let name = if name.is_null() {
                String::new()
            } else {
                // SAFETY: the name ends in a NUL, and lives as long as the device.
                unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
            };
            // SAFETY: the library fills the whole struct before it lists a device, and changes it no more.
            let about = unsafe { device.as_ref() };
            Listed {
                name,
                uverbs: text(&about.dev_name),
                node_type: words::node_type(about.node_type),
                device,
                functions,
                _list: Rc::clone(&list),
            }
        };
        Ok(devices.iter().filter_map(|device| NonNull::new(*device)).map(listed).collect())
    }
}

/// A function of the library.
///
/// # Safety
///
/// `T` is the type of a pointer to that function.
unsafe fn symbol<T: Copy>(library: &unix::Library, path: &str, name: &str) -> Result<T, String> {
    // SAFETY: the caller's promise.
    match unsafe { library.get::<T>(name) } {
        Ok(symbol) => Ok(*symbol),
        Err(_) => {
            Err(format!("`{path}` has no function `{name}`, so it is not a libibverbs that can be asked"))
        }
    }
}

fn memory_functions(library: &unix::Library, name: &str) -> Result<MemoryFunctions, String> {
    // SAFETY: each has the type that `infiniband/verbs.h` gives it.
    unsafe {
        Ok(MemoryFunctions {
            alloc_pd: symbol(library, name, "ibv_alloc_pd")?,
            dealloc_pd: symbol(library, name, "ibv_dealloc_pd")?,
            reg_mr: symbol(library, name, "ibv_reg_mr")?,
            dereg_mr: symbol(library, name, "ibv_dereg_mr")?,
        })
    }
}

/// A list of devices, which holds them.
struct List {
    first: NonNull<*mut ibv_device>,
    free: unsafe extern "C" fn(*mut *mut ibv_device),
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the list is the library's; whoever has one of its devices has this too.
        unsafe { (self.free)(self.first.as_ptr()) }
    }
}

/// A device that the library lists, which does not mean that it can be opened.
pub(crate) struct Listed {
    /// Its name, `mlx5_0`. Bytes that are not UTF-8 are replaced.
    pub(crate) name: String,
    /// Its node in `/dev/infiniband`, `uverbs0`.
    pub(crate) uverbs: String,
    /// Node type as the kernel names it.
    pub(crate) node_type: Option<&'static str>,
    device: NonNull<ibv_device>,
    functions: Functions,
    _list: Rc<List>,
}

impl Listed {
    /// Opens it. What is opened needs the list no more.
    ///
    /// `nodes` is `/dev/infiniband`. The node is tried first: libibverbs gives ENOENT whatever is wrong with
    /// it, for it goes on to look in `/dev/char`, and waits there for five seconds if there is such a folder.
    pub(crate) fn open(&self, nodes: Option<&Path>) -> Result<OpenDevice, String> {
        if let Some(node) = nodes.map(|nodes| nodes.join(&self.uverbs))
            && let Err(error) = File::options().read(true).write(true).open(&node)
        {
            let text = words::errno_text("open", error.raw_os_error().unwrap_or(0));
            return Err(format!("`{}` cannot be opened: {text}", node.display()));
        }
        // SAFETY: the list holds the device.
        let context = unsafe { (self.functions.open_device)(self.device.as_ptr()) };
        match NonNull::new(context) {
            Some(context) => Ok(OpenDevice { context, functions: self.functions }),
            None => Err(words::failed("ibv_open_device", last_errno())),
        }
    }
}

/// An open device. The library keeps what belongs to it until it is closed, list or no list.
pub(crate) struct OpenDevice {
    context: NonNull<ibv_context>,
    functions: Functions,
}

impl Drop for OpenDevice {
    fn drop(&mut self) {
        // SAFETY: nothing else has the context. It never fails: see `ibv_close_device` in rdma-core.
        unsafe { (self.functions.close_device)(self.context.as_ptr()) };
    }
}

impl OpenDevice {
    /// `ibv_query_device`
    pub(crate) fn query_device(&self) -> Result<DeviceFacts, String> {
        // SAFETY: the struct is numbers and arrays of numbers.
        let mut answer: Roomy<ibv_device_attr> = unsafe { zeroed() };
        // SAFETY: the context is open, and the answer is there to be written to.
        let code = unsafe { (self.functions.query_device)(self.context.as_ptr(), answer.start()) };
        succeeded("ibv_query_device", code)?;
        Ok(DeviceFacts { ports: answer.value.phys_port_cnt, firmware: text(&answer.value.fw_ver) })
    }

    /// `ibv_query_port`; ports count from 1.
    pub(crate) fn query_port(&self, number: u8) -> Result<PortFacts, String> {
        // SAFETY: the struct is numbers.
        let mut answer: Roomy<ibv_port_attr> = unsafe { zeroed() };
        // SAFETY: the context is open, and the answer is there to be written to.
        let code = unsafe { (self.functions.query_port)(self.context.as_ptr(), number, answer.start()) };
        succeeded("ibv_query_port", code)?;
        let port = answer.value;
        Ok(PortFacts {
            state: words::state(port.state),
            physical_state: words::physical_state(port.phys_state),
            link_layer: words::link_layer(port.link_layer),
            mtu: words::mtu(port.active_mtu),
            gid_table_length: usize::try_from(port.gid_tbl_len).unwrap_or(0),
        })
    }

    /// All entries of all ports that are not empty, in one call. `places` is the sum of what the ports say
    /// of their tables' lengths; it is too small where a port could not be asked.
    pub(crate) fn gid_table(&self, places: usize) -> Result<Vec<Entry>, TableError> {
        let Some(query_gid_table) = self.functions.query_gid_table else {
            return Err(TableError::MissingSymbol);
        };
        // SAFETY: the struct is numbers and an array of numbers.
        let empty = || -> ibv_gid_entry { unsafe { zeroed() } };
        let mut entries: Vec<_> = (0..places.min(LONGEST_TABLE)).map(|_| empty()).collect();
        // SAFETY: the context is open, and the library is told how many entries of which size may be written.
        let found = unsafe {
            let size = size_of::<ibv_gid_entry>();
            query_gid_table(self.context.as_ptr(), entries.as_mut_ptr(), entries.len(), 0, size)
        };
        match usize::try_from(found) {
            Ok(found) => Ok(entries.iter().take(found).map(entry).collect()),
            Err(_) => Err(TableError::Errno(i32::try_from(found.saturating_neg()).unwrap_or(0))),
        }
    }

    /// Registers `memory`, as NCCL, NVSHMEM and UCX do with their buffers, and lets it go again.
    pub(crate) fn register(&self, memory: &mut [u8]) -> Result<(), RegisterError> {
        let Some(functions) = self.functions.memory else { return Err(RegisterError::MissingSymbol) };
        let failed = |call| Err(RegisterError::Failed { call, errno: last_errno() });
        // SAFETY: the context is open.
        let domain = unsafe { (functions.alloc_pd)(self.context.as_ptr()) };
        if domain.is_null() {
            return failed("ibv_alloc_pd");
        }
        // SAFETY: the domain is there, and nobody but the caller, who waits, has the memory.
        let region = unsafe { (functions.reg_mr)(domain, memory.as_mut_ptr().cast(), memory.len(), ACCESS) };
        let result = if region.is_null() { failed("ibv_reg_mr") } else { Ok(()) };
        // SAFETY: what was made is unmade in the reverse order, once. No peer was told of the region, so the
        // memory is the caller's again even if the device did not let it go.
        unsafe {
            if !region.is_null() {
                (functions.dereg_mr)(region);
            }
            (functions.dealloc_pd)(domain);
        }
        result
    }
}

fn entry(entry: &ibv_gid_entry) -> Entry {
    Entry {
        port: entry.port_num,
        index: entry.gid_index,
        // SAFETY: both members of the union are 16 bytes of which any value is good.
        gid: Ipv6Addr::from(unsafe { entry.gid.raw }),
        kind: words::gid_type(entry.gid_type),
        netdev_index: (entry.ndev_ifindex != 0).then_some(entry.ndev_ifindex),
    }
}

/// What the library fills, and room behind it: its structs grow at their ends.
#[repr(C)]
struct Roomy<T> {
    value: T,
    _room: [u64; 32],
}

impl<T> Roomy<T> {
    /// Where to write, with leave to use the room.
    fn start(&mut self) -> *mut T {
        (&raw mut *self).cast()
    }
}

/// Whether a call that gives 0 or an errno went well. Some old drivers give -1 and leave it in `errno`.
fn succeeded(call: &str, code: c_int) -> Result<(), String> {
    match code {
        0 => Ok(()),
        -1 => Err(words::failed(call, last_errno())),
        code => Err(words::failed(call, code.saturating_abs())),
    }
}

fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Characters up to the first NUL.
fn text(characters: &[c_char]) -> String {
    let bytes: Vec<u8> = characters
        .iter()
        .flat_map(|character| character.to_ne_bytes())
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The types of the functions are rdma-sys's, or this does not compile. Nothing is called, so nothing is
/// linked. It has no `_ibv_query_gid_table`, and gives `ibv_query_port` a struct of another name.
#[cfg(all(test, feature = "rdma-sys"))]
const _: fn(&mut Functions) = |functions| {
    functions.get_device_list = sys::ibv_get_device_list;
    functions.free_device_list = sys::ibv_free_device_list;
    functions.get_device_name = sys::ibv_get_device_name;
    functions.open_device = sys::ibv_open_device;
    functions.close_device = sys::ibv_close_device;
    functions.query_device = sys::ibv_query_device;
    functions.memory = Some(MemoryFunctions {
        alloc_pd: sys::ibv_alloc_pd,
        dealloc_pd: sys::ibv_dealloc_pd,
        reg_mr: sys::ibv_reg_mr,
        dereg_mr: sys::ibv_dereg_mr,
    });
    let _: unsafe extern "C" fn(*mut ibv_context, u8, *mut sys::_compat_ibv_port_attr) -> c_int =
        sys::ibv_query_port;
};
