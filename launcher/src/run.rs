//! `run`: from the container's start to vLLM, each decision a line of the log.
//!
//! What can be wrong without waiting is found first: words, the installed vLLM, contradictions. Then the leader's
//! name is resolved, the NICs are probed, and vLLM takes this process.

mod exec;
mod facts;

use crate::arguments::{Arguments, Shown};
use crate::explain::Left;
use crate::failure::Failure;
use crate::installed::{self, Installed};
use crate::leader::{self, Search};
use crate::log::Log;
use crate::machine::{Decided, decide, root};
use crate::output::print;
use crate::root::Root;
use crate::secrets::masked;
use crate::stop::Stop;
use exec::Program;
use prefill_core::environment::{self as env, Environment};
use prefill_core::excerpt::{command_line, shell_word};
use prefill_core::launch::{ApiServers, Launch, LeaderAddress};
use prefill_core::serve::{Extra, Serve, Severity, check, names_nixl, serve};
use prefill_rdma::doctor::{self, Leader, diagnose, text as finding_text};
use prefill_rdma::text::{self, Level};
use std::net::IpAddr;

/// Runs vLLM; comes back only with `--dry-run`, or with why not.
pub(crate) fn run(mut arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let log = Log { format: arguments.log };
    arguments.warnings.iter().for_each(|warning| log.warning(warning));
    let extra = extra(&mut arguments, environment)?;
    extra.warnings.iter().for_each(|warning| log.warning(warning));
    arguments.complete(environment);
    let launch = &arguments.launch;
    let api_servers = api_servers(launch, environment)?;
    let path = std::env::var_os("PATH");
    let vllm = installed::find(path.as_deref(), arguments.vllm.as_deref())?;
    vllm.notes.iter().for_each(|note| log.info(note));
    let root = root(&arguments.given.machine)?;
    let before = serve(launch, arguments.group, None, api_servers, vllm.features, &extra);
    let mut facts = facts::read(&root, launch, environment);
    // Ray may have GPUs elsewhere.
    facts.gpus = facts.gpus.filter(|_| !vllm.features.may_start_ray());
    refuse_contradictions(&arguments, &before, &facts, &extra, log)?;
    let stop =
        Stop::listen().map_err(|error| Failure::failed(format!("signals cannot be handled: {error}")))?;
    let address = leader(&arguments, environment, &root, &stop, log)?;
    if let Some(address) = address {
        arguments.given.options.leader = Some(address);
    }
    let given = &arguments.given;
    let decided = decide(&given.machine, given.wait.unwrap_or_default(), environment, &given.options, log)?;
    for warning in &decided.inventory.warnings {
        log.warning(warning);
    }
    // Why it must not start is the last line, once.
    for (level, line) in text::lines(&decided.plan).into_iter().filter(|(level, _)| *level != Level::Error) {
        log.line(level, &line);
    }
    if let Some(reason) = &decided.plan.failure {
        return Err(Failure::failed(format!("`--rdma=require`: {reason}"))
            .hint("`prefill-launcher probe` shows every port; `--rdma=auto` starts without"));
    }
    examine(&root, &decided, environment, address, log);
    let serve = serve(&arguments.launch, arguments.group, address, api_servers, vllm.features, &extra);
    serve.notes.iter().for_each(|note| log.info(note));
    let mut set: Vec<(String, String)> =
        decided.plan.environment().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    set.extend(side_channel(&arguments.launch, &extra, environment, &decided.inventory.network, log));
    let mut removed: Vec<String> = decided.plan.removed().map(str::to_owned).collect();
    removed.extend(not_for_vllm(environment, log));
    leave_plan(&arguments, &Left::new(&decided, &arguments.said, address), log);
    hand_over(&vllm, &serve, &set, &removed, arguments.dry_run, log)
}

