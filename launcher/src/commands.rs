//! What each command does.

use crate::arguments::{Command, Machine, PlanFormat, Probe, misspelt};
use crate::doctor;
use crate::explain::Left;
use crate::failure::Failure;
use crate::install::install;
use crate::leader::{Glance, glance};
use crate::log::Log;
use crate::machine::{Decided, decide, replay, root};
use crate::output::{complain, print, to_json};
use crate::probe::{Source, network, probe};
use crate::root::Root;
use crate::run;
use crate::secrets;
use crate::table;
use prefill_core::environment::{Environment, LWS_LEADER_ADDRESS};
use prefill_rdma::doctor::{Facts, Severity, diagnose, text as findings_text};
use prefill_rdma::inventory::Port;
use prefill_rdma::text::{self, Level};
use prefill_rdma::{Options, Plan, counting_gids, plan};
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

/// Does it.
pub(crate) fn execute(command: Command, environment: &Environment) -> Result<(), Failure> {
    let log = command.log();
    if command.reads_variables() {
        complain(&misspelt(environment), log);
    }
    match command {
        Command::Say(text) => print(text),
        Command::Probe(given) => table(&given, environment, log),
        Command::Run(arguments) => run::run(*arguments, environment),
        Command::Explain(given) => {
            let left = Left::read(&given.plan_file())?;
            let options = given.options(&left.flags, left.leader, environment)?;
            let now = decide(&given.machine, Duration::ZERO, environment, &options, log)?;
            print(&secrets::masked(&left.compare(&now)))
        }
        Command::Install(directory) => {
            let (path, copied) = install(&directory)?;
            let what = if copied { "installed" } else { "was there already" };
            print(&format!("`{}` {what}\n", path.display()))
        }
        Command::Plan(mut given) => {
            find_leader(&given.machine, environment, &mut given.options, log)?;
            let Decided { inventory, plan } =
                decide(&given.machine, given.wait, environment, &given.options, log)?;
            complain(&inventory.warnings, log);
            // A shell that reads the variables must not go on with half of them.
            if plan.failure.is_none() || given.format != PlanFormat::Env {
                show(&plan, given.format, log)?;
            }
            match &plan.failure {
                Some(reason) => Err(Failure::failed(format!("`--rdma=require`: {reason}"))
                    .hint("`prefill-launcher probe` shows every port; `--rdma=auto` starts without")),
                None => Ok(()),
            }
        }
        Command::Doctor(given) => examine(&given.machine, given.json, given.options, environment, log),
    }
}

/// The leader's address for `plan`, as `run` would find it.
fn find_leader(
    machine: &Machine,
    environment: &Environment,
    options: &mut Options,
    log: Log,
) -> Result<(), Failure> {
    if machine.inventory.is_some() || options.leader.is_some() {
        return Ok(());
    }
    let root = root(machine)?;
    match glance(root.is_here(), environment, || (&network(&root)).into()) {
        Glance::At(address) => options.leader = Some(address),
        Glance::Unresolved(reason) => {
            log.warning(format!("`{LWS_LEADER_ADDRESS}`: {reason}; this plan knows no leader"));
        }
        Glance::Unnamed | Glance::Elsewhere => {}
    }
    Ok(())
}

/// Every port that is there, and whether it can be used.
fn table(given: &Probe, environment: &Environment, log: Log) -> Result<(), Failure> {
    let root = root(&given.machine)?;
    if let Some(directory) = &given.save {
        save(&root, directory)?;
    }
    let inventory = probe(&root, &given.machine.source());
    if given.json {
        return print(&to_json(&inventory)?);
    }
    let gids = |port: &Port| {
        let counting = counting_gids(&inventory, environment, &given.options, port);
        let text = counting.iter().map(|gid| format!("{}={}", gid.index, gid.address()));
        text.collect::<Vec<_>>().join(",")
    };
    print(&table::render(&inventory, &plan(&inventory, environment, &given.options), &gids))?;
    complain(&inventory.warnings, log);
    Ok(())
}

/// Looks, plans, tries, and says what will go wrong. An error among it is one of this command too.
fn examine(
    machine: &Machine,
    json: bool,
    mut options: Options,
    environment: &Environment,
    log: Log,
) -> Result<(), Failure> {
    let (inventory, plan, facts) = if let Some(path) = &machine.inventory {
        let inventory = replay(path)?;
        let unknown = vec!["what an inventory does not say: limits, mounts, drivers of GPUs".to_owned()];
        let mut facts = Facts { unknown, ..Facts::default() };
        doctor::find_leader(false, &inventory, environment, &mut options, &mut facts);
        let plan = plan(&inventory, environment, &options);
        (inventory, plan, facts)
    } else {
        let root = root(machine)?;
        let inventory = probe(&root, &machine.source());
        let mut facts = doctor::read(&root, &inventory);
        doctor::find_leader(root.is_here(), &inventory, environment, &mut options, &mut facts);
        let plan = plan(&inventory, environment, &options);
        doctor::try_memory(&root, &machine.source(), &inventory, &plan, &mut facts);
        (inventory, plan, facts)
    };
    complain(&inventory.warnings, log);
    let findings = diagnose(&inventory, &plan, environment, &facts);
    let found = if json {
        to_json(&serde_json::json!({ "findings": findings, "unknown": facts.unknown }))?
    } else {
        findings_text::blocks(&findings, &facts.unknown)
    };
    print(&secrets::masked(&found))?;
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Failure::failed(format!("`doctor` found {}", findings_text::count(&findings)))
            .hint("each finding says what to do"));
    }
    Ok(())
}

fn save(root: &Root, directory: &Path) -> Result<(), Failure> {
    let (recording, record) = root.recording();
    // Without libibverbs, so that sysfs is read whole.
    let inventory = probe(&recording, &Source::None);
    doctor::read(&recording, &inventory);
    let record = record.lock().unwrap_or_else(PoisonError::into_inner);
    record.write(directory).map_err(|error| {
        Failure::failed(format!("`--save`: `{}` cannot be written: {error}", directory.display()))
            .hint("name a directory that is empty or not there yet")
    })
}

fn show(plan: &Plan, format: PlanFormat, log: Log) -> Result<(), Failure> {
    let lines = text::lines(plan);
    if format == PlanFormat::Text {
        let prefix = |level| if level == Level::Info { "" } else { "warning: " };
        let decisions = lines.iter().filter(|(level, _)| *level != Level::Error);
        let text = decisions.map(|(level, line)| format!("{}{line}\n", prefix(*level))).collect::<Vec<_>>();
        return print(&secrets::masked(&text.concat()));
    }
    let warnings = lines.into_iter().filter(|(level, _)| *level == Level::Warning);
    complain(&warnings.map(|(_, line)| line).collect::<Vec<_>>(), log);
    if format == PlanFormat::Json {
        return print(&to_json(plan)?);
    }
    let removed = plan
        .removed()
        .map(|name| format!("`{name}` is empty and should be unset; lines of `NAME=value` cannot say so"));
    complain(&removed.collect::<Vec<_>>(), log);
    print(&text::environment(plan))
}
