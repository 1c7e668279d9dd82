//! A libibverbs for tests: the functions that the launcher calls, and devices as an inventory has them.
//!
//! `FAKE_IBVERBS` names a file with a [`Scene`] in JSON; `FAKE_IBVERBS_CALLS` may name one to which each
//! call is appended: `ibv_open_device mlx5_0`, `ibv_reg_mr mlx5_0 67108864`. A scene that cannot be read ends the process.
#![allow(unsafe_code, reason = "it stands in for a C library")]
#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "../../launcher/src/verbs/mirror.rs"]
pub(crate) mod mirror;

use mirror::{
    IBV_GID_TYPE_IB, IBV_GID_TYPE_ROCE_V1, IBV_GID_TYPE_ROCE_V2, ibv_context, ibv_device, ibv_device_attr,
    ibv_gid, ibv_gid_entry, ibv_mtu, ibv_node_type, ibv_port_attr, ibv_port_state,
};
use prefill_rdma::inventory::{Access, Device, GidType, Inventory, LinkLayer, Port, PortState};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int};
use std::fs::{self, File};
use std::io::Write;
use std::mem::{offset_of, zeroed};
use std::rc::Rc;
use std::{env, ptr};

const ENOENT: c_int = 2;
const EINVAL: c_int = 22;

/// What there is, and what goes wrong.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Scene {
    inventory: Inventory,
    /// By device; `*` stands for all of them, and for the list.
    #[serde(default)]
    faults: BTreeMap<String, Faults>,
    /// Devices that are not listed, as those without a node in `/dev/infiniband`.
    #[serde(default)]
    hide: Vec<String>,
    /// Names that JSON cannot hold, as bytes, by the name in the inventory.
    #[serde(default)]
    raw_names: BTreeMap<String, Vec<u8>>,
}

/// The errno with which a call fails.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Faults {
    device_list: Option<c_int>,
    open: Option<c_int>,
    query_device: Option<c_int>,
    query_port: Option<c_int>,
    pub(crate) query_gid_table: Option<c_int>,
    pub(crate) alloc_pd: Option<c_int>,
    pub(crate) reg_mr: Option<c_int>,
}

impl Scene {
    fn read() -> Self {
        let path = env::var_os("FAKE_IBVERBS").expect("FAKE_IBVERBS names the scene's file");
        let text = fs::read(path).expect("the scene can be read");
        serde_json::from_slice(&text).expect("the scene is one")
    }

    /// A device's own faults before everybody's.
    fn faults(&self, device: &str) -> Faults {
        let own = self.faults.get(device).copied().unwrap_or_default();
        let all = self.faults.get("*").copied().unwrap_or_default();
        Faults {
            device_list: all.device_list,
            open: own.open.or(all.open),
            query_device: own.query_device.or(all.query_device),
            query_port: own.query_port.or(all.query_port),
            query_gid_table: own.query_gid_table.or(all.query_gid_table),
            alloc_pd: own.alloc_pd.or(all.alloc_pd),
            reg_mr: own.reg_mr.or(all.reg_mr),
        }
    }
}

/// A device. The list has a share in it, and so has whoever opened it, as in libibverbs.
#[repr(C)]
pub(crate) struct FakeDevice {
    /// First, so that a pointer to it is one to the whole.
    public: ibv_device,
    pub(crate) about: Device,
    pub(crate) faults: Faults,
    pub(crate) entries: Vec<ibv_gid_entry>,
}