/// What `doctor` would find without trying anything, errors and warnings, in short.
fn examine(root: &Root, decided: &Decided, environment: &Environment, address: Option<IpAddr>, log: Log) {
    let Decided { inventory, plan } = decided;
    if plan.off.is_some() {
        return;
    }
    let mut facts = crate::doctor::read(root, inventory);
    facts.leader = address.map(Leader::At);
    let found = diagnose(inventory, plan, environment, &facts).into_iter();
    // The plan's own warnings are in the log already.
    for finding in found.filter(|one| one.severity != doctor::Severity::Info && !one.is_told_by(plan)) {
        log.warning(format!("doctor: {}", finding_text::line(&finding)));
    }
}

/// vLLM's words beside the launcher's, with the launcher's own flags lifted out of them.
fn extra(arguments: &mut Arguments, environment: &Environment) -> Result<Extra, Failure> {
    let variable = environment.get(env::VLLM_ADDITIONAL_ARGS);
    let additional = variable.filter(|_| arguments.launch.additional_arguments);
    let mut extra =
        Extra::read(additional, &arguments.launch.passthrough, arguments.shell_words).map_err(|error| {
            Failure::usage(error.to_string(), "write the words as a POSIX shell would read them")
        })?;
    extra
        .lift(&mut arguments.launch)
        .map_err(|error| Failure::usage(error.to_string(), "write the flag as `vllm serve --help` has it"))?;
    Ok(extra)
}

/// What `VLLM_API_SERVER_COUNT` says, where the launch asks it.
fn api_servers(launch: &Launch, environment: &Environment) -> Result<Option<u32>, Failure> {
    let name = env::VLLM_API_SERVER_COUNT;
    let asked = matches!(launch.api_servers, ApiServers::Environment(_)) && !launch.headless;
    environment.get(name).filter(|_| asked).map_or(Ok(None), |value| {
        value.trim().parse().map(Some).map_err(|_| {
            Failure::usage(
                format!("`{name}` is `{value}`, expected a whole number from 0"),
                "leave it out for the default",
            )
        })
    })
}

/// Every contradiction is told, not the first only.
fn refuse_contradictions(
    arguments: &Arguments,
    serve: &Serve,
    facts: &prefill_core::serve::Facts,
    extra: &Extra,
    log: Log,
) -> Result<(), Failure> {
    let mut errors = Vec::new();
    for found in check(&arguments.launch, serve, arguments.group, facts, extra) {
        match found.severity {
            Severity::Warning => log.warning(format!("{}; {}", found.message, found.hint)),
            Severity::Error => errors.push(found),
        }
    }
    let Some(first) = errors.first() else { return Ok(()) };
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    Err(Failure::usage(messages.join("; "), first.hint))
}

/// The leader's address, where this launch has one.
fn leader(
    arguments: &Arguments,
    environment: &Environment,
    root: &Root,
    stop: &Stop,
    log: Log,
) -> Result<Option<IpAddr>, Failure> {
    let mut source = "`LWS_LEADER_ADDRESS`";
    let name = match &arguments.launch.leader_address {
        LeaderAddress::Unset => return Ok(None),
        LeaderAddress::Given(name) => {
            source = "`--leader-address`";
            name.clone()
        }
        LeaderAddress::Environment => match environment.get(env::LWS_LEADER_ADDRESS) {
            Some(name) => name.to_owned(),
            None if needs_leader(arguments) => {
                let message = format!(
                    "`{}` is not set, but other pods have data-parallel ranks too",
                    env::LWS_LEADER_ADDRESS
                );
                return Err(Failure::usage(
                    message,
                    "LeaderWorkerSet sets it; give `--leader-address=HOST` elsewhere",
                ));
            }
            None => {
                log.info(format!("`{}` is not set; all ranks are in this pod", env::LWS_LEADER_ADDRESS));
                return Ok(None);
            }
        },
    };
    let search = Search {
        name: &name,
        source,
        leads: !arguments.group.is_worker(),
        attempts: leader::attempts(environment)?,
        budget: leader::BUDGET,
    };
    let mut say = |level, line: String| log.line(level, &line);
    leader::resolve(&search, &(&crate::probe::network(root)).into(), stop, &mut say).map(Some)
}

