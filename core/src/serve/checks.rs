//! What vLLM would find wrong late, or never: it would wait for ranks that nobody starts. An error only where the
//! launch contradicts itself or the pod; what may be meant is a warning; what is unknown is nothing.

use super::{Contradiction, Extra, Group, Serve};
use crate::launch::{Launch, LoadBalancing, StartRank};

/// How sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It may be meant.
    Warning,
    /// It cannot work.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which one.
    pub code: Contradiction,
    /// How sure it is.
    pub severity: Severity,
    /// What was found and why it cannot work.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// What was read about the pod. What could not be read is none, and gives no verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// GPUs that vLLM will see.
    pub gpus: Option<u32>,
    /// Attention heads of the model (`num_attention_heads` of its `config.json`).
    pub heads: Option<u32>,
    /// Experts of the model, 0 where its `config.json` names none.
    pub experts: Option<u32>,
    /// Certificate files that cannot be read, with the reason.
    pub unreadable: Vec<(String, String)>,
}

/// What is wrong with `launch` in this pod.
pub fn check(launch: &Launch, serve: &Serve, group: Group, facts: &Facts, extra: &Extra) -> Vec<Check> {
    let mut found = Found { launch, serve, group, facts, extra, checks: Vec::new() };
    found.data();
    found.ranks();
    found.data_local_unset();
    found.group_size();
    found.headless();
    found.gpus();
    found.model();
    found.ports();
    found.servers();
    found.external();
    found.certificates();
    found.checks
}

struct Found<'a> {
    launch: &'a Launch,
    serve: &'a Serve,
    group: Group,
    facts: &'a Facts,
    extra: &'a Extra,
    checks: Vec<Check>,
}

