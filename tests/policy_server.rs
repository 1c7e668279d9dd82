//! The shipped module in the engine of the real policy server, in its regime: a fresh instance for
//! each request, two seconds at most, and the patch computed by the same crate.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use prefill_conformance::policy_server_host::Module;
use prefill_conformance::{corpus, patch};
use serde_json::Value;
use std::fs;

#[test]
fn the_whole_corpus() {
    let file = corpus::folder().join("../policy.wasm");
    let bytes = fs::read(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; hint: run `make policy.wasm`", file.display()));
    let module = Module::new(&bytes).unwrap();
    let mut differ = Vec::new();
    for case in corpus::requests().unwrap() {
        let native: Value =
            serde_json::from_slice(&prefill_policy::validate(&case.payload).unwrap()).unwrap();
        let reply = match module.call("validate", &case.payload) {
            Ok(reply) => reply,
            Err(error) => {
                differ.push(format!("{}: {error}", case.path()));
                continue;
            }
        };
        let answered: Value = serde_json::from_slice(&reply.bytes).unwrap();
        if answered != native {
            differ.push(case.path());
        }
        // What the API server would do with the patch gives what the policy meant.
        if let (Some(pod), Some(mutated)) =
            (case.pod(), answered.get("mutated_object").filter(|object| !object.is_null()))
        {
            let mut patched = pod.clone();
            let patch = patch::admission_patch(&pod, mutated)
                .unwrap_or_else(|| panic!("{}: an empty patch", case.path()));
            json_patch::patch(&mut patched, &patch).unwrap();
            if patched != *mutated {
                differ.push(format!("{}: the patch does not give the pod", case.path()));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn settings_are_checked_as_natively() {
    let module = Module::new(&fs::read(corpus::folder().join("../policy.wasm")).unwrap()).unwrap();
    for case in corpus::cases("settings").unwrap() {
        let native: Value =
            serde_json::from_slice(&prefill_policy::validate_settings(&case.payload).unwrap()).unwrap();
        let reply = module.call("validate_settings", &case.payload).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&reply.bytes).unwrap(), native, "{}", case.path());
    }
}
