//! The words behind `vllm`, in one order, each flag once.

use super::{Extra, Features, Group};
use crate::launch::{AccessLog, ApiServers, Launch, LoadBalancing, StartRank};
use std::net::IpAddr;

/// What vLLM is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Serve {
    /// The words behind the program's name.
    pub words: Vec<String>,
    /// The first data-parallel rank of this pod, where it has one.
    pub rank: Option<u32>,
    /// Why words are there, or not.
    pub notes: Vec<String>,
}

/// The words for `launch`. `leader` is what the leader's address was resolved to; `api_servers` what
/// `VLLM_API_SERVER_COUNT` says.
pub fn serve(
    launch: &Launch,
    group: Group,
    leader: Option<IpAddr>,
    api_servers: Option<u32>,
    features: Features,
    extra: &Extra,
) -> Serve {
    let mut writer = Writer { extra, serve: Serve { rank: rank(launch, group), ..Serve::default() } };
    writer.model(launch);
    writer.flag("--port", Some(launch.port));
    writer.api_servers(launch, api_servers);
    let sizes = &launch.parallelism;
    writer.switch("--enable-expert-parallel", sizes.expert);
    writer.flag("--tensor-parallel-size", sizes.tensor);
    writer.flag("--pipeline-parallel-size", sizes.pipeline);
    writer.flag("--data-parallel-size", sizes.data);
    writer.flag("--data-parallel-size-local", sizes.data_local);
    writer.flag("--data-parallel-address", leader);
    writer.flag("--data-parallel-rpc-port", sizes.data_rpc_port);
    writer.rank(launch);
    writer.switch("--headless", launch.headless);
    writer.access_log(&launch.access_log, features);
    writer.shutdown_timeout(launch.shutdown_timeout, features);
    writer.kv_transfer(launch, features);
    if let Some(tls) = &launch.tls {
        let given = |path: &String| Some(path.clone()).filter(|path| !path.is_empty());
        writer.switch("--enable-ssl-refresh", tls.refresh);
        writer.flag("--ssl-certfile", given(&tls.certificate));
        writer.flag("--ssl-keyfile", given(&tls.key));
    }
    let mut serve = writer.serve;
    serve.words.extend(extra.words.iter().cloned());
    serve
}

/// The first rank of this pod: as given, or its index times the ranks of one pod.
fn rank(launch: &Launch, group: Group) -> Option<u32> {
    match launch.start_rank {
        StartRank::Unset => None,
        StartRank::Fixed(rank) => Some(rank),
        StartRank::WorkerIndex => {
            let local = launch.parallelism.data_local.unwrap_or(1);
            Some(group.index.unwrap_or(0).saturating_mul(local))
        }
    }
}

struct Writer<'e> {
    extra: &'e Extra,
    serve: Serve,
}

impl Writer<'_> {
    fn push(&mut self, word: impl Into<String>) {
        self.serve.words.push(word.into());
    }

    /// `flag value`, unless there is no value.
    fn flag(&mut self, flag: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            let value = value.to_string();
            // A value that begins with a dash would be taken for a flag.
            if value.starts_with('-') {
                self.push(format!("{flag}={value}"));
            } else {
                self.push(flag);
                self.push(value);
            }
        }
    }

    fn switch(&mut self, flag: &str, on: bool) {
        if on {
            self.push(flag);
        }
    }

    fn model(&mut self, launch: &Launch) {
        self.push("serve");
        if launch.model.starts_with('-') {
            self.push(format!("--model={}", launch.model));
        } else {
            self.push(launch.model.as_str());
        }
        // The list ends at the next flag, so it cannot stand last.
        let names = || launch.served_model_names.iter().filter(|name| !name.is_empty());
        if names().next().is_some() {
            self.push("--served-model-name");
            self.serve.words.extend(names().cloned());
        }
    }

    fn api_servers(&mut self, launch: &Launch, variable: Option<u32>) {
        let count = match launch.api_servers {
            ApiServers::Unset => None,
            ApiServers::Fixed(count) => Some(count),
            ApiServers::Environment(default) => Some(variable.unwrap_or(default)),
        };
        if launch.headless {
            if count.is_some() {
                self.serve.notes.push("no `--api-server-count`: a headless vLLM refuses it".to_owned());
            }
            return;
        }
        self.flag("--api-server-count", count);
    }

    /// From 0.28 on, a start rank without `--headless` turns vLLM into hybrid or external load balancing, also rank 0;
    /// without it, rank 0 is the default of every version. KServe's leader would refuse its own workers then; where the
    /// pod itself says 0, its peers say their ranks in the same way, and it must be what they are.
    fn rank(&mut self, launch: &Launch) {
        let rank = self.serve.rank;
        match launch.load_balancing {
            // The user's own word. vLLM infers the rank from a node's number, or refuses.
            LoadBalancing::External if rank.is_none() => {
                let several = launch.parallelism.data.is_some_and(|data| data > 1);
                let elsewhere = self.extra.names("nnodes") || self.extra.abbreviates;
                self.switch("--data-parallel-external-lb", several || elsewhere);
            }
            LoadBalancing::External => self.flag("--data-parallel-rank", rank),
            LoadBalancing::Hybrid => {
                self.switch("--data-parallel-hybrid-lb", true);
                self.flag("--data-parallel-start-rank", rank);
            }
            LoadBalancing::Internal if rank == Some(0) && !launch.headless => {
                let note = if launch.keep_rank_0 {
                    self.flag("--data-parallel-start-rank", rank);
                    "`--data-parallel-start-rank 0` is the user's: vLLM 0.28 or newer takes it for hybrid load balancing, and refuses headless workers then"
                } else {
                    "no `--data-parallel-start-rank`: this pod has rank 0, and vLLM 0.28 or newer would take the flag for another load balancing"
                };
                self.serve.notes.push(note.to_owned());
            }
            LoadBalancing::Internal => self.flag("--data-parallel-start-rank", rank),
        }
    }

    fn access_log(&mut self, log: &AccessLog, features: Features) {
        let mut off = log.off;
        match &log.except {
            None => {}
            Some(paths) if features.access_log_for_endpoints => {
                self.flag("--disable-access-log-for-endpoints", Some(paths));
            }
            // As KServe's script decides; what the user says of the whole log counts more, because it comes later.
            Some(_) => {
                let log =
                    if *off.get_or_insert(true) { "no access log at all" } else { "the whole access log" };
                self.serve.notes.push(format!("{log}: this vLLM cannot leave single paths out"));
            }
        }
        self.switch("--disable-uvicorn-access-log", off == Some(true));
        self.switch("--no-disable-uvicorn-access-log", off == Some(false));
    }

    fn shutdown_timeout(&mut self, seconds: Option<u32>, features: Features) {
        if features.shutdown_timeout {
            self.flag("--shutdown-timeout", seconds);
        } else if seconds.is_some() {
            self.serve.notes.push("no `--shutdown-timeout`: this vLLM does not know it".to_owned());
        }
    }

    fn kv_transfer(&mut self, launch: &Launch, features: Features) {
        let Some(default) = &launch.kv_transfer_default else { return };
        if self.extra.names("kv-transfer-config") {
            self.serve
                .notes
                .push("the user gives `--kv-transfer-config`, so its default is left out".to_owned());
        } else if features.knows(default) {
            self.push("--kv-transfer-config");
            self.push(default.as_str());
        } else {
            self.serve
                .notes
                .push("no default `--kv-transfer-config`: this vLLM does not know its connector".to_owned());
        }
    }
}
