//! The corpus, natively: every request gets the answer in its `want.yaml`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use prefill_conformance::corpus::{self, Case, essence};
use serde_json::{Value, json};

fn answer(case: &Case) -> Value {
    serde_json::from_slice(&prefill_policy::validate(&case.payload).unwrap()).unwrap()
}

fn check(kind: &str, expected: impl Fn(&Value) -> bool) {
    let mut failures = Vec::new();
    for case in corpus::cases(kind).unwrap() {
        let response = answer(&case);
        let got = essence(&case, &response);
        if !expected(&got) {
            failures.push(format!("{}: not what cases/{kind} holds: {got}", case.path()));
        }
        failures.extend(case.compare(&got).err().map(|error| error.to_string()));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Whether the patch changes more than the verdict.
fn changes_the_spec(got: &Value) -> bool {
    let operations = got["patch"].as_array().map_or(&[][..], Vec::as_slice);
    operations
        .iter()
        .any(|operation| operation["path"].as_str().is_some_and(|path| path.starts_with("/spec")))
}

#[test]
fn pods_that_are_shaped() {
    check("mutate", |got| got["accepted"] == true && changes_the_spec(got));
}

#[test]
fn pods_that_are_kept() {
    check("keep", |got| got["accepted"] == true && !changes_the_spec(got));
}

#[test]
fn pods_that_contradict_the_shape() {
    check("reject", |got| got["accepted"] == false && got["code"] == 422);
}

#[test]
fn input_that_nobody_should_send() {
    // Nothing but the pod's own contradictions is ever refused.
    check("raw", |got| got["accepted"] == true);
}

#[test]
fn settings() {
    let mut failures = Vec::new();
    for case in corpus::cases("settings").unwrap() {
        let answer = prefill_policy::validate_settings(&case.payload).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        failures.extend(case.compare(&answer).err().map(|error| error.to_string()));
        // `validate` agrees: it warns about exactly the settings that are not valid.
        let pod =
            json!({ "metadata": { "labels": { "llm-d.ai/role": "prefill" } }, "spec": { "containers": [] } });
        let settings: Value = serde_json::from_slice(&case.payload).unwrap();
        let kind = json!({ "group": "", "version": "v1", "kind": "Pod" });
        let request = json!({ "operation": "CREATE", "kind": kind, "object": pod });
        let payload = json!({ "request": request, "settings": settings }).to_string();
        let answered: Value =
            serde_json::from_slice(&prefill_policy::validate(payload.as_bytes()).unwrap()).unwrap();
        let warned = answered["warnings"][0]
            .as_str()
            .is_some_and(|warning| warning.starts_with("left as it is: settings: "));
        if warned == answer["valid"].as_bool().unwrap() {
            failures.push(format!("{}: validate and validate_settings disagree: {answered}", case.path()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
