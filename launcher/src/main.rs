//! The entrypoint of a prefill pod: finds the RoCE and InfiniBand NICs that this pod can really use, and says
//! what NCCL, NVSHMEM and UCX must be told, and why.
//!
//! Reading ([`probe`]) and deciding (`prefill_rdma`) never mix. Data goes to stdout, words to stderr.
//! This crate knows no Kubernetes objects; for those see `prefill-shape`.

mod arguments;
mod commands;
mod doctor;
mod explain;
mod failure;
mod install;
mod installed;
mod leader;
mod limits;
mod log;
mod machine;
mod output;
mod probe;
mod record;
mod root;
mod run;
mod secrets;
mod stop;
mod table;
mod termination;
mod verbs;

use log::{Format, Log};
use prefill_core::contract::SUBCOMMAND;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let entrypoint = words.next().is_some_and(|word| word == SUBCOMMAND);
    // Also what is wrong with the words themselves is told in the format that they ask for.
    let json = entrypoint && words.take_while(|word| word != "--").any(|word| word == "--log-format=json");
    let log = Log { format: if json { Format::Json } else { Format::Text } };
    let environment = arguments::environment();
    let result = arguments::read(std::env::args_os(), &environment)
        .and_then(|command| commands::execute(command, &environment));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log.failure(&failure);
            if entrypoint {
                termination::leave(&failure);
            }
            ExitCode::from(failure.code)
        }
    }
}
