//! The launcher's arguments as a [`Launch`].

use super::{EXCEPT, FROM_ENVIRONMENT, OFF, ON, SUBCOMMAND, VERSION, option};
use crate::environment::{LWS_LEADER_ADDRESS, LWS_WORKER_INDEX, VLLM_ADDITIONAL_ARGS, VLLM_API_SERVER_COUNT};
use crate::launch::{AccessLog, ApiServers, Launch, LeaderAddress, LoadBalancing, StartRank, Tls};
use std::fmt;
use std::str::FromStr;

/// Why arguments are not a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError {
    /// The option or word at fault.
    pub option: String,
    /// What was found and what is allowed.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = crate::excerpt::excerpt(&self.option);
        write!(f, "`{option}`: {}; hint: {}", self.message, self.hint)
    }
}

impl std::error::Error for ContractError {}

/// Reads contracts; stands for a launcher of one contract version.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The contract that this reader renders itself. It reads one older and one newer too.
    pub version: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Self { version: VERSION }
    }
}

impl Reader {
    /// The launch and warnings about unknown hints.
    pub fn read<S: AsRef<str>>(self, words: &[S]) -> Result<(Launch, Vec<String>), ContractError> {
        let mut words = words.iter().map(AsRef::as_ref);
        if words.next() != Some(SUBCOMMAND) {
            return Err(error(SUBCOMMAND, "missing as first argument".to_owned(), HINT_RENDERED));
        }
        let mut launch = Launch::new("");
        let mut warnings = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let mut tls = (None, None, false);
        while let Some(word) = words.next() {
            if word == "--" {
                launch.passthrough = words.map(str::to_owned).collect();
                break;
            }
            let Some(body) = word.strip_prefix("--") else {
                return Err(error(word, "not an option".to_owned(), "put words for vLLM behind `--`"));
            };
            let (name, value) = body.split_once('=').map_or((body, None), |(n, v)| (n, Some(v)));
            let repeatable = matches!(name, option::SERVED_MODEL_NAME | option::HINT_RDMA_RESOURCE);
            if seen.contains(&name) && !repeatable {
                return Err(error(word, "given twice".to_owned(), "keep one of the two"));
            }
            seen.push(name);
            if !set(&mut launch, &mut tls, name, Given { word, value }, self)? {
                if name.starts_with(option::HINT) {
                    warnings.push(format!("`--{name}` is unknown to this launcher and was left out"));
                } else {
                    return Err(error(word, "unknown option".to_owned(), HINT_VERSION));
                }
            }
        }
        if !seen.contains(&option::CONTRACT) {
            return Err(error("--contract", "missing".to_owned(), HINT_RENDERED));
        }
        if launch.model.is_empty() {
            return Err(error("--model", "missing or empty".to_owned(), HINT_RENDERED));
        }
        launch.tls = match tls {
            (None, None, false) => None,
            (Some(certificate), Some(key), refresh) => Some(Tls { certificate, key, refresh }),
            _ => {
                let message = "needs `--tls-certificate` and `--tls-key` together".to_owned();
                return Err(error("--tls-…", message, HINT_RENDERED));
            }
        };
        Ok((launch, warnings))
    }
}

const HINT_RENDERED: &str = "the policy writes these arguments; pass them on unchanged";
const HINT_VERSION: &str = "use a launcher of the policy's release, or one release beside it";

fn error(option: &str, message: String, hint: &'static str) -> ContractError {
    ContractError { option: option.to_owned(), message, hint }
}

#[derive(Clone, Copy)]
struct Given<'a> {
    word: &'a str,
    value: Option<&'a str>,
}

impl<'a> Given<'a> {
    fn text(self) -> Result<&'a str, ContractError> {
        self.value.ok_or_else(|| error(self.word, "has no value".to_owned(), HINT_RENDERED))
    }
    fn owned(self) -> Result<String, ContractError> {
        self.text().map(str::to_owned)
    }
    fn switch(self) -> Result<bool, ContractError> {
        match self.value {
            None => Ok(true),
            Some(_) => Err(error(self.word, "takes no value".to_owned(), HINT_RENDERED)),
        }
    }
    fn number<T: FromStr + PartialOrd + From<u16>>(self, least: u16) -> Result<T, ContractError> {
        self.text()?
            .parse()
            .ok()
            .filter(|n| *n >= T::from(least))
            .ok_or_else(|| error(self.word, format!("expected a whole number from {least}"), HINT_RENDERED))
    }
    fn one_of(self, allowed: &str) -> ContractError {
        error(self.word, format!("expected {allowed}"), HINT_RENDERED)
    }
    fn variable(self) -> Option<&'a str> {
        self.value?.strip_prefix(FROM_ENVIRONMENT)
    }
}

type TlsParts = (Option<String>, Option<String>, bool);

