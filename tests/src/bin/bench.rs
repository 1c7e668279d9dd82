//! `make bench`: what the policy costs. Fuel is exact (instructions as wasmi counts them); times are
//! ratios of two modules called in turn in one run, for the machine is never quiet.
#![allow(clippy::print_stdout, reason = "figures are this program's output")]

use prefill_conformance::corpus;
use prefill_conformance::wasmi_host::Module;
use serde_json::{Value, json};
use std::time::Instant;
use std::{error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Fuel against a policy that parses the same request and accepts it.
const BUDGETS: [(&str, &str, f64); 4] = [
    ("argv pod", "mutate/modelservice-prefill", 2.0),
    ("KServe leader, 12 kB of script", "mutate/kserve-v0.9.0-leader", 3.0),
    ("KServe worker, 12 kB of script", "mutate/kserve-v0.9.0-worker", 3.0),
    ("a pod that is not ours", "keep/decode-leader", 1.05),
];

fn main() -> Result<()> {
    let root = corpus::folder().join("..");
    let bytes = fs::read(root.join("policy.wasm"))?;
    let policy = Module::new(&bytes)?;
    let floor = Module::new(&fs::read(root.join("target/do-nothing.wasm"))?)?;
    println!("policy.wasm: {} bytes (at most 350000)", bytes.len());
    println!(
        "\n{:<34} {:>8} {:>10} {:>10} {:>6} {:>7} {:>6}",
        "request", "bytes", "policy", "floor", "ratio", "allowed", "time"
    );
    let mut over = Vec::new();
    for (what, case, allowed) in BUDGETS {
        let (kind, name) = case.split_once('/').ok_or("a case is KIND/NAME")?;
        let case = corpus::cases(kind)?.into_iter().find(|case| case.name == name).ok_or(case)?;
        let (ours, theirs) = (fuel(&policy, &case.payload)?, fuel(&floor, &case.payload)?);
        let ratio = ours / theirs;
        let time = time_ratio(&policy, &floor, &case.payload)?;
        println!(
            "{what:<34} {:>8} {ours:>10} {theirs:>10} {ratio:>6.2} {allowed:>7.2} {time:>6.2}",
            case.payload.len()
        );
        if ratio > allowed {
            over.push(what);
        }
    }
    println!("\nfuel for one more, of 100 (linear where the second half costs what the first did)");
    for what in ["containers", "env", "volumes"] {
        let at = |count| fuel(&policy, &many(what, count));
        let (none, half, all) = (at(0)?, at(50)?, at(100)?);
        let (first, second) = ((half - none) / 50.0, (all - half) / 50.0);
        println!("{what:<34} {first:>10.0} {second:>10.0} {:>6.2}", second / first);
        if second > first * 1.25 {
            over.push(what);
        }
    }
    if over.is_empty() { Ok(()) } else { Err(format!("over budget: {}", over.join(", ")).into()) }
}

#[expect(clippy::cast_precision_loss, reason = "fuel is far below 2^52")]
fn fuel(module: &Module, payload: &[u8]) -> Result<f64> {
    Ok(module.call("validate", payload)?.fuel as f64)
}

/// The median of the ratios of pairs of calls.
fn time_ratio(policy: &Module, floor: &Module, payload: &[u8]) -> Result<f64> {
    let time = |module: &Module| -> Result<f64> {
        let start = Instant::now();
        module.call("validate", payload)?;
        Ok(start.elapsed().as_secs_f64())
    };
    let mut ratios = Vec::new();
    for _ in 0..31 {
        ratios.push(time(policy)? / time(floor)?);
    }
    ratios.sort_by(f64::total_cmp);
    Ok(ratios[ratios.len() / 2])
}

/// A prefill pod with `count` more of one thing.
fn many(what: &str, count: usize) -> Vec<u8> {
    let numbered = |make: fn(usize) -> Value| (0..count).map(make).collect::<Vec<_>>();
    let mut main = json!({ "name": "main", "image": "ghcr.io/llm-d/llm-d-cuda:v0.9.0", "command": ["vllm", "serve", "m"] });
    let mut containers = Vec::new();
    let mut spec = json!({});
    match what {
        "containers" => {
            containers =
                numbered(|at| json!({ "name": format!("side-{at}"), "image": "x", "args": ["a", "b"] }));
        }
        "env" => {
            main["env"] =
                numbered(|at| json!({ "name": format!("NAME_{at}"), "value": "/some/value" })).into();
        }
        _ => {
            spec["volumes"] = numbered(|at| json!({ "name": format!("v{at}"), "emptyDir": {} })).into();
            main["volumeMounts"] =
                numbered(|at| json!({ "name": format!("v{at}"), "mountPath": format!("/v{at}") })).into();
        }
    }
    containers.push(main);
    spec["containers"] = containers.into();
    let pod = json!({ "metadata": { "labels": { "llm-d.ai/role": "prefill" } }, "spec": spec });
    let request = json!({ "operation": "CREATE", "kind": { "group": "", "kind": "Pod" }, "object": pod });
    json!({ "request": request, "settings": {} }).to_string().into_bytes()
}
