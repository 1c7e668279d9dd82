//! What is used of `infiniband/verbs.h`, for builds without rdma-sys, under the same names. Members that
//! nobody reads are put together. A test compares it with rdma-sys, which reads the real header.
#![allow(non_camel_case_types, reason = "the names are C's")]
#![allow(dead_code, reason = "C fills these")]

use std::ffi::{c_char, c_int, c_uint, c_void};

pub(crate) mod ibv_node_type {
    pub(crate) type Type = super::c_int;
    pub(crate) const IBV_NODE_CA: Type = 1;
    pub(crate) const IBV_NODE_SWITCH: Type = 2;
    pub(crate) const IBV_NODE_ROUTER: Type = 3;
    pub(crate) const IBV_NODE_RNIC: Type = 4;
    pub(crate) const IBV_NODE_USNIC: Type = 5;
    pub(crate) const IBV_NODE_USNIC_UDP: Type = 6;
    pub(crate) const IBV_NODE_UNSPECIFIED: Type = 7;
}

pub(crate) mod ibv_port_state {
    pub(crate) type Type = super::c_uint;
    pub(crate) const IBV_PORT_DOWN: Type = 1;
    pub(crate) const IBV_PORT_INIT: Type = 2;
    pub(crate) const IBV_PORT_ARMED: Type = 3;
    pub(crate) const IBV_PORT_ACTIVE: Type = 4;
    pub(crate) const IBV_PORT_ACTIVE_DEFER: Type = 5;
}

pub(crate) mod ibv_mtu {
    pub(crate) type Type = super::c_uint;
    pub(crate) const IBV_MTU_256: Type = 1;
    pub(crate) const IBV_MTU_512: Type = 2;
    pub(crate) const IBV_MTU_1024: Type = 3;
    pub(crate) const IBV_MTU_2048: Type = 4;
    pub(crate) const IBV_MTU_4096: Type = 5;
}

pub(crate) type ibv_gid_type = c_uint;
pub(crate) const IBV_GID_TYPE_IB: ibv_gid_type = 0;
pub(crate) const IBV_GID_TYPE_ROCE_V1: ibv_gid_type = 1;
pub(crate) const IBV_GID_TYPE_ROCE_V2: ibv_gid_type = 2;

/// Of an enumeration whose values are put together, bindgen makes this.
#[derive(Clone, Copy)]
pub(crate) struct ibv_access_flags(pub(crate) c_uint);

impl ibv_access_flags {
    pub(crate) const IBV_ACCESS_LOCAL_WRITE: Self = Self(1);
    pub(crate) const IBV_ACCESS_REMOTE_WRITE: Self = Self(2);
    pub(crate) const IBV_ACCESS_REMOTE_READ: Self = Self(4);
}

#[repr(C)]
pub(crate) struct ibv_device {
    _ops: [*mut c_void; 2],
    pub(crate) node_type: ibv_node_type::Type,
    transport_type: c_int,
    pub(crate) name: [c_char; 64],
    pub(crate) dev_name: [c_char; 64],
    dev_path: [c_char; 256],
    ibdev_path: [c_char; 256],
}

/// Only ever behind a pointer.
#[repr(C)]
pub(crate) struct ibv_context {
    opaque: [u8; 0],
}

/// Only ever behind a pointer.
#[repr(C)]
pub(crate) struct ibv_pd {
    opaque: [u8; 0],
}

/// Only ever behind a pointer.
#[repr(C)]
pub(crate) struct ibv_mr {
    opaque: [u8; 0],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ibv_device_attr {
    pub(crate) fw_ver: [c_char; 64],
    /// `node_guid` to `page_size_cap`
    long: [u64; 4],
    /// `vendor_id` to `max_srq_sge`
    numbers: [u32; 32],
    max_pkeys: u16,
    local_ca_ack_delay: u8,
    pub(crate) phys_port_cnt: u8,
}

/// As of rdma-core 19; 50 put `active_speed_ex` behind it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ibv_port_attr {
    pub(crate) state: ibv_port_state::Type,
    max_mtu: ibv_mtu::Type,
    pub(crate) active_mtu: ibv_mtu::Type,
    pub(crate) gid_tbl_len: c_int,
    /// `port_cap_flags` to `qkey_viol_cntr`
    numbers: [u32; 4],
    /// `pkey_tbl_len` to `sm_lid`
    lids: [u16; 3],
    /// `lmc` to `active_speed`
    bytes: [u8; 7],
    pub(crate) phys_state: u8,
    pub(crate) link_layer: u8,
    pub(crate) flags: u8,
    port_cap_flags2: u16,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ibv_gid_global_t {
    pub(crate) subnet_prefix: u64,
    pub(crate) interface_id: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) union ibv_gid {
    pub(crate) raw: [u8; 16],
    pub(crate) global: ibv_gid_global_t,
}

#[repr(C)]
pub(crate) struct ibv_gid_entry {
    pub(crate) gid: ibv_gid,
    pub(crate) gid_index: u32,
    pub(crate) port_num: u32,
    pub(crate) gid_type: u32,
    pub(crate) ndev_ifindex: u32,
}

#[cfg(all(test, feature = "rdma-sys"))]
mod tests {
    use super::ibv_access_flags as ours;
    use rdma_sys::ibv_access_flags as theirs;
    use std::mem::offset_of;