/// Whether ranks are in other pods too.
fn needs_leader(arguments: &Arguments) -> bool {
    let sizes = &arguments.launch.parallelism;
    arguments.group.has_others()
        || matches!((sizes.data, sizes.data_local), (Some(data), Some(local)) if local < data)
}

/// NIXL binds and advertises this address; its default, `localhost`, is of no use to another pod.
fn side_channel(
    launch: &Launch,
    extra: &Extra,
    environment: &Environment,
    network: &prefill_rdma::inventory::Network,
    log: Log,
) -> Option<(String, String)> {
    let name = env::VLLM_NIXL_SIDE_CHANNEL_HOST;
    let ours = launch.kv_transfer_default.iter().any(|text| names_nixl(text));
    if environment.get(name).is_some() || !(ours || extra.words.iter().any(|word| names_nixl(word))) {
        return None;
    }
    let Some(address) = network.own_address() else {
        log.warning(format!(
            "`{name}` is not set, and which address is this pod's is unknown: other pods cannot reach NIXL"
        ));
        return None;
    };
    log.info(format!("set {name}={address}: a NIXL connector is used, and its default is `localhost`"));
    Some((name.to_owned(), address.to_string()))
}

/// Variables that are the launcher's, and one that a Service named `vllm` puts into every pod: vLLM warns of the
/// former and ends at the latter.
fn not_for_vllm(environment: &Environment, log: Log) -> Vec<String> {
    let ours = [env::VLLM_ADDITIONAL_ARGS, env::VLLM_API_SERVER_COUNT].into_iter();
    let mut removed: Vec<String> = ours.filter(|name| environment.has(name)).map(str::to_owned).collect();
    if environment.get(env::VLLM_PORT).is_some_and(|value| value.contains("://")) {
        log.info(format!(
            "remove {}: a Service named `vllm` set it, and vLLM would end at it",
            env::VLLM_PORT
        ));
        removed.push(env::VLLM_PORT.to_owned());
    }
    removed
}

fn leave_plan(arguments: &Arguments, left: &Left, log: Log) {
    if arguments.dry_run.is_some() {
        return;
    }
    let path = &arguments.plan_file;
    if let Err(error) = left.write(path) {
        log.info(format!("the plan is not left at `{}`: {error}", path.display()));
    }
}

fn hand_over(
    vllm: &Installed,
    serve: &Serve,
    set: &[(String, String)],
    removed: &[String],
    dry_run: Option<Shown>,
    log: Log,
) -> Result<(), Failure> {
    let program = vllm.program.to_string_lossy();
    let words = || std::iter::once(&*program).chain(serve.words.iter().map(String::as_str));
    log.info(format!("exec {}", command_line(words())));
    if let Some(shown) = dry_run {
        return print(&dry(words(), set, removed, shown));
    }
    raise_memlock(log);
    Err(exec::exec(&Program { path: &vllm.program, words: &serve.words, set, removed }))
}

fn raise_memlock(log: Log) {
    let text =
        |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |bytes| format!("{bytes} bytes"));
    match crate::limits::raise_memlock() {
        Ok(None) => {}
        Ok(Some((was, is))) => {
            log.info(format!("the limit of locked memory is raised from {} to {}", text(was), text(is)));
        }
        Err(error) => log.warning(format!("the limit of locked memory cannot be raised: {error}")),
    }
}

/// What would be started, as a POSIX shell would be told.
fn dry<'a>(
    words: impl Iterator<Item = &'a str>,
    set: &[(String, String)],
    removed: &[String],
    shown: Shown,
) -> String {
    let mut parts = vec!["env".to_owned()];
    parts.extend(removed.iter().map(|name| format!("-u {name}")));
    parts.extend(set.iter().map(|(name, value)| shell_word(&format!("{name}={value}"))));
    match shown {
        Shown::Secrets => {
            parts.extend(words.map(shell_word));
            parts.join(" ") + "\n"
        }
        Shown::Rest => {
            parts.push(command_line(words));
            masked(&parts.join(" ")) + "\n"
        }
    }
}