impl FakeDevice {
    fn new(scene: &Scene, about: &Device) -> Self {
        // SAFETY: the struct is numbers and pointers that nobody follows.
        let mut public: ibv_device = unsafe { zeroed() };
        let name = scene.raw_names.get(&about.name).map_or(about.name.as_bytes(), Vec::as_slice);
        copy(name, &mut public.name);
        copy(about.uverbs.as_deref().unwrap_or_default().as_bytes(), &mut public.dev_name);
        public.node_type = match about.node_type.as_deref() {
            Some("CA") => ibv_node_type::IBV_NODE_CA,
            Some("RNIC") => ibv_node_type::IBV_NODE_RNIC,
            Some("usNIC") => ibv_node_type::IBV_NODE_USNIC,
            _ => -1,
        };
        let index = |name: &Option<String>| {
            let mut interfaces = scene.inventory.network.interfaces.iter().flatten();
            let found = interfaces.find(|interface| name.as_ref() == Some(&interface.name));
            found.and_then(|interface| interface.index).unwrap_or(0)
        };
        let entries = about.ports.iter().flat_map(|port| {
            port.gids.iter().map(|gid| ibv_gid_entry {
                gid: ibv_gid { raw: gid.gid.octets() },
                gid_index: gid.index,
                port_num: port.number,
                gid_type: match (gid.kind, port.link_layer) {
                    (Some(GidType::V1), LinkLayer::InfiniBand) => IBV_GID_TYPE_IB,
                    (Some(GidType::V1), _) => IBV_GID_TYPE_ROCE_V1,
                    (Some(GidType::V2), _) => IBV_GID_TYPE_ROCE_V2,
                    (None, _) => u32::MAX,
                },
                ndev_ifindex: index(&gid.netdev),
            })
        });
        Self { public, entries: entries.collect(), about: about.clone(), faults: scene.faults(&about.name) }
    }
}

/// One device of a list or of a context.
///
/// # Safety
///
/// `device` comes from [`ibv_get_device_list`], and somebody still has a share in it.
unsafe fn whole<'a>(device: *mut ibv_device) -> &'a FakeDevice {
    // SAFETY: see above.
    unsafe { &*device.cast::<FakeDevice>() }
}

/// # Safety
///
/// `context` comes from [`ibv_open_device`] and is not closed.
pub(crate) unsafe fn opened<'a>(context: *mut ibv_context) -> &'a FakeDevice {
    // SAFETY: a context is the device.
    unsafe { whole(context.cast()) }
}

pub(crate) fn called(function: &str, device: Option<&FakeDevice>) {
    note(function, device.map(|device| device.about.name.as_str()).unwrap_or_default());
}

/// A call, and what it was about.
pub(crate) fn note(function: &str, about: &str) {
    if let Some(path) = env::var_os("FAKE_IBVERBS_CALLS") {
        let line = format!("{function} {about}\n");
        let mut file =
            File::options().create(true).append(true).open(path).expect("the file of calls can be written");
        file.write_all(line.as_bytes()).expect("the file of calls can be written");
    }
}

pub(crate) fn set_errno(number: c_int) {
    unsafe extern "C" {
        fn __errno_location() -> *mut c_int;
    }
    // SAFETY: the C library gives each thread a place.
    unsafe { *__errno_location() = number }
}

