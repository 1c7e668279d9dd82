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
pub mod option {
    macro_rules! options {
        ($($name:ident = $text:literal;)*) => {
            $(pub(crate) const $name: &str = $text;)*

            /// Every one.
            pub const ALL: &[&str] = &[$($name),*];
        };
    }

    options! {
        CONTRACT = "contract";
        MODEL = "model";
        SERVED_MODEL_NAME = "served-model-name";
        PORT = "port";
        TENSOR = "tensor";
        PIPELINE = "pipeline";
        DATA = "data";
        DATA_LOCAL = "data-local";
        DATA_RPC_PORT = "data-rpc-port";
        EXPERT = "expert";
        START_RANK = "start-rank";
        KEEP_RANK_0 = "keep-rank-0";
        LEADER_ADDRESS = "leader-address";
        LOAD_BALANCING = "load-balancing";
        HEADLESS = "headless";
        API_SERVER_COUNT = "api-server-count";
        TLS_CERTIFICATE = "tls-certificate";
        TLS_KEY = "tls-key";
        TLS_REFRESH = "tls-refresh";
        ACCESS_LOG = "access-log";
        SHUTDOWN_TIMEOUT = "shutdown-timeout";
        KV_TRANSFER_DEFAULT = "kv-transfer-default";
        ADDITIONAL_ARGUMENTS = "additional-arguments";
        HINT_RDMA_RESOURCE = "hint-rdma-resource";
        HINT_NETWORKS = "hint-networks";
    }

    /// What the names begin with of those that only make messages better.
    pub(crate) const HINT: &str = "hint-";
}

#[cfg(test)]
mod tests;