    macro_rules! same_members {
        ($name:ident: $($member:ident = $theirs:ident),*) => {
            assert_eq!(align_of::<super::$name>(), align_of::<rdma_sys::$name>(), stringify!($name));
            $(assert_eq!(
                offset_of!(super::$name, $member),
                offset_of!(rdma_sys::$name, $theirs),
                concat!(stringify!($name), ".", stringify!($theirs))
            );)*
        };
    }

    macro_rules! same_layout {
        ($name:ident: $($member:ident = $theirs:ident),*) => {
            assert_eq!(size_of::<super::$name>(), size_of::<rdma_sys::$name>(), stringify!($name));
            same_members!($name: $($member = $theirs),*);
        };
    }

    #[test]
    fn layouts_are_those_of_the_header() {
        same_layout!(ibv_device: _ops = _ops, node_type = node_type, transport_type = transport_type,
            name = name, dev_name = dev_name, dev_path = dev_path, ibdev_path = ibdev_path);
        same_layout!(ibv_device_attr: fw_ver = fw_ver, long = node_guid, numbers = vendor_id,
            max_pkeys = max_pkeys, local_ca_ack_delay = local_ca_ack_delay, phys_port_cnt = phys_port_cnt);
        same_layout!(ibv_gid_global_t: subnet_prefix = subnet_prefix, interface_id = interface_id);
        same_layout!(ibv_gid: raw = raw, global = global);
        same_layout!(ibv_gid_entry: gid = gid, gid_index = gid_index, port_num = port_num,
            gid_type = gid_type, ndev_ifindex = ndev_ifindex);
        // The header may be newer, and its struct longer; all of ours is in it, at the same places.
        same_members!(ibv_port_attr: state = state, max_mtu = max_mtu, active_mtu = active_mtu,
            gid_tbl_len = gid_tbl_len, numbers = port_cap_flags, lids = pkey_tbl_len, bytes = lmc,
            phys_state = phys_state, link_layer = link_layer, flags = flags,
            port_cap_flags2 = port_cap_flags2);
        assert!(size_of::<super::ibv_port_attr>() <= size_of::<rdma_sys::ibv_port_attr>());
    }

    macro_rules! same_constants {
        ($($($name:ident)::+,)*) => {
            $(assert_eq!(super::$($name)::+, rdma_sys::$($name)::+, stringify!($($name)::+));)*
        };
    }

    #[test]
    fn constants_are_those_of_the_header() {
        same_constants!(
            ibv_node_type::IBV_NODE_CA,
            ibv_node_type::IBV_NODE_SWITCH,
            ibv_node_type::IBV_NODE_ROUTER,
            ibv_node_type::IBV_NODE_RNIC,
            ibv_node_type::IBV_NODE_USNIC,
            ibv_node_type::IBV_NODE_USNIC_UDP,
            ibv_node_type::IBV_NODE_UNSPECIFIED,
            ibv_port_state::IBV_PORT_DOWN,
            ibv_port_state::IBV_PORT_INIT,
            ibv_port_state::IBV_PORT_ARMED,
            ibv_port_state::IBV_PORT_ACTIVE,
            ibv_port_state::IBV_PORT_ACTIVE_DEFER,
            ibv_mtu::IBV_MTU_256,
            ibv_mtu::IBV_MTU_512,
            ibv_mtu::IBV_MTU_1024,
            ibv_mtu::IBV_MTU_2048,
            ibv_mtu::IBV_MTU_4096,
            IBV_GID_TYPE_IB,
            IBV_GID_TYPE_ROCE_V1,
            IBV_GID_TYPE_ROCE_V2,
        );
        assert_eq!(ours::IBV_ACCESS_LOCAL_WRITE.0, theirs::IBV_ACCESS_LOCAL_WRITE.0);
        assert_eq!(ours::IBV_ACCESS_REMOTE_WRITE.0, theirs::IBV_ACCESS_REMOTE_WRITE.0);
        assert_eq!(ours::IBV_ACCESS_REMOTE_READ.0, theirs::IBV_ACCESS_REMOTE_READ.0);
    }
}
