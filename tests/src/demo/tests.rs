#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use super::*;
use crate::corpus::{self, Case};
use serde_json::{Value, json};

fn answer(case: &Case) -> Value {
    serde_json::from_slice(&prefill_policy::validate(&case.payload).unwrap()).unwrap()
}

fn text(rows: &[Row]) -> String {
    rows.iter().flat_map(|row| [row.text.as_str(), "\n"]).collect()
}

/// The words of a text, however its lines are broken.
fn words(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "#").collect::<Vec<_>>().join(" ")
}

#[test]
fn the_pods_of_the_demo_fit_on_a_screen() {
    let cases = corpus::cases("mutate").unwrap();
    for name in ["kserve-v0.9.0-leader", "modelservice-image-kept"] {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let rows = sheet(&case.pod().unwrap(), &answer(case)).unwrap();
        // One row more is the head that the program writes.
        assert!(rows.len() < 60, "{name}: {} rows\n{}", rows.len(), text(&rows));
    }
}

#[test]
fn every_change_of_the_corpus_is_shown_with_its_reason() {
    for case in corpus::cases("mutate").unwrap() {
        let response = answer(&case);
        let rows =
            sheet(&case.pod().unwrap(), &response).unwrap_or_else(|error| panic!("{}: {error}", case.path()));
        let wide = rows.iter().find(|row| row.text.chars().count() > WIDTH);
        assert!(wide.is_none(), "{}: {wide:?}", case.path());
        let said = words(&text(&rows));
        for line in response["audit_annotations"]["changes"].as_str().unwrap_or_default().lines() {
            let (unit, rest) = line.split_once(' ').unwrap();
            let reason = format!("{unit}: {}", rest.split_once(": ").unwrap().1);
            assert!(said.contains(&words(&reason)), "{}: no `{reason}` in\n{}", case.path(), text(&rows));
        }
    }
}

#[test]
fn a_change_without_a_reason_is_an_error() {
    let before = json!({ "spec": { "containers": [{ "name": "main" }] } });
    let after = json!({ "spec": { "containers": [{ "name": "main", "image": "vllm" }] } });
    let response =
        |changes: &str| json!({ "mutated_object": after, "audit_annotations": { "changes": changes } });
    let found = sheet(&before, &response("image /spec/containers/0/imagePullPolicy: why"));
    assert_eq!(found.unwrap_err(), "no reason for /spec/containers/0/image");
    let rows = sheet(&before, &response("image /spec/containers/0/image: why")).unwrap();
    assert_eq!(text(&rows), "@@ spec.containers @@\n# image: why\n+  - image: vllm\n");
}

#[test]
fn an_edited_script_differs_although_its_line_looks_the_same() {
    let pod = |script: &str| json!({ "spec": { "containers": [{ "name": "main", "command": [script] }] } });
    let response = json!({ "mutated_object": pod("a\nb"), "audit_annotations": {} });
    assert_eq!(sheet(&pod("a\nc"), &response).unwrap_err(), "no reason for /spec/containers/0/command/0");
}
