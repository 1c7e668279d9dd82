//! The launcher's search for its leader, alone: `resolve NAME BUDGET leader|worker`. The address goes to stdout, the
//! log to stderr. `NETWORK` is a file with this pod's network, as `prefill-launcher probe --format json` writes it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tool that cannot go on stops")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the words are this program's output")]

#[path = "../../launcher/src"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the launcher uses the rest")]
mod source {
    pub(crate) mod failure;
    pub(crate) mod leader;
    pub(crate) mod stop;
}

use prefill_core::environment::Environment;
use prefill_rdma::inventory::Network;
use prefill_rdma::text::Level;
use source::{failure, leader, stop};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    match resolve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn resolve() -> Result<(), failure::Failure> {
    let [name, budget, role]: [String; 3] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().expect("NAME BUDGET ROLE");
    let stop = stop::Stop::listen().expect("handlers for signals");
    let environment: Environment = std::env::vars().collect();
    let own: Network = environment.get("NETWORK").map_or_else(Network::default, |path| {
        serde_json::from_str(&std::fs::read_to_string(path).expect("the network")).expect("a network")
    });
    let search = leader::Search {
        name: &name,
        source: "`LWS_LEADER_ADDRESS`",
        leads: role == "leader",
        attempts: leader::attempts(&environment)?,
        budget: Duration::from_secs(budget.parse().expect("seconds")),
    };
    let mut log = |level, line| {
        let level = if level == Level::Warning { "warning" } else { "info" };
        eprintln!("prefill-launcher: {level}: {line}");
    };
    println!("{}", leader::resolve(&search, &(&own).into(), &stop, &mut log)?);
    Ok(())
}
