//! Numbers of libibverbs and of errno in the kernel's words.

use super::sys::{
    IBV_GID_TYPE_IB, IBV_GID_TYPE_ROCE_V1, IBV_GID_TYPE_ROCE_V2, ibv_mtu, ibv_node_type, ibv_port_state,
};
use prefill_rdma::inventory::{GidType, LinkLayer, PortState};
use std::io;

/// As in `node_type` in sysfs.
pub(super) const fn node_type(number: ibv_node_type::Type) -> Option<&'static str> {
    Some(match number {
        ibv_node_type::IBV_NODE_CA => "CA",
        ibv_node_type::IBV_NODE_SWITCH => "switch",
        ibv_node_type::IBV_NODE_ROUTER => "router",
        ibv_node_type::IBV_NODE_RNIC => "RNIC",
        ibv_node_type::IBV_NODE_USNIC => "usNIC",
        ibv_node_type::IBV_NODE_USNIC_UDP => "usNIC UDP",
        ibv_node_type::IBV_NODE_UNSPECIFIED => "unspecified",
        _ => return None,
    })
}

/// As in `ports/N/state`.
pub(super) const fn state(number: ibv_port_state::Type) -> PortState {
    match number {
        ibv_port_state::IBV_PORT_DOWN => PortState::Down,
        ibv_port_state::IBV_PORT_INIT => PortState::Init,
        ibv_port_state::IBV_PORT_ARMED => PortState::Armed,
        ibv_port_state::IBV_PORT_ACTIVE => PortState::Active,
        ibv_port_state::IBV_PORT_ACTIVE_DEFER => PortState::ActiveDefer,
        _ => PortState::Unknown,
    }
}

/// As in `ports/N/phys_state`. The header has no names for these.
pub(super) const fn physical_state(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "Sleep",
        2 => "Polling",
        3 => "Disabled",
        4 => "PortConfigurationTraining",
        5 => "LinkUp",
        6 => "LinkErrorRecovery",
        7 => "Phy Test",
        _ => return None,
    })
}

/// `IBV_LINK_LAYER_…`, which rdma-sys does not have.
pub(super) const fn link_layer(number: u8) -> LinkLayer {
    match number {
        1 => LinkLayer::InfiniBand,
        2 => LinkLayer::Ethernet,
        _ => LinkLayer::Unspecified,
    }
}

/// In bytes.
pub(super) const fn mtu(number: ibv_mtu::Type) -> Option<u32> {
    Some(match number {
        ibv_mtu::IBV_MTU_256 => 256,
        ibv_mtu::IBV_MTU_512 => 512,
        ibv_mtu::IBV_MTU_1024 => 1024,
        ibv_mtu::IBV_MTU_2048 => 2048,
        ibv_mtu::IBV_MTU_4096 => 4096,
        _ => return None,
    })
}

/// As in `ports/N/gid_attrs/types`, which tells InfiniBand and RoCE v1 not apart.
pub(super) const fn gid_type(number: u32) -> Option<GidType> {
    match number {
        IBV_GID_TYPE_IB | IBV_GID_TYPE_ROCE_V1 => Some(GidType::V1),
        IBV_GID_TYPE_ROCE_V2 => Some(GidType::V2),
        _ => None,
    }
}

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const EIO: i32 = 5;
const ENXIO: i32 = 6;
const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const ENOSYS: i32 = 38;

/// The names of what the kernel, the drivers and the library are known to give.
const NAMES: [(i32, &str); 19] = [
    (EPERM, "EPERM"),
    (ENOENT, "ENOENT"),
    (EIO, "EIO"),
    (ENXIO, "ENXIO"),
    (11, "EAGAIN"),
    (ENOMEM, "ENOMEM"),
    (EACCES, "EACCES"),
    (14, "EFAULT"),
    (16, "EBUSY"),
    (ENODEV, "ENODEV"),
    (EINVAL, "EINVAL"),
    (24, "EMFILE"),
    (25, "ENOTTY"),
    (28, "ENOSPC"),
    (ENOSYS, "ENOSYS"),
    (61, "ENODATA"),
    (93, "EPROTONOSUPPORT"),
    (95, "EOPNOTSUPP"),
    (110, "ETIMEDOUT"),
];

/// What is said of a function that failed.
pub(super) fn failed(function: &str, errno: i32) -> String {
    match errno {
        0 => format!("`{function}` failed without an errno"),
        _ => format!("`{function}` failed: {}", errno_text(function, errno)),
    }
}

