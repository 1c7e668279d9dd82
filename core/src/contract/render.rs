//! A [`Launch`] as the launcher's arguments.

use super::{EXCEPT, FROM_ENVIRONMENT, OFF, ON, SUBCOMMAND, VERSION, option};
use crate::environment::{LWS_LEADER_ADDRESS, LWS_WORKER_INDEX, VLLM_ADDITIONAL_ARGS, VLLM_API_SERVER_COUNT};
use crate::launch::{AccessLog, ApiServers, DEFAULT_PORT, Launch, LeaderAddress, LoadBalancing, StartRank};
use std::fmt::Display;

/// The arguments that follow the launcher's path.
pub fn render(launch: &Launch) -> Vec<String> {
    let mut words = Words(vec![SUBCOMMAND.to_owned()]);
    words.value(option::CONTRACT, VERSION);
    words.value(option::MODEL, &launch.model);
    for name in &launch.served_model_names {
        words.value(option::SERVED_MODEL_NAME, name);
    }
    if launch.port != DEFAULT_PORT {
        words.value(option::PORT, launch.port);
    }
    parallelism(launch, &mut words);
    serving(launch, &mut words);
    for resource in &launch.rdma_resources {
        words.value(option::HINT_RDMA_RESOURCE, resource);
    }
    words.optional(option::HINT_NETWORKS, launch.networks.as_ref());
    let mut words = words.0;
    if !launch.passthrough.is_empty() {
        words.push("--".to_owned());
        words.extend(launch.passthrough.iter().cloned());
    }
    words
}

fn parallelism(launch: &Launch, words: &mut Words) {
    let sizes = &launch.parallelism;
    words.optional(option::TENSOR, sizes.tensor);
    words.optional(option::PIPELINE, sizes.pipeline);
    words.optional(option::DATA, sizes.data);
    words.optional(option::DATA_LOCAL, sizes.data_local);
    words.optional(option::DATA_RPC_PORT, sizes.data_rpc_port);
    words.switch(option::EXPERT, sizes.expert);
    match launch.start_rank {
        StartRank::Unset => {}
        StartRank::WorkerIndex => words.environment(option::START_RANK, LWS_WORKER_INDEX, ""),
        StartRank::Fixed(rank) => words.value(option::START_RANK, rank),
    }
    words.switch(option::KEEP_RANK_0, launch.keep_rank_0);
    match &launch.leader_address {
        LeaderAddress::Unset => {}
        LeaderAddress::Environment => {
            words.environment(option::LEADER_ADDRESS, LWS_LEADER_ADDRESS, "");
        }
        LeaderAddress::Given(address) => words.value(option::LEADER_ADDRESS, address),
    }
    match launch.load_balancing {
        LoadBalancing::Internal => {}
        LoadBalancing::Hybrid => words.value(option::LOAD_BALANCING, "hybrid"),
        LoadBalancing::External => words.value(option::LOAD_BALANCING, "external"),
    }
}

fn serving(launch: &Launch, words: &mut Words) {
    words.switch(option::HEADLESS, launch.headless);
    match launch.api_servers {
        ApiServers::Unset => {}
        ApiServers::Fixed(count) => words.value(option::API_SERVER_COUNT, count),
        ApiServers::Environment(default) => {
            words.environment(option::API_SERVER_COUNT, VLLM_API_SERVER_COUNT, &format!(":{default}"));
        }
    }
    if let Some(tls) = &launch.tls {
        words.value(option::TLS_CERTIFICATE, &tls.certificate);
        words.value(option::TLS_KEY, &tls.key);
        words.switch(option::TLS_REFRESH, tls.refresh);
    }
    let AccessLog { off, except } = &launch.access_log;
    match (off.map(|off| if off { OFF } else { ON }), except) {
        (None, None) => {}
        (Some(switch), None) => words.value(option::ACCESS_LOG, switch),
        (None, Some(paths)) => words.value(option::ACCESS_LOG, format_args!("{EXCEPT}{paths}")),
        (Some(switch), Some(paths)) => {
            words.value(option::ACCESS_LOG, format_args!("{switch},{EXCEPT}{paths}"));
        }
    }
    words.optional(option::SHUTDOWN_TIMEOUT, launch.shutdown_timeout);
    words.optional(option::KV_TRANSFER_DEFAULT, launch.kv_transfer_default.as_ref());
    if launch.additional_arguments {
        words.environment(option::ADDITIONAL_ARGUMENTS, VLLM_ADDITIONAL_ARGS, "");
    }
}

struct Words(Vec<String>);

impl Words {
    fn value(&mut self, name: &str, value: impl Display) {
        self.0.push(format!("--{name}={value}"));
    }
    fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.value(name, value);
        }
    }
    fn switch(&mut self, name: &str, on: bool) {
        if on {
            self.0.push(format!("--{name}"));
        }
    }
    fn environment(&mut self, name: &str, variable: &str, rest: &str) {
        self.value(name, format_args!("{FROM_ENVIRONMENT}{variable}{rest}"));
    }
}
