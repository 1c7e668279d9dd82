mod words;

use super::*;
use crate::environment::Environment;
use crate::flags;
use crate::launch::{
    AccessLog, ApiServers, Launch, LeaderAddress, LoadBalancing, Parallelism, StartRank, Tls,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

const OLD: Features = Features {
    access_log_for_endpoints: false,
    shutdown_timeout: false,
    offloading_connector: false,
    file_tier: false,
};

/// A pod of a group of `data / local` pods, as KServe's script starts it.
fn group_launch(data: u32, local: u32) -> Launch {
    let mut launch = Launch::new("/mnt/models");
    launch.parallelism = Parallelism {
        data: Some(data),
        data_local: Some(local),
        data_rpc_port: Some(5555),
        ..Parallelism::default()
    };
    launch.start_rank = StartRank::WorkerIndex;
    launch.leader_address = LeaderAddress::Environment;
    launch
}

fn pod(index: u32, size: u32) -> Group {
    Group { index: Some(index), size: Some(size) }
}

fn line(launch: &Launch, group: Group, features: Features, extra: &Extra) -> String {
    let leader = (launch.leader_address != LeaderAddress::Unset).then(|| "10.0.0.1".parse().unwrap());
    serve(launch, group, leader, None, features, extra).words.join(" ")
}

#[test]
fn a_leader_has_no_start_rank_and_a_worker_no_api_servers() {
    let mut launch = group_launch(16, 8);
    launch.api_servers = ApiServers::Environment(8);
    launch.parallelism.expert = true;
    launch.parallelism.tensor = Some(1);
    launch.served_model_names = vec!["m".to_owned(), "publishers/ns/models/m".to_owned()];
    launch.access_log.except = Some("/health,/metrics,/ping".to_owned());
    launch.shutdown_timeout = Some(40);
    let none = Extra::default();
    assert_eq!(
        line(&launch, pod(0, 2), Features::NEWEST, &none),
        "serve /mnt/models --served-model-name m publishers/ns/models/m --port 8000 --api-server-count 8 \
         --enable-expert-parallel --tensor-parallel-size 1 --data-parallel-size 16 --data-parallel-size-local 8 \
         --data-parallel-address 10.0.0.1 --data-parallel-rpc-port 5555 \
         --disable-access-log-for-endpoints /health,/metrics,/ping --shutdown-timeout 40"
    );
    launch.headless = true;
    let worker = line(&launch, pod(1, 2), OLD, &none);
    assert!(
        worker.contains(" --data-parallel-start-rank 8 --headless --disable-uvicorn-access-log"),
        "{worker}"
    );
    assert!(!worker.contains("--api-server-count") && !worker.contains("--shutdown-timeout"), "{worker}");
}

#[test]
fn hybrid_and_external_keep_their_rank_and_serve() {
    let mut launch = group_launch(4, 2);
    launch.load_balancing = LoadBalancing::Hybrid;
    let none = Extra::default();
    let first = line(&launch, pod(0, 2), Features::NEWEST, &none);
    assert!(first.contains("--data-parallel-hybrid-lb --data-parallel-start-rank 0"), "{first}");
    let mut launch = group_launch(2, 1);
    launch.load_balancing = LoadBalancing::External;
    let second = line(&launch, pod(1, 2), Features::NEWEST, &none);
    assert!(second.contains("--data-parallel-rank 1"), "{second}");
    assert!(!second.contains("--headless"), "{second}");
    // The user leaves the rank to vLLM.
    launch.start_rank = StartRank::Unset;
    let nodes = Extra::read(Some("--nnodes 2 --node-rank 1"), &[], false).unwrap();
    let third = line(&launch, pod(1, 2), Features::NEWEST, &nodes);
    assert!(third.contains("--data-parallel-external-lb"), "{third}");
    launch.parallelism.data = None;
    assert!(!line(&launch, pod(1, 2), Features::NEWEST, &none).contains("external"), "one server");
}

#[test]
fn the_users_flag_replaces_ours() {
    let passthrough = ["--kv_transfer_config=x".to_owned()];
    let mut extra = Extra::read(Some("--port 9000 -tp 8"), &passthrough, false).unwrap();
    let mut launch = group_launch(16, 8);
    launch.parallelism.tensor = Some(4);
    launch.kv_transfer_default = Some("{}".to_owned());
    extra.lift(&mut launch).unwrap();
    let line = line(&launch, pod(0, 2), Features::NEWEST, &extra);
    assert!(line.contains("--port 9000 --tensor-parallel-size 8 "), "{line}");
    assert!(line.ends_with(" --kv_transfer_config=x"), "{line}");
    assert_eq!(line.matches("--port").count(), 1, "{line}");
    assert!(!line.contains("--kv-transfer-config"), "{line}");
}

#[test]
fn a_default_connector_is_given_to_a_vllm_that_knows_it() {
    let spec = r#"{"kv_connector":"OffloadingConnector","kv_connector_extra_config":{"spec_name":"TieringOffloadingSpec"}}"#;
    let files = spec.replace("}}", r#","secondary_tiers":[{"type": "fs"}]}}"#);
    let without_files = Features { file_tier: false, ..Features::NEWEST };
    for (default, features, given) in [
        (spec, OLD, false),
        (spec, without_files, true),
        (&files, without_files, false),
        (&files, Features::NEWEST, true),
        ("{}", OLD, true),
    ] {
        let mut launch = Launch::new("m");
        launch.kv_transfer_default = Some(default.to_owned());
        let line = line(&launch, Group::default(), features, &Extra::default());
        assert_eq!(line.contains("--kv-transfer-config"), given, "{default} {features:?}");
    }
}

#[test]
fn a_text_that_looks_like_a_flag_is_none() {
    let mut launch = Launch::new("-m");
    launch.access_log.except = Some("-x".to_owned());
    let line = line(&launch, Group::default(), Features::NEWEST, &Extra::default());
    assert_eq!(line, "serve --model=-m --port 8000 --disable-access-log-for-endpoints=-x");
}

fn codes(launch: &Launch, group: Group, facts: &Facts, extra: &str) -> Vec<(&'static str, Severity)> {
    let mut extra = Extra::read(Some(extra), &[], false).unwrap();
    let mut launch = launch.clone();
    extra.lift(&mut launch).unwrap();
    let serve = serve(&launch, group, None, None, Features::NEWEST, &extra);
    check(&launch, &serve, group, facts, &extra)
        .iter()
        .map(|check| (check.code.name(), check.severity))
        .collect()
}

/// Rows seen with the real parser and engine configuration of vLLM 0.32.0, unless the line says otherwise.
#[test]
fn what_vllm_refuses_or_hangs_on_is_found() {
    use Severity::{Error, Warning};
    let nothing = Facts::default();
    let none: [(&str, Severity); 0] = [];
    assert_eq!(codes(&group_launch(16, 8), pod(0, 2), &nothing, ""), none);
    assert_eq!(codes(&group_launch(16, 8), pod(1, 2), &nothing, ""), none);
    // Accepted by vLLM: the third pod's ranks are 6 to 8 of 8.
    assert_eq!(
        codes(&group_launch(8, 3), pod(2, 3), &nothing, ""),
        [("data-not-a-multiple", Error), ("rank-out-of-range", Error), ("group-size", Error)]
    );
    assert_eq!(
        codes(&group_launch(2, 4), pod(0, 1), &nothing, ""),
        [("data-local-too-large", Error), ("rank-out-of-range", Error), ("group-size", Error)]
    );
    // KServe's own integer division: 10 / 4 gives 2 pods, and 8 ranks of 10.
    assert_eq!(codes(&group_launch(10, 4), pod(0, 2), &nothing, "")[1], ("group-size", Error));
    let mut unset = group_launch(2, 1);
    unset.parallelism.data_local = None;
    assert_eq!(codes(&unset, pod(0, 2), &nothing, ""), [("data-local-unset", Error)]);
    assert_eq!(codes(&unset, pod(0, 2), &nothing, "-dpl 1"), none);
    assert_eq!(codes(&unset, pod(0, 1), &nothing, ""), none);
    let mut uneven = group_launch(3, 2);
    uneven.start_rank = StartRank::Fixed(0);
    assert_eq!(codes(&uneven, pod(0, 2), &nothing, ""), [("data-not-a-multiple", Warning)]);
    let mut headless = group_launch(16, 8);
    headless.headless = true;
    assert_eq!(codes(&headless, pod(0, 2), &nothing, ""), [("headless-rank-0", Error)]);
    headless.start_rank = StartRank::Fixed(0);
    assert_eq!(codes(&headless, pod(1, 2), &nothing, ""), [("headless-rank-0", Warning)]);
    let mut port = group_launch(16, 8);
    port.port = 5555;
    assert_eq!(codes(&port, pod(0, 2), &nothing, ""), [("port-twice", Error)]);
    assert_eq!(codes(&port, pod(0, 2), &nothing, "--port 9000"), none);
    // The port of the handshake is bound by the leader, and only where ranks are elsewhere.
    assert_eq!(codes(&port, pod(1, 2), &nothing, ""), none);
    assert_eq!(codes(&port, pod(0, 1), &nothing, "-dpl 16"), none);
    assert_eq!(codes(&port, pod(0, 16), &nothing, "-dpn 0 -dpl 1"), [("port-twice", Error)]);
    let mut external = Launch::new("m");
    external.parallelism.data = Some(2);
    let alone = Group::default();
    assert_eq!(codes(&external, alone, &nothing, "-dpe"), [("external-without-rank", Error)]);
    assert_eq!(codes(&external, alone, &nothing, "-dpe -dpn 1"), none);
    assert_eq!(codes(&external, alone, &nothing, "-dpe --nnodes 2 --node-rank 1"), none);
}

#[test]
fn gpus_heads_and_experts_are_counted_where_known() {
    let mut launch = group_launch(16, 8);
    launch.parallelism.tensor = Some(2);
    launch.parallelism.expert = true;
    let group = pod(0, 2);
    let facts = |gpus, heads, experts| Facts { gpus, heads, experts, unreadable: Vec::new() };
    let none: [(&str, Severity); 0] = [];
    assert_eq!(codes(&launch, group, &facts(Some(16), Some(64), Some(256)), ""), none);
    assert_eq!(codes(&launch, group, &facts(Some(8), None, None), ""), [("too-few-gpus", Severity::Error)]);
    assert_eq!(codes(&launch, group, &facts(Some(8), None, None), "-tp 1"), none);
    for elsewhere in ["--nnodes 2", "-n 2", "-dpb ray", "--tensor-parallel 1", "-dpn 3"] {
        assert_eq!(
            codes(&launch, group, &facts(Some(16), None, None), elsewhere)
                .iter()
                .filter(|(code, _)| *code == "too-few-gpus")
                .count(),
            0,
            "{elsewhere}"
        );
    }
    assert_eq!(
        codes(&launch, group, &facts(None, Some(7), None), ""),
        [("heads-not-divisible", Severity::Error)]
    );
    assert_eq!(codes(&launch, group, &facts(None, None, Some(0)), ""), [("no-experts", Severity::Warning)]);
}

#[test]
fn certificates_matter_to_pods_that_serve() {
    let facts = Facts { unreadable: vec![("/tls.crt".to_owned(), "no".to_owned())], ..Facts::default() };
    let mut launch = group_launch(16, 8);
    assert_eq!(codes(&launch, pod(1, 2), &facts, ""), [("certificate", Severity::Error)]);
    launch.headless = true;
    assert_eq!(codes(&launch, pod(1, 2), &facts, "").len(), 0);
}

#[test]
fn a_place_in_a_group_is_a_number() {
    let environment: Environment = [("LWS_WORKER_INDEX", "two")].into_iter().collect();
    let error = Group::read(&environment).unwrap_err();
    assert_eq!(error.to_string(), "`LWS_WORKER_INDEX` is `two`, expected a whole number from 0");
    let environment: Environment = [("LWS_WORKER_INDEX", ""), ("LWS_GROUP_SIZE", "0")].into_iter().collect();
    assert_eq!(Group::read(&environment).unwrap_err().name, "LWS_GROUP_SIZE");
    assert_eq!(Group::read(&Environment::default()), Ok(Group::default()));
}

fn launches() -> impl Strategy<Value = Launch> {
    let sizes = (option::of(0_u32..9), option::of(1_u32..9), option::of(1_u16..), any::<bool>());
    let balance = select(vec![LoadBalancing::Internal, LoadBalancing::Hybrid, LoadBalancing::External]);
    let rank =
        select(vec![StartRank::Unset, StartRank::WorkerIndex, StartRank::Fixed(0), StartRank::Fixed(3)]);
    let log = (option::of(any::<bool>()), option::of(Just("/health".to_owned())));
    let servers = select(vec![ApiServers::Unset, ApiServers::Fixed(2), ApiServers::Environment(8)]);
    let rest =
        (log, servers, option::of(0_u32..99), option::of(Just("{}".to_owned())), any::<(bool, bool)>());
    (sizes, balance, rank, vec("[ -~]{0,6}", 0..3), rest).prop_map(
        |(
            (local, tensor, rpc, expert),
            load_balancing,
            start_rank,
            names,
            ((off, except), servers, stop, kv, (headless, tls)),
        )| {
            let mut launch = group_launch(8, 1);
            launch.parallelism =
                Parallelism { data_local: local, tensor, data_rpc_port: rpc, expert, ..launch.parallelism };
            launch.load_balancing = load_balancing;
            launch.start_rank = start_rank;
            launch.served_model_names = names;
            launch.access_log = AccessLog { off, except };
            launch.api_servers = servers;
            launch.shutdown_timeout = stop;
            launch.kv_transfer_default = kv;
            launch.headless = headless;
            let path = || "/tls".to_owned();
            launch.tls = tls.then(|| Tls { certificate: path(), key: path(), refresh: true });
            launch
        },
    )
}

proptest! {
    #[test]
    fn no_empty_word_and_each_flag_once(
        launch in launches(),
        index in option::of(0_u32..4),
        new in any::<bool>(),
        words in vec(select(vec!["--port", "1", "-tp", "2", "", "--headless", "--trust-remote-code", "x"]), 0..4),
    ) {
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let Ok(mut extra) = Extra::read(None, &words, false) else { return Ok(()) };
        let mut launch = launch;
        if extra.lift(&mut launch).is_err() {
            return Ok(());
        }
        let features = if new { Features::NEWEST } else { OLD };
        let group = Group { index, size: Some(4) };
        let serve = serve(&launch, group, "10.0.0.1".parse().ok(), Some(3), features, &extra);
        let empty = |pair: &[String]| pair[1].is_empty() && !pair[0].starts_with("--");
        prop_assert!(!serve.words.windows(2).any(empty), "{:?}", serve.words);
        // Ours come once, and the user's are among them.
        let ours: Vec<&str> = serve.words[1..serve.words.len() - extra.words.len()].iter().map(String::as_str).collect();
        if let Ok(sorted) = flags::sort(&ours) {
            let mut seen = BTreeSet::new();
            for given in &sorted.owned {
                prop_assert!(seen.insert(given.word.to_owned()), "{ours:?}");
            }
        }
        check(&launch, &serve, group, &Facts { gpus: Some(4), ..Facts::default() }, &extra);
    }
}
