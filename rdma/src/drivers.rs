//! What is known about kernel drivers, as data. Sources: the lists of providers in NVSHMEM's transports
//! (IBGDA 3.4.5 needs mlx5dv), rdma-core's providers, and the clouds' own guides.

use super::candidates::{Candidate, Selection};
use super::plan::Rule;
use crate::inventory::Device;

/// Drivers of PCI functions, and of their scalable functions, whose devices NVSHMEM's IBGDA can use.
const IBGDA: [&str; 2] = ["mlx5_core", "mlx5_core.sf"];

/// Drivers whose NICs are a cloud's front end: (driver, what it is).
const FRONT_ENDS: [(&str, &str); 2] =
    [("mana", "Azure's accelerated networking"), ("hv_netvsc", "Azure's accelerated networking")];

/// Whether NVSHMEM's IBGDA can use this device.
pub(super) fn has_ibgda(candidate: &Candidate<'_>) -> bool {
    match candidate.device.driver.as_deref() {
        Some(driver) => IBGDA.contains(&driver),
        // Without sysfs only the name is left, which is what NVSHMEM goes by too.
        None => !candidate.device.software && candidate.device.name.contains("mlx5"),
    }
}

/// Why a device is of no use that is not a channel adapter (`CA`).
pub(super) fn node_type(device: &Device) -> Option<String> {
    let kind = device.node_type.as_deref().filter(|kind| *kind != "CA")?;
    Some(match (kind, device.driver.as_deref()) {
        (_, Some("efa")) => unspecified_link(device),
        ("RNIC", _) => "node type is `RNIC`: iWARP, which has no GIDs that NCCL and UCX can use".to_owned(),
        _ => format!("node type is `{kind}`, only `CA` is used"),
    })
}

/// Why a port is no use whose link is neither InfiniBand nor Ethernet.
pub(super) fn unspecified_link(device: &Device) -> String {
    match device.driver.as_deref() {
        Some("efa") => "EFA: NCCL uses it through aws-ofi-nccl, which finds it by itself".to_owned(),
        Some(driver) => format!("`{driver}`: its link is neither InfiniBand nor Ethernet"),
        None => "its link is neither InfiniBand nor Ethernet".to_owned(),
    }
}

/// Leaves out a cloud's front end, while others remain.
pub(super) fn leave_out_front_ends(selection: &mut Selection<'_>) {
    selection.keep_while_others_remain(Rule::FrontEnd, |candidate| {
        let driver = candidate.device.driver.as_deref()?;
        let (_, what) = FRONT_ENDS.iter().find(|(name, _)| *name == driver)?;
        Some(format!("front end: driver `{driver}` is {what}"))
    });
}