/// An errno: its name, its number, and what it usually means if `function` gives it.
pub(super) fn errno_text(function: &str, errno: i32) -> String {
    let name = NAMES.iter().find(|(number, _)| *number == errno).map_or("errno", |(_, name)| *name);
    let meaning = match (function, errno) {
        ("ibv_get_device_list", ENOSYS) => "the kernel has no `ib_uverbs`",
        ("open" | "ibv_open_device", EPERM) => {
            "the container's device cgroup or the RDMA network namespace does not allow it"
        }
        ("open" | "ibv_open_device", EACCES) => "this user may not read and write the device's node",
        ("open", ENOENT) => "the container has no such node",
        ("ibv_open_device", ENOENT) => "libibverbs could not open the device's node",
        ("_ibv_query_gid_table", ENODEV) => {
            "the kernel is older than 5.10, and an entry's network interface is of another namespace"
        }
        ("_ibv_query_gid_table", EINVAL) => {
            "there are more entries than places, or the kernel is older than 5.10 and an entry is unreadable"
        }
        (_, EIO | ENXIO | ENODEV) => "the device is gone or being reset",
        (_, ENOMEM) => "no memory is left, or the driver may lock too little of it",
        _ => {
            // `Invalid argument (os error 22)`
            let text = io::Error::from_raw_os_error(errno).to_string();
            let text = text.split(" (os error").next().unwrap_or_default().to_lowercase();
            return format!("{name} ({errno}), {text}");
        }
    };
    format!("{name} ({errno}), {meaning}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_function_errno_and_meaning() {
        for (function, errno, text) in [
            (
                "ibv_get_device_list",
                38,
                "`ibv_get_device_list` failed: ENOSYS (38), the kernel has no `ib_uverbs`",
            ),
            (
                "ibv_open_device",
                2,
                "`ibv_open_device` failed: ENOENT (2), libibverbs could not open the device's node",
            ),
            ("ibv_open_device", 24, "`ibv_open_device` failed: EMFILE (24), too many open files"),
            ("ibv_query_port", 22, "`ibv_query_port` failed: EINVAL (22), invalid argument"),
            ("ibv_query_device", 5, "`ibv_query_device` failed: EIO (5), the device is gone or being reset"),
            (
                "_ibv_query_gid_table",
                19,
                "`_ibv_query_gid_table` failed: ENODEV (19), the kernel is older than 5.10, and an entry's \
                 network interface is of another namespace",
            ),
            ("ibv_open_device", 0, "`ibv_open_device` failed without an errno"),
            ("ibv_open_device", 4242, "`ibv_open_device` failed: errno (4242), unknown error 4242"),
        ] {
            assert_eq!(failed(function, errno), text);
        }
    }

    /// The names are the C library's: its text for each is the one that is meant.
    #[test]
    fn every_name_is_the_systems() {
        use rustix::io::Errno;
        let system = [
            ("EPERM", Errno::PERM),
            ("ENOENT", Errno::NOENT),
            ("EIO", Errno::IO),
            ("ENXIO", Errno::NXIO),
            ("EAGAIN", Errno::AGAIN),
            ("ENOMEM", Errno::NOMEM),
            ("EACCES", Errno::ACCESS),
            ("EFAULT", Errno::FAULT),
            ("EBUSY", Errno::BUSY),
            ("ENODEV", Errno::NODEV),
            ("EINVAL", Errno::INVAL),
            ("EMFILE", Errno::MFILE),
            ("ENOTTY", Errno::NOTTY),
            ("ENOSPC", Errno::NOSPC),
            ("ENOSYS", Errno::NOSYS),
            ("ENODATA", Errno::NODATA),
            ("EPROTONOSUPPORT", Errno::PROTONOSUPPORT),
            ("EOPNOTSUPP", Errno::OPNOTSUPP),
            ("ETIMEDOUT", Errno::TIMEDOUT),
        ];
        assert_eq!(NAMES.map(|(number, name)| (name, Errno::from_raw_os_error(number))), system);
    }

    #[test]
    fn numbers_out_of_range_are_unknown() {
        assert_eq!(node_type(-1), None);
        assert_eq!(state(0), PortState::Unknown);
        assert_eq!(physical_state(0), None);
        assert_eq!(link_layer(0), LinkLayer::Unspecified);
        assert_eq!(mtu(6), None);
        assert_eq!(gid_type(3), None);
    }
}
