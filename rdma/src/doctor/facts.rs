//! What the process that asks sees beside the inventory. What could not be read is none: nothing follows from it.

use std::fmt;
use std::net::IpAddr;

/// Everything that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Names in `/dev/infiniband`; empty where there is no such directory.
    pub nodes: Option<Vec<String>>,
    /// Whether this is the first user namespace (`/proc/self/uid_map`).
    pub first_user_namespace: Option<bool>,
    /// Capabilities that a program run as root could get (`CapBnd`), hexadecimal.
    pub bounding_capabilities: Option<String>,
    /// How much memory may be locked.
    pub memory_lock: Option<MemoryLock>,
    /// What came of registering memory, by device.
    pub registrations: Vec<Registration>,
    /// Release of the kernel: `6.8.0-60-generic`.
    pub kernel: Option<String>,
    /// NVIDIA's driver.
    pub nvidia: Nvidia,
    /// PCI paths of GPUs, by PCI address.
    pub gpu_paths: Vec<(String, String)>,
    /// Size of `/dev/shm`, bytes.
    pub shared_memory: Option<u64>,
    /// What is mounted.
    pub mounts: Option<Vec<Mount>>,
    /// Where this program's file is.
    pub program: Option<String>,
    /// Whether `/etc/ssl/certs` holds the certificates of public authorities.
    pub authorities: Option<bool>,
    /// Where the leader is.
    pub leader: Option<Leader>,
    /// Whether there are IPv4 routing tables beside the main one.
    pub other_tables: Option<bool>,
    /// What was not looked at, and why.
    pub unknown: Vec<String>,
}

/// `RLIMIT_MEMLOCK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLock {
    /// As it was found.
    pub soft: Limit,
    /// How far it may be raised.
    pub hard: Limit,
    /// Whether it was raised to that.
    pub raised: bool,
}

impl MemoryLock {
    /// The limit that counts now.
    pub const fn current(self) -> Limit {
        if self.raised { self.hard } else { self.soft }
    }
}

/// A limit of a resource, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// So many bytes.
    Bytes(u64),
    /// None.
    Unlimited,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => f.write_str(&size(*bytes)),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// What came of registering memory on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The device.
    pub device: String,
    /// How much was to be registered, bytes.
    pub bytes: u64,
    /// Why it was not.
    pub failure: Option<Refusal>,
}

/// Why a device refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The errno.
    pub errno: i32,
    /// Which call failed, and how.
    pub text: String,
}

impl Refusal {
    /// `ENOMEM`: the limit is reached, or memory itself.
    pub const NO_MEMORY: i32 = 12;
}

/// NVIDIA's driver, as `/proc/driver/nvidia` and `/sys/module` show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nvidia {
    /// First line of its version.
    pub version: Option<String>,
    /// The files that show a module for peer memory; none where `/sys/module` is hidden.
    pub peer_memory: Option<Vec<String>>,
    /// `EnableStreamMemOPs`, and whether `RegistryDwords` has `PeerMappingOverride=1`.
    pub parameters: Option<(bool, bool)>,
    /// Whether `/dev/gdrdrv` is there.
    pub gdrdrv: Option<bool>,
}

/// Something mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where.
    pub point: String,
    /// `tmpfs`, `overlay`, …
    pub file_system: String,
    /// Whether nothing on it may be executed.
    pub no_exec: bool,
}

/// Where the leader is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leader {
    /// There.
    At(IpAddr),
    /// Its name was not resolved, for this reason.
    Unresolved(String),
}

/// The mount that holds `path`: the longest point; of equal ones the last, which covers the others.
pub(super) fn mount_of<'m>(mounts: &'m [Mount], path: &str) -> Option<&'m Mount> {
    let holds = |mount: &&Mount| {
        let point = mount.point.trim_end_matches('/');
        path.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.iter().filter(holds).max_by_key(|mount| mount.point.trim_end_matches('/').len())
}

/// Whether a mask of capabilities, as the kernel writes it, has this one.
pub(super) fn has_capability(mask: &str, number: u32) -> Option<bool> {
    Some(u64::from_str_radix(mask, 16).ok()? & (1_u64 << number) != 0)
}

/// `64 MiB`, `100 KiB`, `1.5 GiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} bytes");
    };
    match (bytes / unit, bytes % unit * 10 / unit) {
        (whole, 0) => format!("{whole} {name}"),
        (whole, tenth) => format!("{whole}.{tenth} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Mount, has_capability, mount_of, size};

    fn mount(point: &str) -> Mount {
        Mount { point: point.to_owned(), file_system: "tmpfs".to_owned(), no_exec: false }
    }

    #[test]
    fn a_path_is_on_the_deepest_mount() {
        let mounts = [mount("/"), mount("/opt"), mount("/optional")];
        let point = |path| mount_of(&mounts, path).map(|mount| mount.point.as_str());
        assert_eq!(point("/opt/llm-d-prefill/prefill-launcher"), Some("/opt"));
        assert_eq!(point("/optional"), Some("/optional"));
        assert_eq!(point("/usr/bin"), Some("/"));
        let covered = [mount("/opt"), Mount { no_exec: true, ..mount("/opt") }];
        assert!(mount_of(&covered, "/opt/x").unwrap().no_exec);
    }

    #[test]
    fn masks_are_hexadecimal_and_anything_else_is_unknown() {
        assert_eq!(has_capability("0000000000004000", 14), Some(true));
        assert_eq!(has_capability("000001ffffffbfff", 14), Some(false));
        assert_eq!(has_capability("", 14), None);
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(64 << 20), "64 MiB");
        assert_eq!(size((64 << 10) + 50), "64 KiB");
        assert_eq!(size(1536 << 20), "1.5 GiB");
        assert_eq!(size(7), "7 bytes");
        assert!(Limit::Bytes(u64::MAX) < Limit::Unlimited);
    }
}
