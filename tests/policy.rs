//! The shipped module: the same corpus gives the same bytes as natively, and nothing is imported
//! that a waPC host does not have.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use prefill_conformance::corpus;
use prefill_conformance::wasmi_host::Module;
use serde_json::Value;
use std::fs;

/// The ceiling for the module before annotation, in bytes.
const SIZE: usize = 350_000;

fn bytes() -> Vec<u8> {
    let file = corpus::folder().join("../policy.wasm");
    fs::read(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; hint: run `make policy.wasm`", file.display()))
}

/// JSON with its members in one order: a map's order is not part of an answer.
fn canonical(bytes: &[u8]) -> Vec<u8> {
    serde_json::to_vec(&serde_json::from_slice::<Value>(bytes).unwrap()).unwrap()
}

#[test]
fn the_module_answers_as_the_native_code_does() {
    let module = Module::new(&bytes()).unwrap();
    let mut differ = Vec::new();
    for case in corpus::requests().unwrap() {
        let native = canonical(&prefill_policy::validate(&case.payload).unwrap());
        match module.call("validate", &case.payload) {
            Ok(reply) if canonical(&reply.bytes) == native => {}
            Ok(reply) => differ.push(format!("{}: {}", case.path(), String::from_utf8_lossy(&reply.bytes))),
            Err(error) => differ.push(format!("{}: {error}", case.path())),
        }
    }
    for case in corpus::cases("settings").unwrap() {
        let native = prefill_policy::validate_settings(&case.payload).unwrap();
        let reply = module.call("validate_settings", &case.payload).unwrap();
        if canonical(&reply.bytes) != canonical(&native) {
            differ.push(case.path());
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn one_log_line_for_a_recognised_pod_and_none_for_others() {
    let module = Module::new(&bytes()).unwrap();
    for case in corpus::requests().unwrap() {
        let reply = module.call("validate", &case.payload).unwrap();
        let response: Value = serde_json::from_slice(&reply.bytes).unwrap();
        let decided = response["accepted"] == false || response["audit_annotations"].get("verdict").is_some();
        assert_eq!(reply.log.len(), usize::from(decided), "{}", case.path());
        for call in reply.log {
            let line: Value = serde_json::from_slice(&call.payload).unwrap();
            assert!(line["message"].as_str().is_some_and(|text| !text.is_empty()), "{line}");
        }
    }
}

#[test]
fn every_operation_of_the_protocol_is_there() {
    let module = Module::new(&bytes()).unwrap();
    assert_eq!(module.call("protocol_version", b"").unwrap().bytes, b"\"v1\"");
    for operation in ["validate", "validate_settings"] {
        assert!(module.call(operation, b"").is_ok(), "{operation}");
    }
}

#[test]
fn only_wapc_is_imported() {
    let imports = Module::new(&bytes()).unwrap().imports();
    let others: Vec<_> = imports.iter().filter(|(module, _)| module != "wapc").collect();
    assert!(!imports.is_empty() && others.is_empty(), "{others:?}");
}

#[test]
fn the_module_is_small() {
    let size = bytes().len();
    assert!(size <= SIZE, "policy.wasm has {size} bytes, at most {SIZE} are allowed");
}
