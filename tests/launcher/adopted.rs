//! Pods that the policy adopts, started through the real binary; and what KServe's script starts in their place.

use crate::program::{Answer, run};
use crate::stub::{Stub, write_program};
use prefill_core::kubelet;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

/// The launcher's arguments as the policy writes them for a case, after the kubelet. None where the pod's own stay.
pub(crate) fn rendered(case: &Path) -> Option<Vec<String>> {
    let read = |name: &str| -> Value {
        let text =
            fs::read_to_string(case.join(name)).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        // A script that is named rather than quoted is not what the launcher's words are made of.
        serde_yaml_ng::from_str::<serde_yaml_ng::Value>(&text).map(untagged).unwrap()
    };
    let (mut pod, want) = (read("pod.yaml"), read("want.yaml"));
    let patch: json_patch::Patch = serde_json::from_value(want.get("patch")?.clone()).unwrap();
    json_patch::patch(&mut pod, &patch).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let launcher = |container: &&Value| {
        container["command"][0].as_str().is_some_and(|program| program.ends_with("/prefill-launcher"))
    };
    let container = pod["spec"]["containers"].as_array()?.iter().find(launcher)?;
    // What the pod itself says; an object's value is the cluster's.
    let variable = |name: &str| {
        let given = container["env"].as_array()?.iter().find(|one| one["name"] == name)?;
        Some(given["value"].as_str()?.to_owned().into())
    };
    let words = container["args"].as_array()?.iter();
    Some(words.map(|word| kubelet::expand(word.as_str().unwrap(), variable).into_owned()).collect())
}

/// Without YAML's tags.
fn untagged(value: serde_yaml_ng::Value) -> Value {
    use serde_yaml_ng::Value as Yaml;
    match value {
        Yaml::Tagged(tagged) => untagged(tagged.value),
        Yaml::Sequence(all) => all.into_iter().map(untagged).collect(),
        Yaml::Mapping(all) => Value::Object(
            all.into_iter()
                .map(|(name, value)| (name.as_str().unwrap_or_default().to_owned(), untagged(value)))
                .collect(),
        ),
        other => serde_json::to_value(other).unwrap(),
    }
}

pub(crate) fn named(case: &str) -> Vec<String> {
    rendered(&tests().join("cases/mutate").join(case)).unwrap_or_else(|| panic!("{case}"))
}

/// A number that one of the words gives.
fn number(words: &[String], flag: &str) -> Option<u32> {
    words.iter().find_map(|word| word.strip_prefix(flag)?.strip_prefix('=')?.parse().ok())
}

/// Runs what the policy wrote, in a group as large as it says.
pub(crate) fn start(stub: &Stub, words: &[String], index: &str) -> Answer {
    let mut own: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let plan = format!("--plan-file={}", stub.folder.path().join("plan.json").display());
    own.insert(0, &plan);
    let mut command = stub.command(&own);
    let (data, local) = (number(words, "--data").unwrap_or(1), number(words, "--data-local").unwrap_or(1));
    command.env("LWS_GROUP_SIZE", (data / local.max(1)).max(1).to_string());
    command.env("LWS_WORKER_INDEX", index).env("LWS_LEADER_ADDRESS", "127.0.0.1");
    run(&mut command)
}

/// What the stand-in of KServe's script starts.
pub(crate) fn kserve(script: &str, index: &str) -> Vec<String> {
    let stub = Stub::new();
    write_program(&stub.folder.path().join("getent"), "#!/bin/sh\necho '127.0.0.1 leader'\n");
    let text = fs::read_to_string(tests().join("scripts").join(script)).unwrap();
    // The kubelet reads it first.
    let text = kubelet::expand(&text, |name| match name {
        "LWS_LEADER_ADDRESS" => Some("127.0.0.1".into()),
        "LWS_WORKER_INDEX" => Some(index.into()),
        _ => None,
    });
    let mut command = Command::new("bash");
    command.args(["-c", text.as_ref(), "--"]).env_clear().env("STUB", stub.folder.path());
    command.env("PATH", format!("{}:/usr/bin:/bin", stub.folder.path().display()));
    command.env("LWS_WORKER_INDEX", index).env("LWS_LEADER_ADDRESS", "leader");
    run(&mut command);
    // The stub is asked for its version first, and writes down what it was asked last.
    stub.words().into_iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

pub(crate) fn value<'w>(words: &'w [String], flag: &str) -> Option<&'w str> {
    let at = words.iter().position(|word| word == flag)?;
    words.get(at + 1).map(String::as_str)
}
