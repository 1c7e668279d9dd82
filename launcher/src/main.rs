//! The entrypoint of a prefill pod: finds the RoCE and InfiniBand NICs that this pod can really use, and says
//! what NCCL, NVSHMEM and UCX must be told, and why.
//!
//! Reading ([`probe`]) and deciding (`prefill_core::rdma`) never mix. Data goes to stdout, words to stderr.
//! This crate knows no Kubernetes objects; for those see `prefill-shape`.

mod arguments;
mod commands;
mod failure;
mod probe;
mod record;
mod root;
mod table;
mod verbs;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = arguments::read(std::env::args_os(), &arguments::environment()).and_then(commands::execute);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to be told where stderr is closed.
            let _ = write!(std::io::stderr(), "{failure}");
            ExitCode::from(failure.code)
        }
    }
}
