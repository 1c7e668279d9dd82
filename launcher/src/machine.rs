//! The machine that is looked at, and what is decided about its NICs.

use crate::arguments::Machine;
use crate::failure::Failure;
use crate::log::Log;
use crate::probe::probe;
use crate::root::Root;
use prefill_core::environment::Environment;
use prefill_rdma::inventory::{Inventory, VERSION};
use prefill_rdma::{Options, Plan, plan};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often is looked again for a port that is waited for.
const INTERVAL: Duration = Duration::from_millis(500);

/// What was found, and what follows from it.
pub(crate) struct Decided {
    pub(crate) inventory: Inventory,
    pub(crate) plan: Plan,
}

/// The plan, once nothing that is expected is missing, or time is up.
pub(crate) fn decide(
    machine: &Machine,
    wait: Duration,
    environment: &Environment,
    options: &Options,
    log: Log,
) -> Result<Decided, Failure> {
    if let Some(path) = &machine.inventory {
        let inventory = replay(path)?;
        let plan = plan(&inventory, environment, options);
        return Ok(Decided { inventory, plan });
    }
    let root = root(machine)?;
    let start = Instant::now();
    let mut told = false;
    loop {
        let inventory = probe(&root, &machine.source());
        let plan = plan(&inventory, environment, options);
        let left = wait.saturating_sub(start.elapsed());
        let complete = plan.missing.is_empty() && (!plan.kept.is_empty() || plan.off.is_some());
        if complete || left.is_zero() {
            return Ok(Decided { inventory, plan });
        }
        if !told {
            let missing = if plan.missing.is_empty() { "a port".to_owned() } else { plan.missing.join("; ") };
            log.info(format!("waiting up to {} s for what is missing: {missing}", wait.as_secs()));
            told = true;
        }
        std::thread::sleep(INTERVAL.min(left));
    }
}

/// Where files are read; a `--sysroot` that is not there would look like a machine without NICs.
pub(crate) fn root(machine: &Machine) -> Result<Root, Failure> {
    if let Some(path) = &machine.sysroot {
        std::fs::read_dir(path).map_err(|error| {
            Failure::usage(
                format!("`--sysroot` is `{}`, which cannot be read: {error}", path.display()),
                "name a directory that holds `sys`, `proc` and `dev`",
            )
        })?;
    }
    Ok(Root::new(machine.sysroot.clone()))
}

/// An inventory that `probe` wrote.
pub(crate) fn replay(path: &Path) -> Result<Inventory, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::failed(format!("`{shown}` cannot be read: {error}")))?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(
            format!("`{shown}` is not JSON: {error}"),
            "write it with `prefill-launcher probe --format json`",
        )
    })?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        found => {
            let found = found.map_or_else(|| "no version".to_owned(), |version| format!("version {version}"));
            let message =
                format!("`{shown}` has {found}, this launcher reads inventories of version {VERSION}");
            return Err(Failure::usage(message, "probe again with this launcher"));
        }
    }
    serde_json::from_value(value).map_err(|error| {
        Failure::usage(format!("`{shown}` is not an inventory: {error}"), "probe again with this launcher")
    })
}
