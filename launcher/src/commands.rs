//! What each command does.

use crate::arguments::{Command, Machine, PlanFormat};
use crate::failure::Failure;
use crate::probe::{Source, probe};
use crate::root::Root;
use crate::table;
use prefill_core::environment::Environment;
use prefill_core::inventory::{Inventory, VERSION};
use prefill_core::rdma::text::{self, Level};
use prefill_core::rdma::{Options, Plan, plan};
use std::io::{self, Write};
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// How often is looked again for a port that is waited for.
const INTERVAL: Duration = Duration::from_millis(500);

/// Does it.
pub(crate) fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Say(text) => print(text),
        Command::Probe { machine, json, save, options, environment } => {
            let root = Root::new(machine.sysroot.clone());
            if let Some(directory) = save {
                self::save(&root, &directory)?;
            }
            let inventory = probe(&root, &machine.source());
            if json {
                return print(&to_json(&inventory)?);
            }
            print(&table::render(&inventory, &plan(&inventory, &environment, &options)))?;
            complain(&inventory.warnings);
            Ok(())
        }
        Command::Plan { machine, format, wait, options, environment } => {
            let (warnings, plan) = decide(&machine, wait, &environment, &options)?;
            complain(&warnings);
            show(&plan, format)?;
            match &plan.failure {
                Some(reason) => Err(Failure::failed(format!("`--rdma=require`: {reason}"))
                    .hint("`prefill-launcher probe` shows every port; `--rdma=auto` starts without")),
                None => Ok(()),
            }
        }
    }
}

/// The plan, once nothing that is expected is missing, or time is up.
fn decide(
    machine: &Machine,
    wait: Duration,
    environment: &Environment,
    options: &Options,
) -> Result<(Vec<String>, Plan), Failure> {
    if let Some(path) = &machine.inventory {
        let inventory = replay(path)?;
        let plan = plan(&inventory, environment, options);
        return Ok((inventory.warnings, plan));
    }
    let root = Root::new(machine.sysroot.clone());
    let start = Instant::now();
    loop {
        let inventory = probe(&root, &machine.source());
        let plan = plan(&inventory, environment, options);
        let left = wait.saturating_sub(start.elapsed());
        if plan.missing.is_empty() || left.is_zero() {
            return Ok((inventory.warnings, plan));
        }
        std::thread::sleep(INTERVAL.min(left));
    }
}

/// An inventory that `probe` wrote.
fn replay(path: &Path) -> Result<Inventory, Failure> {
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

fn save(root: &Root, directory: &Path) -> Result<(), Failure> {
    let (recording, record) = root.recording();
    // Without libibverbs, so that sysfs is read whole.
    probe(&recording, &Source::None);
    let record = record.lock().unwrap_or_else(PoisonError::into_inner);
    record.write(directory).map_err(|error| {
        Failure::failed(format!("`--save`: `{}` cannot be written: {error}", directory.display()))
            .hint("name a directory that is empty or not there yet")
    })
}

fn show(plan: &Plan, format: PlanFormat) -> Result<(), Failure> {
    let lines = text::lines(plan);
    if format == PlanFormat::Text {
        let prefix = |level| if level == Level::Info { "" } else { "warning: " };
        let decisions = lines.iter().filter(|(level, _)| *level != Level::Error);
        let text = decisions.map(|(level, line)| format!("{}{line}\n", prefix(*level))).collect::<Vec<_>>();
        return print(&text.concat());
    }
    let warnings = lines.into_iter().filter(|(level, _)| *level == Level::Warning);
    complain(&warnings.map(|(_, line)| line).collect::<Vec<_>>());
    if format == PlanFormat::Env { print(&text::environment(plan)) } else { print(&to_json(plan)?) }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::failed(format!("JSON could not be written: {error}")))
}

fn complain(warnings: &[String]) {
    let mut stderr = io::stderr().lock();
    for warning in warnings {
        // Nobody is left to be told where stderr is closed.
        let _ = writeln!(stderr, "prefill-launcher: warning: {warning}");
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // `| head` has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
