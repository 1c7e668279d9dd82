//! `ip link set lo up`, on machines without `ip` too: the kernel gives it `127.0.0.1` and `::1` by itself.

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};
use std::io;

/// `RTM_NEWLINK`, `NLM_F_REQUEST | NLM_F_ACK`, `NLMSG_ERROR` and `IFF_UP` of linux/rtnetlink.h, netlink.h and if.h.
const NEW_LINK: u16 = 16;
const REQUEST: u16 = 0x5;
const ERROR: u16 = 2;
const UP: u32 = 1;

pub(crate) fn up() -> io::Result<()> {
    // No protocol is `NETLINK_ROUTE`.
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    // A header (length, type, flags, sequence, port), then `ifinfomsg` (family, type, index, flags, changed flags).
    // The loopback interface has index 1 in every network namespace.
    let [kind, flags] = [NEW_LINK.to_ne_bytes(), REQUEST.to_ne_bytes()];
    let kind_and_flags = u32::from_ne_bytes([kind[0], kind[1], flags[0], flags[1]]);
    let words = [32, kind_and_flags, 1, 0, 0, 1, UP, UP];
    let message: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; 256];
    let (length, _) = recv(&socket, &mut answer, RecvFlags::empty())?;
    // A header again, then an errno, negative; 0 says that it is done.
    let kind = u16::from_ne_bytes([answer[4], answer[5]]);
    match i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]) {
        _ if length < 20 || kind != ERROR => Err(io::Error::other("the answer is none")),
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(-errno)),
    }
}
