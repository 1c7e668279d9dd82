//! The entrypoint of a prefill pod: finds the RoCE and InfiniBand NICs that this pod can really use, and says
//! what NCCL, NVSHMEM and UCX must be told, and why.
//!
//! Reading ([`probe`]) and deciding (`prefill_core::rdma`) never mix. Data goes to stdout, words to stderr.
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
mod probe;
mod record;
mod root;
mod run;
mod stop;
mod table;
mod termination;
mod verbs;

use log::Log;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut log = Log::default();
    let result = arguments::read(std::env::args_os(), &arguments::environment()).and_then(|command| {
        log = command.log();
        commands::execute(command)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}