impl Found<'_> {
    fn add(&mut self, code: Contradiction, severity: Severity, message: String, hint: &'static str) {
        self.checks.push(Check { code, severity, message, hint });
    }

    fn data_local(&self) -> Option<u32> {
        self.launch.parallelism.data_local
    }

    fn data_total(&self) -> Option<u32> {
        self.launch.parallelism.data
    }

    /// Ranks are the pod's index times `dataLocal`: all pods of the group have as many.
    fn uniform(&self) -> bool {
        self.launch.start_rank == StartRank::WorkerIndex
    }

    /// vLLM's `ParallelConfig` wants `dataLocal` ≤ `data`; that `data` is a multiple it never asks, and then waits
    /// for the ranks that no pod has.
    fn data(&mut self) {
        let (Some(data), Some(local)) = (self.data_total(), self.data_local()) else { return };
        if local > data {
            let message = format!("`dataLocal` is {local}, more than `data`, which is {data}");
            self.add(
                Contradiction::DataLocalTooLarge,
                Severity::Error,
                message,
                "vLLM refuses it; lower `dataLocal`",
            );
        } else if local > 0 && data % local != 0 {
            let severity = if self.uniform() { Severity::Error } else { Severity::Warning };
            let message = format!("`data` is {data}, not a multiple of `dataLocal`, which is {local}");
            self.add(
                Contradiction::DataNotAMultiple,
                severity,
                message,
                "vLLM would wait for the missing ranks for ever",
            );
        }
    }

    /// Accepted by vLLM's parser (seen with 0.32.0); the handshake then fails or hangs.
    fn ranks(&mut self) {
        let rank = self.serve.rank;
        let (Some(data), Some(rank)) = (self.data_total(), rank) else { return };
        let local = self.data_local().unwrap_or(1);
        if rank.saturating_add(local) > data {
            let message = format!(
                "the ranks of this pod are {rank} to {}, but `data` is {data}",
                rank.saturating_add(local).saturating_sub(1)
            );
            let hint = "the pod's index times `dataLocal`, plus `dataLocal`, may be `data` at most";
            self.add(Contradiction::RankOutOfRange, Severity::Error, message, hint);
        }
    }

    /// Without a number, vLLM takes all ranks in each pod; with external load balancing, one.
    fn data_local_unset(&mut self) {
        let (Some(data), None, Some(size)) = (self.data_total(), self.data_local(), self.group.size) else {
            return;
        };
        let external = self.launch.load_balancing == LoadBalancing::External;
        if data > 1 && size > 1 && self.uniform() && !external {
            let message =
                format!("the group has {size} pods and `data` is {data}, but `dataLocal` is not given");
            let hint = "say how many ranks a pod has; vLLM would take all of them in each";
            self.add(Contradiction::DataLocalUnset, Severity::Error, message, hint);
        }
    }

    /// vLLM's leader waits for all ranks without a limit (`wait_for_engine_startup`).
    fn group_size(&mut self) {
        let (Some(data), Some(local), Some(size)) = (self.data_total(), self.data_local(), self.group.size)
        else {
            return;
        };
        if !self.uniform() || local == 0 || u64::from(size) * u64::from(local) == u64::from(data) {
            return;
        }
        let message = format!(
            "the group has {size} pods with {local} ranks each, which is {}, but `data` is {data}",
            u64::from(size) * u64::from(local)
        );
        let hint = "set the group's size to `data` divided by `dataLocal`; vLLM would wait for ever";
        self.add(Contradiction::GroupSize, Severity::Error, message, hint);
    }

    /// A headless pod has engines and no server. With rank 0 it takes the leader's own ranks, unless the leader has
    /// none (`dataLocal` 0).
    fn headless(&mut self) {
        if !self.launch.headless || self.serve.rank.unwrap_or(0) != 0 {
            return;
        }
        let leader = self.group.index == Some(0) && self.uniform();
        let severity = if leader { Severity::Error } else { Severity::Warning };
        let message = "this pod is headless and has rank 0, which is the leader's".to_owned();
        let hint = "only the workers of a group are headless, and their ranks follow the leader's";
        self.add(Contradiction::HeadlessRank0, severity, message, hint);
    }

    /// vLLM compares tensor × pipeline only, and finds the rest in the workers it has started (`gpu_worker.py`).
    fn gpus(&mut self) {
        let elsewhere = ["nnodes", "data-parallel-backend", "distributed-executor-backend"];
        let Some(gpus) = self.facts.gpus.filter(|_| !elsewhere.iter().any(|name| self.extra.names(name)))
        else {
            return;
        };
        let sizes = &self.launch.parallelism;
        let local = match (self.launch.load_balancing, self.data_local(), self.data_total()) {
            (LoadBalancing::External, None, _) => 1,
            (_, Some(local), _) => local,
            (_, None, data) => data.unwrap_or(1),
        };
        let (tensor, pipeline) =
            (u64::from(sizes.tensor.unwrap_or(1)), u64::from(sizes.pipeline.unwrap_or(1)));
        let needed = tensor.saturating_mul(pipeline).saturating_mul(u64::from(local));
        if needed > u64::from(gpus) {
            let message = format!(
                "tensor {tensor} × pipeline {pipeline} × dataLocal {local} needs {needed} GPUs, this pod sees {gpus}"
            );
            self.add(
                Contradiction::TooFewGpus,
                Severity::Error,
                message,
                "request more GPUs, or lower one of the three",
            );
        }
    }

    /// vLLM refuses both, after it has imported everything (`ModelConfig.verify_with_parallel_config`).
    fn model(&mut self) {
        let sizes = &self.launch.parallelism;
        let tensor = sizes.tensor.unwrap_or(1);
        let overridden = self.extra.abbreviates
            || ["hf-overrides", "hf-config-path"].iter().any(|name| self.extra.names(name));
        let heads = self.facts.heads.filter(|heads| !overridden && tensor > 0 && heads % tensor != 0);
        if let Some(heads) = heads {
            let message =
                format!("the model has {heads} attention heads, which tensor {tensor} does not divide");
            self.add(
                Contradiction::HeadsNotDivisible,
                Severity::Error,
                message,
                "choose a `tensor` that divides the heads",
            );
        }
        if self.facts.experts == Some(0) && sizes.expert {
            let message =
                "expert parallelism is on, but the model's `config.json` names no experts".to_owned();
            let hint = "vLLM refuses it for a dense model; leave `expert` out";
            self.add(Contradiction::NoExperts, Severity::Warning, message, hint);
        }
    }

    /// Both are bound in the leader's pod, where ranks are elsewhere too: those of one pod shake hands without a port
    /// (`launch_core_engines`). vLLM finds it when the engines are ready.
    fn ports(&mut self) {
        let port = self.launch.port;
        let here = match self.launch.load_balancing {
            LoadBalancing::External => self.data_local().or(Some(1)),
            _ => self.data_local(),
        };
        let elsewhere = matches!((self.data_total(), here), (Some(data), Some(here)) if here < data);
        let leads = !self.launch.headless && self.serve.rank.unwrap_or(0) == 0;
        if elsewhere && leads && self.launch.parallelism.data_rpc_port == Some(port) {
            let message = format!("port {port} is to serve HTTP and the data-parallel handshake");
            self.add(Contradiction::PortTwice, Severity::Error, message, "choose another `dataRPCPort`");
        }
    }

    /// 0 is vLLM's other word for headless.
    fn servers(&mut self) {
        let none = self.serve.words.windows(2).any(|pair| pair == ["--api-server-count", "0"]);
        if none && !self.launch.headless {
            let message = "no API server is started: `--api-server-count` is 0".to_owned();
            self.add(
                Contradiction::NoApiServer,
                Severity::Warning,
                message,
                "vLLM is then headless; leave the number out",
            );
        }
    }

    /// With external load balancing, each rank is a server of its own: it has one rank, and is told which
    /// (`EngineArgs`).
    fn external(&mut self) {
        if self.launch.load_balancing != LoadBalancing::External {
            return;
        }
        if let Some(local) = self.data_local().filter(|local| *local > 1) {
            let message =
                format!("external load balancing has one rank for each server, but `dataLocal` is {local}");
            self.add(
                Contradiction::ExternalRanks,
                Severity::Error,
                message,
                "leave `dataLocal` out, or use hybrid load balancing",
            );
        }
        // From the number of a node vLLM infers the rank.
        let known = self.serve.rank.is_some() || self.extra.names("nnodes") || self.extra.abbreviates;
        if let Some(data) = self.data_total().filter(|data| *data > 1 && !known) {
            let message = format!("external load balancing among {data} servers, but this one has no rank");
            let hint = "say which one it is, `--data-parallel-rank` to vLLM; 0 is the first";
            self.add(Contradiction::ExternalWithoutRank, Severity::Error, message, hint);
        }
    }

    /// A headless vLLM reads none; a serving one ends in uvicorn, after the model is loaded.
    fn certificates(&mut self) {
        if self.launch.headless {
            return;
        }
        for (path, reason) in &self.facts.unreadable {
            let message = format!("`{path}` cannot be read: {reason}");
            let hint = "mount the certificate, or serve without TLS";
            self.checks.push(Check {
                code: Contradiction::Certificate,
                severity: Severity::Error,
                message,
                hint,
            });
        }
    }
}
