//! `probe` for people: one line a port.

use prefill_rdma::inventory::{Access, Device, Inventory, Port, Verbs};
use prefill_rdma::{Plan, gigabits};

const HEAD: [&str; 12] =
    ["DEVICE", "DRIVER", "PORT", "STATE", "LINK", "RATE", "NETDEV", "GIDS", "PCI", "NUMA", "OPEN", "VERDICT"];

/// The table, with what was asked below it.
pub(crate) fn render(inventory: &Inventory, plan: &Plan, gids: &dyn Fn(&Port) -> String) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for device in &inventory.devices {
        if device.ports.is_empty() {
            rows.push(row(plan, device, None, gids));
        }
        rows.extend(device.ports.iter().map(|port| row(plan, device, Some(port), gids)));
    }
    let mut text = if inventory.devices.is_empty() { String::new() } else { aligned(&rows) };
    text += &foot(inventory);
    text
}

fn row(plan: &Plan, device: &Device, port: Option<&Port>, gids: &dyn Fn(&Port) -> String) -> [String; 12] {
    let or_dash =
        |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned());
    [
        device.name.clone(),
        or_dash(device.driver.clone()),
        or_dash(port.map(|port| port.number.to_string())),
        or_dash(port.map(|port| port.state.to_string())),
        or_dash(port.map(|port| port.link_layer.to_string())),
        or_dash(port.and_then(|port| port.megabits).map(|rate| gigabits(rate).replace(' ', ""))),
        or_dash(port.map(netdevs)),
        or_dash(port.map(gids)),
        or_dash(device.pci.clone()),
        or_dash(device.numa_node.map(|node| node.to_string())),
        if device.access == Access::Open { "yes" } else { "no" }.to_owned(),
        verdict(plan, device, port),
    ]
}

/// Interfaces of the port: those of its GIDs, else those of its PCI function.
fn netdevs(port: &Port) -> String {
    let mut names: Vec<&str> = port.gids.iter().filter_map(|gid| gid.netdev.as_deref()).collect();
    if names.is_empty() {
        names = port.netdevs.iter().map(String::as_str).collect();
    }
    names.dedup();
    names.join(",")
}

fn verdict(plan: &Plan, device: &Device, port: Option<&Port>) -> String {
    let number = port.map(|port| port.number);
    if plan.kept.iter().any(|kept| kept.device == device.name && Some(kept.port) == number) {
        return "use".to_owned();
    }
    let refused = plan
        .excluded
        .iter()
        .find(|one| one.device == device.name && (one.port.is_none() || one.port == number));
    match (refused, &plan.off) {
        (Some(refused), _) => format!("skip: {}", refused.reason),
        (None, Some(reason)) => format!("not asked: {reason}"),
        (None, None) => "-".to_owned(),
    }
}

fn aligned(rows: &[[String; 12]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        text += cells.concat().trim_end();
        text.push('\n');
    }
    text
}

fn foot(inventory: &Inventory) -> String {
    let mut lines = Vec::new();
    if inventory.devices.is_empty() {
        lines.push("no RDMA device in /sys/class/infiniband".to_owned());
    }
    lines.push(match &inventory.verbs {
        Verbs::Library(name) => format!("libibverbs: {name}"),
        Verbs::Missing(reason) => format!("libibverbs: cannot be asked ({reason})"),
        Verbs::NotAsked => {
            "libibverbs: not asked, because --sysroot is another machine; hint: --ibverbs names one"
                .to_owned()
        }
    });
    if let Some(gpus) = &inventory.gpus {
        lines.push(format!("GPUs: {}", gpus.len()));
    }
    if let Some(capabilities) = &inventory.process.capabilities {
        let user = inventory.process.user.map_or_else(|| "?".to_owned(), |user| user.to_string());
        lines.push(format!("user {user}, capabilities {capabilities}"));
    }
    lines.join("\n") + "\n"
}
