//! The argument contract between the policy, which renders it, and the launcher, which reads it.
//!
//! `run --contract=1 --model=… [--name=value …] [-- words for vLLM …]`. Every option is one word,
//! so that a reader can pass over one that it does not know. Two kinds of option exist:
//!
//! - those that change what vLLM does: unknown ones are an error, or the pod would serve
//!   something other than what was asked for;
//! - `--hint-…`: they only make messages better; unknown ones give a warning.
//!
//! An option is rendered only where it differs from its default, so that a launcher one contract
//! older or newer understands every pod that does not use what is new.

mod read;
mod render;

pub use read::{ContractError, Reader};
pub use render::render;

/// The contract that this source renders.
pub const VERSION: u32 = 1;
/// The launcher, as it is called.
pub const PROGRAM: &str = "prefill-launcher";
/// Where the policy has it installed.
pub const HOME: &str = "/opt/llm-d-prefill";
/// The launcher's subcommand that reads the contract.
pub const SUBCOMMAND: &str = "run";

/// A value that is read from this variable at run time, as the contract writes it.
pub(crate) const FROM_ENVIRONMENT: &str = "env:";
/// Parts of what `--access-log` says.
const OFF: &str = "off";
const ON: &str = "on";
const EXCEPT: &str = "except:";

/// Names of the options, spelled once for both sides.
pub(crate) mod option {
    pub(crate) const CONTRACT: &str = "contract";
    pub(crate) const MODEL: &str = "model";
    pub(crate) const SERVED_MODEL_NAME: &str = "served-model-name";
    pub(crate) const PORT: &str = "port";
    pub(crate) const TENSOR: &str = "tensor";
    pub(crate) const PIPELINE: &str = "pipeline";
    pub(crate) const DATA: &str = "data";
    pub(crate) const DATA_LOCAL: &str = "data-local";
    pub(crate) const DATA_RPC_PORT: &str = "data-rpc-port";
    pub(crate) const EXPERT: &str = "expert";
    pub(crate) const START_RANK: &str = "start-rank";
    pub(crate) const KEEP_RANK_0: &str = "keep-rank-0";
    pub(crate) const LEADER_ADDRESS: &str = "leader-address";
    pub(crate) const LOAD_BALANCING: &str = "load-balancing";
    pub(crate) const HEADLESS: &str = "headless";
    pub(crate) const API_SERVER_COUNT: &str = "api-server-count";
    pub(crate) const TLS_CERTIFICATE: &str = "tls-certificate";
    pub(crate) const TLS_KEY: &str = "tls-key";
    pub(crate) const TLS_REFRESH: &str = "tls-refresh";
    pub(crate) const ACCESS_LOG: &str = "access-log";
    pub(crate) const SHUTDOWN_TIMEOUT: &str = "shutdown-timeout";
    pub(crate) const KV_TRANSFER_DEFAULT: &str = "kv-transfer-default";
    pub(crate) const ADDITIONAL_ARGUMENTS: &str = "additional-arguments";
    pub(crate) const HINT: &str = "hint-";
    pub(crate) const HINT_RDMA_RESOURCE: &str = "hint-rdma-resource";
    pub(crate) const HINT_NETWORKS: &str = "hint-networks";
}

#[cfg(test)]
mod tests;
