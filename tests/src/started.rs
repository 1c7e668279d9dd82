//! What a container starts vLLM with: its entrypoint run as the kubelet, and then bash, the launcher or nothing
//! else, would run it.
//!
//! Two releases of vLLM stand for all: one older than every feature that KServe's script and the launcher ask the
//! installed version for, and one newer.

mod script;

use std::borrow::Cow;
use std::collections::BTreeMap;

use prefill_core::contract::Reader;
use prefill_core::environment::{Environment, VLLM_ADDITIONAL_ARGS, VLLM_API_SERVER_COUNT};
use prefill_core::kubelet;
use prefill_core::launch::{ApiServers, LeaderAddress};
use prefill_core::serve::{Extra, Features, Group, serve};
use serde_json::Value;

use crate::walk::{is_set, items, text};

/// An installed vLLM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// One that knows none of the newer flags.
    Old,
    /// One that knows all of them.
    New,
}

impl Release {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Old, Self::New];

    fn version(self) -> &'static str {
        match self {
            Self::Old => "0.10.0",
            Self::New => "0.99.0",
        }
    }

    fn features(self) -> Features {
        match self {
            Self::New => Features::NEWEST,
            Self::Old => Features {
                access_log_for_endpoints: false,
                shutdown_timeout: false,
                offloading_connector: false,
                file_tier: false,
            },
        }
    }
}

/// A vLLM that was started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// The words behind the program's name; `serve` is the first.
    pub words: Vec<String>,
    /// What it finds in its environment, as far as the pod says it.
    pub environment: BTreeMap<String, String>,
}

/// What LeaderWorkerSet's webhook puts in front, where it comes after the policy. Which place in the group a pod has
/// does not matter here: it is the same with and without the policy.
const LEADER_WORKER_SET: [(&str, &str); 3] =
    [("LWS_LEADER_ADDRESS", "leader.group.namespace"), ("LWS_GROUP_SIZE", "2"), ("LWS_WORKER_INDEX", "1")];

/// To what the leader's name is resolved.
const ADDRESS: &str = "10.0.0.1";

/// The vLLM that `container` starts; none where the image or another program decides; or why it starts none.
pub fn vllm(container: &Value, release: Release) -> Result<Option<Started>, String> {
    let environment = environment(container);
    let command = items(&container["command"]);
    let words: Vec<String> = command
        .iter()
        .chain(items(&container["args"]))
        .map(|word| expand(text(word), &environment).into_owned())
        .collect();
    let Some((program, rest)) = words.split_first().filter(|_| !command.is_empty()) else { return Ok(None) };
    match program.rsplit('/').next().unwrap_or_default() {
        "vllm" => Ok(Some(Started { words: rest.to_vec(), environment })),
        "prefill-launcher" => launcher(rest, environment, release).map(Some),
        "bash" | "sh" => script::run(rest, &environment, release).map(Some),
        _ => Ok(None),
    }
}

/// What the kubelet gives the container (`makeEnvironmentVariables`): each value may refer to those before it, and the
/// last of a name counts. A value that only the cluster knows is a word that names it; what `envFrom` brings is
/// not there.
fn environment(container: &Value) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> =
        LEADER_WORKER_SET.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for variable in items(&container["env"]) {
        let name = text(&variable["name"]);
        let value = if is_set(&variable["valueFrom"]) {
            format!("value-of-{name}")
        } else {
            expand(text(&variable["value"]), &all).into_owned()
        };
        all.insert(name.to_owned(), value);
    }
    all
}

fn expand<'a>(word: &'a str, environment: &'a BTreeMap<String, String>) -> Cow<'a, str> {
    kubelet::expand(word, |name| environment.get(name).map(|value| Cow::Borrowed(value.as_str())))
}

/// `run` of the launcher, from its words to vLLM's.
fn launcher(
    words: &[String],
    environment: BTreeMap<String, String>,
    release: Release,
) -> Result<Started, String> {
    let (mut launch, _) = Reader::default().read(words).map_err(|error| error.to_string())?;
    let known: Environment = environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let additional = known.get(VLLM_ADDITIONAL_ARGS).filter(|_| launch.additional_arguments);
    let mut extra = Extra::read(additional, &launch.passthrough, false).map_err(|error| error.to_string())?;
    extra.lift(&mut launch).map_err(|error| error.to_string())?;
    let group = Group::read(&known).map_err(|error| error.to_string())?;
    let asked = matches!(launch.api_servers, ApiServers::Environment(_)) && !launch.headless;
    let servers = known.get(VLLM_API_SERVER_COUNT).filter(|_| asked);
    let servers = servers.map(str::parse).transpose().map_err(|_| "the number of API servers".to_owned())?;
    let leader = ADDRESS.parse().ok().filter(|_| launch.leader_address != LeaderAddress::Unset);
    let words = serve(&launch, group, leader, servers, release.features(), &extra).words;
    Ok(Started { words, environment })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words(container: &Value, release: Release) -> Vec<String> {
        vllm(container, release).unwrap().unwrap().words
    }

    #[test]
    fn the_kubelet_reads_first() {
        let container = json!({
            "command": ["/usr/bin/vllm", "serve", "$(MODEL)"], "args": ["--x=$(NONE)", "$$(MODEL)", "$(IP)"],
            "env": [
                { "name": "MODEL", "value": "first" },
                { "name": "BASE", "value": "/models" },
                { "name": "MODEL", "value": "$(BASE)/m" },
                { "name": "IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
            ],
        });
        assert_eq!(
            words(&container, Release::Old),
            ["serve", "/models/m", "--x=$(NONE)", "$(MODEL)", "value-of-IP"]
        );
    }

    #[test]
    fn what_the_image_decides_is_unknown() {
        for container in
            [json!({}), json!({ "args": ["vllm", "serve"] }), json!({ "command": ["python3", "-m", "vllm"] })]
        {
            assert_eq!(vllm(&container, Release::New), Ok(None), "{container}");
        }
    }

    #[test]
    fn the_launcher_is_run_by_its_own_rules() {
        let mut container = json!({
            "command": ["/opt/x/prefill-launcher"],
            "args": ["run", "--contract=1", "--model=m", "--kv-transfer-default={\"kv_connector\":\"OffloadingConnector\"}",
                "--additional-arguments=env:VLLM_ADDITIONAL_ARGS", "--", "--dtype", "$(TYPE)"],
            "env": [
                { "name": "TYPE", "value": "half" },
                { "name": "VLLM_ADDITIONAL_ARGS", "value": "--port 9 --seed '1'" },
            ],
        });
        assert_eq!(
            words(&container, Release::Old),
            ["serve", "m", "--port", "9", "--seed", "1", "--dtype", "half"]
        );
        assert_eq!(
            words(&container, Release::New)[4..6],
            ["--kv-transfer-config", "{\"kv_connector\":\"OffloadingConnector\"}"]
        );
        container["args"][1] = json!("--contract=9");
        assert!(vllm(&container, Release::New).unwrap_err().contains("--contract=9"));
    }
}
