//! KServe's real start scripts, rendered from a fetched copy: none of that text is ours to keep, so
//! that this test asks for a folder of pods (`PREFILL_KSERVE=…/pods`), each with the argument list
//! that bash gave to vLLM (`…/argv/NAME.txt`, a JSON list). Every pod must be shaped, and the
//! launcher must be told what vLLM was told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails and says why"
)]

use prefill_core::contract::Reader;
use prefill_core::flags::{self, Owned};
use prefill_core::kubelet;
use prefill_core::launch::{Launch, LeaderAddress, StartRank};
use prefill_shape::{recognise, settings::Settings, shape};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
#[ignore = "needs pods rendered from a fetched copy of KServe in PREFILL_KSERVE"]
fn every_real_pod_is_adopted_as_bash_reads_it() {
    let folder = std::env::var("PREFILL_KSERVE").unwrap_or_else(|_| panic!("PREFILL_KSERVE names no folder"));
    let mut failed = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let mut pod: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let argv = Path::new(&folder).join("../argv").join(format!("{name}.txt"));
        let words: Vec<String> = serde_json::from_slice(&fs::read(argv).unwrap()).unwrap();
        seen += 1;
        if let Err(problem) = check(&mut pod, &words) {
            failed.push(format!("{}: {problem}", path.file_stem().unwrap().display()));
        }
    }
    failed.sort();
    assert!(failed.is_empty(), "{} of {seen} differ:\n{}", failed.len(), failed.join("\n"));
    assert!(seen > 0, "{folder} is empty");
    eprintln!("{seen} pods");
}

fn check(pod: &mut Value, words: &[String]) -> Result<(), String> {
    let labels = pod["metadata"]["labels"].clone();
    let settings = Settings::default();
    let role = recognise::role(|name| labels.get(name).and_then(Value::as_str), &settings)
        .ok_or("not recognised")?;
    let outcome = shape(pod, role, &settings);
    let verdict = outcome.verdict.unwrap_or_default();
    if !verdict.starts_with("shaped") {
        return Err(format!("{verdict} {:?}", outcome.rejection));
    }
    let args: Vec<String> = pod["spec"]["containers"][0]["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| kubelet::expand(word.as_str().unwrap(), |_| None).into_owned())
        .collect();
    let (launch, _) = Reader::default().read(&args).map_err(|error| error.to_string())?;
    compare(&launch, words)
}

/// The stub ran with `LWS_WORKER_INDEX=1` and a leader at 10.0.0.7, and `VLLM_ADDITIONAL_ARGS` set.
fn compare(launch: &Launch, words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(words[0], "serve");
    let same = |what: &str, ours: String, theirs: String| {
        if ours == theirs {
            Ok(())
        } else {
            Err(format!("{what}: launcher is told {ours}, bash told vLLM {theirs}"))
        }
    };
    same("model", launch.model.clone(), words[1].to_owned())?;
    let sorted = flags::sort(&words[2..]).map_err(|error| format!("{error:?}"))?;
    let last = |flag| sorted.owned.iter().rev().find(|given| given.flag == flag);
    let value = |flag| last(flag).map(|given| given.values.join(" "));
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let sizes = &launch.parallelism;
    same("tensor", format!("{:?}", number(sizes.tensor)), format!("{:?}", value(Owned::Tensor)))?;
    same("data", format!("{:?}", number(sizes.data)), format!("{:?}", value(Owned::Data)))?;
    same("dataLocal", format!("{:?}", number(sizes.data_local)), format!("{:?}", value(Owned::DataLocal)))?;
    same(
        "rpc port",
        format!("{:?}", sizes.data_rpc_port.map(|port| port.to_string())),
        format!("{:?}", value(Owned::DataRpcPort)),
    )?;
    same("expert", sizes.expert.to_string(), last(Owned::Expert).is_some().to_string())?;
    same("headless", launch.headless.to_string(), last(Owned::Headless).is_some().to_string())?;
    same("names", launch.served_model_names.join(" "), value(Owned::ServedModelName).unwrap_or_default())?;
    same("tls", launch.tls.is_some().to_string(), last(Owned::TlsCertificate).is_some().to_string())?;
    same(
        "timeout",
        format!("{:?}", number(launch.shutdown_timeout)),
        format!("{:?}", value(Owned::ShutdownTimeout)),
    )?;
    let rank = match launch.start_rank {
        StartRank::Unset => None,
        StartRank::WorkerIndex => sizes.data_local,
        StartRank::Fixed(rank) => Some(rank),
    };
    same("rank", format!("{:?}", number(rank)), format!("{:?}", value(Owned::StartRank)))?;
    let address = (launch.leader_address == LeaderAddress::Environment).then(|| "10.0.0.7".to_owned());
    let theirs = value(Owned::LeaderAddress).map(|address| address.replace("leader", "10.0.0.7"));
    same("address", format!("{address:?}"), format!("{theirs:?}"))?;
    let mut rest: Vec<&str> = sorted.rest.iter().map(|at| words[2 + at]).collect();
    for word in &launch.passthrough {
        let at = rest
            .iter()
            .position(|theirs| theirs == word)
            .ok_or(format!("`{word}` is not what bash told vLLM"))?;
        rest.remove(at);
    }
    // What remains came from VLLM_ADDITIONAL_ARGS, or is the default for KV transfer.
    let additional = ["--gpu-memory-utilization", "0.95", "--kv_transfer_config"];
    rest.retain(|word| !additional.contains(word) && !word.contains("NixlConnector"));
    if let Some(default) = &launch.kv_transfer_default {
        rest.retain(|word| word != default && *word != "--kv-transfer-config");
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("bash told vLLM {rest:?} too")) }
}