/// Sets what `name` stands for; false when there is no such option.
fn set(
    launch: &mut Launch,
    tls: &mut TlsParts,
    name: &str,
    given: Given<'_>,
    reader: Reader,
) -> Result<bool, ContractError> {
    let sizes = &mut launch.parallelism;
    match name {
        option::CONTRACT => {
            let version: u32 = given.number(1)?;
            if version.abs_diff(reader.version) > 1 {
                let message = format!("this launcher reads contract {} and its neighbours", reader.version);
                return Err(error(given.word, message, HINT_VERSION));
            }
        }
        option::MODEL => launch.model = given.owned()?,
        option::SERVED_MODEL_NAME => launch.served_model_names.push(given.owned()?),
        option::PORT => launch.port = given.number(1)?,
        option::TENSOR => sizes.tensor = Some(given.number(1)?),
        option::PIPELINE => sizes.pipeline = Some(given.number(1)?),
        option::DATA => sizes.data = Some(given.number(1)?),
        option::DATA_LOCAL => sizes.data_local = Some(given.number(0)?),
        option::DATA_RPC_PORT => sizes.data_rpc_port = Some(given.number(1)?),
        option::EXPERT => sizes.expert = given.switch()?,
        option::START_RANK => {
            launch.start_rank = match given.variable() {
                Some(LWS_WORKER_INDEX) => StartRank::WorkerIndex,
                Some(_) => return Err(given.one_of("a rank or `env:LWS_WORKER_INDEX`")),
                None => StartRank::Fixed(given.number(0)?),
            };
        }
        option::KEEP_RANK_0 => launch.keep_rank_0 = given.switch()?,
        option::LEADER_ADDRESS => {
            launch.leader_address = match given.variable() {
                Some(LWS_LEADER_ADDRESS) => LeaderAddress::Environment,
                Some(_) => return Err(given.one_of("an address or `env:LWS_LEADER_ADDRESS`")),
                None => LeaderAddress::Given(given.owned()?),
            };
        }
        option::LOAD_BALANCING => {
            launch.load_balancing = match given.text()? {
                "internal" => LoadBalancing::Internal,
                "hybrid" => LoadBalancing::Hybrid,
                "external" => LoadBalancing::External,
                _ => return Err(given.one_of("`internal`, `hybrid` or `external`")),
            };
        }
        option::HEADLESS => launch.headless = given.switch()?,
        option::API_SERVER_COUNT => launch.api_servers = api_servers(given)?,
        option::TLS_CERTIFICATE => tls.0 = Some(given.owned()?),
        option::TLS_KEY => tls.1 = Some(given.owned()?),
        option::TLS_REFRESH => tls.2 = given.switch()?,
        option::ACCESS_LOG => launch.access_log = access_log(given)?,
        option::SHUTDOWN_TIMEOUT => launch.shutdown_timeout = Some(given.number(0)?),
        option::KV_TRANSFER_DEFAULT => launch.kv_transfer_default = Some(given.owned()?),
        option::ADDITIONAL_ARGUMENTS => {
            if given.variable() != Some(VLLM_ADDITIONAL_ARGS) {
                return Err(given.one_of("`env:VLLM_ADDITIONAL_ARGS`"));
            }
            launch.additional_arguments = true;
        }
        option::HINT_RDMA_RESOURCE => launch.rdma_resources.push(given.owned()?),
        option::HINT_NETWORKS => launch.networks = Some(given.owned()?),
        _ => return Ok(false),
    }
    Ok(true)
}

fn api_servers(given: Given<'_>) -> Result<ApiServers, ContractError> {
    let Some(variable) = given.variable() else {
        return Ok(ApiServers::Fixed(given.number(0)?));
    };
    match variable.split_once(':') {
        Some((VLLM_API_SERVER_COUNT, default)) => default.parse().map(ApiServers::Environment).ok(),
        _ => None,
    }
    .ok_or_else(|| given.one_of("a number or `env:VLLM_API_SERVER_COUNT:NUMBER`"))
}

/// `off`, `on`, `except:PATH,…`, or the latter behind one of the former.
fn access_log(given: Given<'_>) -> Result<AccessLog, ContractError> {
    let text = given.text()?;
    let (switch, except) = match text.split_once(',') {
        _ if text.starts_with(EXCEPT) => (None, Some(text)),
        Some((switch, except)) => (Some(switch), Some(except)),
        None => (Some(text), None),
    };
    let unknown = || given.one_of("`off`, `on`, `except:PATH,…` or `off,except:PATH,…`");
    let off = match switch {
        None => None,
        Some(OFF) => Some(true),
        Some(ON) => Some(false),
        Some(_) => return Err(unknown()),
    };
    let paths = except.map(|except| except.strip_prefix(EXCEPT).map(str::to_owned).ok_or_else(unknown));
    Ok(AccessLog { off, except: paths.transpose()? })
}