/// Bytes into an array that ends in a NUL.
fn copy(bytes: &[u8], to: &mut [c_char]) {
    let room = to.len() - 1;
    for (to, byte) in to[..room].iter_mut().zip(bytes) {
        *to = c_char::from_ne_bytes([*byte]);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_get_device_list(count: *mut c_int) -> *mut *mut ibv_device {
    called("ibv_get_device_list", None);
    let scene = Scene::read();
    if let Some(errno) = scene.faults("*").device_list {
        set_errno(errno);
        return ptr::null_mut();
    }
    let shown = scene.inventory.devices.iter().filter(|device| !scene.hide.contains(&device.name));
    // The last first: nobody may rely on an order.
    let mut list: Vec<*mut ibv_device> = shown
        .rev()
        .map(|device| Rc::into_raw(Rc::new(FakeDevice::new(&scene, device))).cast_mut().cast())
        .collect();
    if !count.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *count = c_int::try_from(list.len()).expect("few devices") }
    }
    list.push(ptr::null_mut());
    Box::into_raw(list.into_boxed_slice()).cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_free_device_list(list: *mut *mut ibv_device) {
    called("ibv_free_device_list", None);
    // SAFETY: it is a list of `ibv_get_device_list`, which ends in a null pointer.
    unsafe {
        let mut length = 0;
        while !(*list.add(length)).is_null() {
            drop(Rc::from_raw((*list.add(length)).cast::<FakeDevice>()));
            length += 1;
        }
        drop(Box::from_raw(ptr::slice_from_raw_parts_mut(list, length + 1)));
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_get_device_name(device: *mut ibv_device) -> *const c_char {
    // SAFETY: the caller's promise.
    let device = unsafe { whole(device) };
    called("ibv_get_device_name", Some(device));
    device.public.name.as_ptr()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_open_device(device: *mut ibv_device) -> *mut ibv_context {
    // SAFETY: the caller's promise.
    let whole = unsafe { whole(device) };
    called("ibv_open_device", Some(whole));
    let closed = matches!(whole.about.access, Access::Closed(_));
    if let Some(errno) = whole.faults.open.or(closed.then_some(ENOENT)) {
        set_errno(errno);
        return ptr::null_mut();
    }
    // SAFETY: a device is in an `Rc`, in which the caller has a share.
    unsafe { Rc::increment_strong_count(device.cast_const().cast::<FakeDevice>()) };
    device.cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_close_device(context: *mut ibv_context) -> c_int {
    // SAFETY: `ibv_open_device` took a share.
    let device = unsafe { Rc::from_raw(context.cast_const().cast::<FakeDevice>()) };
    called("ibv_close_device", Some(&device));
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_query_device(context: *mut ibv_context, answer: *mut ibv_device_attr) -> c_int {
    // SAFETY: the caller's promise.
    let device = unsafe { opened(context) };
    called("ibv_query_device", Some(device));
    if let Some(errno) = device.faults.query_device {
        return errno;
    }
    // SAFETY: the struct is numbers.
    let mut about: ibv_device_attr = unsafe { zeroed() };
    copy(device.about.firmware.as_deref().unwrap_or_default().as_bytes(), &mut about.fw_ver);
    let ports = device.about.ports.iter().map(|port| port.number).max().unwrap_or(0);
    about.phys_port_cnt = u8::try_from(ports).expect("few ports");
    // SAFETY: the caller's promise.
    unsafe { answer.write(about) };
    0
}

/// `answer` may end behind `flags`.
#[unsafe(no_mangle)]
unsafe extern "C" fn ibv_query_port(
    context: *mut ibv_context,
    number: u8,
    answer: *mut ibv_port_attr,
) -> c_int {
    // SAFETY: the caller's promise.
    let device = unsafe { opened(context) };
    called("ibv_query_port", Some(device));
    if let Some(errno) = device.faults.query_port {
        return errno;
    }
    let Some(port) = device.about.ports.iter().find(|port| port.number == u32::from(number)) else {
        return EINVAL;
    };
    let about = attributes(port);
    let known = offset_of!(ibv_port_attr, flags) + 1;
    // SAFETY: the caller's promise.
    unsafe { answer.cast::<u8>().copy_from_nonoverlapping((&raw const about).cast(), known) };
    0
}

fn attributes(port: &Port) -> ibv_port_attr {
    // SAFETY: the struct is numbers.
    let mut about: ibv_port_attr = unsafe { zeroed() };
    about.state = match port.state {
        PortState::Down => ibv_port_state::IBV_PORT_DOWN,
        PortState::Init => ibv_port_state::IBV_PORT_INIT,
        PortState::Armed => ibv_port_state::IBV_PORT_ARMED,
        PortState::Active => ibv_port_state::IBV_PORT_ACTIVE,
        PortState::ActiveDefer => ibv_port_state::IBV_PORT_ACTIVE_DEFER,
        PortState::Unknown => 0,
    };
    about.phys_state = match port.physical_state.as_deref() {
        Some("Sleep") => 1,
        Some("Polling") => 2,
        Some("Disabled") => 3,
        Some("PortConfigurationTraining") => 4,
        Some("LinkUp") => 5,
        Some("LinkErrorRecovery") => 6,
        Some("Phy Test") => 7,
        _ => 0,
    };
    (about.link_layer, about.gid_tbl_len) = match port.link_layer {
        LinkLayer::InfiniBand => (1, 8),
        LinkLayer::Ethernet => (2, 256),
        LinkLayer::Unspecified => (0, 1),
    };
    let needed = port.gids.iter().map(|gid| gid.index + 1).max().unwrap_or(0);
    about.gid_tbl_len = about.gid_tbl_len.max(c_int::try_from(needed).expect("a short table"));
    about.active_mtu = match port.mtu {
        Some(256) => ibv_mtu::IBV_MTU_256,
        Some(512) => ibv_mtu::IBV_MTU_512,
        Some(1024) => ibv_mtu::IBV_MTU_1024,
        Some(2048) => ibv_mtu::IBV_MTU_2048,
        Some(4096) => ibv_mtu::IBV_MTU_4096,
        _ => 0,
    };
    about
}
