//! `make demo`: the shipped module in the engine of the real policy server, on one KServe prefill
//! pod; the pod before and after, with the reason for every change.
#![allow(clippy::print_stdout, reason = "the demonstration is this program's output")]

use prefill_conformance::policy_server_host::Module;
use prefill_conformance::{corpus, patch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::{env, error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A leader as KServe 0.20 makes it, script and all.
const CASE: &str = "mutate/kserve-v0.9.0-leader";
/// A pod by hand: nothing but an image, a command and a GPU.
const PLAIN: &str = "mutate/modelservice-image-kept";

fn main() -> Result<()> {
    let module = Module::new(&fs::read(corpus::folder().join("../policy.wasm"))?)?;
    let asked: Vec<String> = env::args().skip(1).collect();
    let cases = if asked.is_empty() { vec![CASE.to_owned(), PLAIN.to_owned()] } else { asked };
    for case in cases {
        let (kind, name) = case.split_once('/').ok_or("a case is KIND/NAME")?;
        let case =
            corpus::cases(kind)?.into_iter().find(|case| case.name == name).ok_or("there is no such case")?;
        show(&module, &case)?;
    }
    Ok(())
}

fn show(module: &Module, case: &corpus::Case) -> Result<()> {
    let reply = module.call("validate", &case.payload)?;
    let response: Value = serde_json::from_slice(&reply.bytes)?;
    let before = case.pod().ok_or("the case has no pod")?;
    let after = response.get("mutated_object").filter(|object| !object.is_null()).unwrap_or(&before);
    println!("\n━━ {} ━━", case.path());
    println!("\nBEFORE: the serving container as the API server hands it to the policy\n");
    println!("{}", yaml(&serving(&before)));
    println!("AFTER: the same container, and what the pod gained\n");
    println!("{}", yaml(&serving(after)));
    for list in ["initContainers", "volumes"] {
        let had = before["spec"][list].as_array().map_or(0, Vec::len);
        let gained: Vec<&Value> = after["spec"][list].as_array().into_iter().flatten().skip(had).collect();
        if !gained.is_empty() {
            println!("{list} added:\n{}", yaml(&serde_json::to_value(gained)?));
        }
    }
    println!("WHY: every operation of the JSON patch that the API server gets\n");
    explain(&before, after, &response)?;
    println!(
        "\nVERDICT (annotation and audit log)\n  {}",
        response["audit_annotations"]["verdict"].as_str().unwrap_or_default()
    );
    for warning in response["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        println!("WARNING\n  {warning}");
    }
    for call in reply.log {
        println!("LOG\n  {}", String::from_utf8_lossy(&call.payload));
    }
    Ok(())
}

/// Each patch operation under the reason that covers its path. One that no reason covers would be
/// a change that nobody explained, and is an error.
fn explain(before: &Value, after: &Value, response: &Value) -> Result<()> {
    let text = response["audit_annotations"]["changes"].as_str().unwrap_or_default();
    let reasons: Vec<(&str, &str, &str)> = text
        .lines()
        .filter_map(|line| {
            let (unit, rest) = line.split_once(' ')?;
            let (path, why) = rest.split_once(": ")?;
            Some((unit, path, why))
        })
        .collect();
    let patch = serde_json::to_value(patch::admission_patch(before, after))?;
    let mut explained: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for operation in patch.as_array().into_iter().flatten() {
        let changed = operation["path"].as_str().unwrap_or_default();
        let kind = operation["op"].as_str().unwrap_or_default();
        if changed.starts_with("/metadata/annotations") {
            println!("  {kind:<8}{changed}\n          the verdict, for whoever looks at the pod later");
            continue;
        }
        // A list that was not there is added as a whole, with the reasons of its items.
        let covers =
            |(_, reason, _): &(&str, &str, &str)| changed.starts_with(reason) || reason.starts_with(changed);
        let at = reasons.iter().position(covers).ok_or_else(|| format!("no reason for {changed}"))?;
        explained.entry(at).or_default().push(format!("  {kind:<8}{changed}"));
    }
    for (at, operations) in explained {
        let (unit, _, why) = reasons[at];
        println!("{}\n          {unit}: {why}", operations.join("\n"));
    }
    Ok(())
}

fn serving(pod: &Value) -> Value {
    let containers = pod["spec"]["containers"].as_array().map_or(&[][..], Vec::as_slice);
    let named = |name: &str| containers.iter().find(|container| container["name"] == name);
    named("main").or_else(|| named("vllm")).cloned().unwrap_or_default()
}

/// YAML with long texts cut: nobody wants to read 8 kB of bash here.
fn yaml(value: &Value) -> String {
    fn cut(value: &Value) -> Value {
        match value {
            Value::String(text) if text.len() > 240 => {
                let start: String = text.trim_start().chars().take(100).collect();
                Value::String(format!("{start}… ({} bytes of script)", text.len()))
            }
            Value::Array(items) => items.iter().map(cut).collect(),
            Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), cut(value))).collect(),
            other => other.clone(),
        }
    }
    let text = serde_yaml_ng::to_string(&cut(value)).unwrap_or_default();
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}
