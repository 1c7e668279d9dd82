//! The hosts themselves: that they agree with each other, and that no guest can fool or block them.
//!
//! Runs with wasmi alone, and with `--features policy-server` through the engine of the real policy server too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use std::{env, fs, path::Path};

use prefill_conformance::{
    host::{HostCall, HostError},
    patch::admission_patch,
    wasmi_host,
};
use serde_json::{Value, json};

/// A reply, in what the two hosts have in common.
type Answer = Result<(Vec<u8>, Vec<HostCall>), HostError>;

/// A loaded guest, waiting for an operation and a payload.
type Guest = Box<dyn Fn(&str, &[u8]) -> Answer>;

type Host = fn(&[u8]) -> Result<Guest, HostError>;

const HOSTS: &[(&str, Host)] = &[
    ("wasmi", |bytes| {
        let module = wasmi_host::Module::new(bytes)?;
        Ok(Box::new(move |operation, payload| {
            let reply = module.call(operation, payload)?;
            Ok((reply.bytes, reply.log))
        }))
    }),
    #[cfg(feature = "policy-server")]
    ("policy-server", |bytes| {
        let module = prefill_conformance::policy_server_host::Module::new(bytes)?;
        Ok(Box::new(move |operation, payload| {
            let reply = module.call(operation, payload)?;
            Ok((reply.bytes, reply.log))
        }))
    }),
];

/// The module that costs what every policy costs.
fn do_nothing() -> Vec<u8> {
    let path = env::var_os("PREFILL_DO_NOTHING_WASM")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/do-nothing.wasm"), Into::into);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run make do-nothing.wasm", path.display()))
}

/// The payload for the creation of a pod.
fn creation() -> Vec<u8> {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "server"}});
    let request = json!({"uid": "1", "kind": kind, "operation": "CREATE", "object": pod});
    json!({"settings": {}, "request": request}).to_string().into_bytes()
}

/// A guest with the least that waPC asks for, and `code` for the body of its one function.
fn guest(code: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "wapc" "__guest_response" (func $response (param i32 i32)))
            (import "wapc" "__guest_error" (func $error (param i32 i32)))
            (import "wapc" "__host_call" (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
            (import "wapc" "__host_error" (func $host_error (param i32)))
            (import "wapc" "__host_error_len" (func $host_error_length (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "kubewarden tracing log too bad")
            (func $call (export "__guest_call") (param i32 i32) (result i32) {code}))"#
    );
    wat::parse_str(text).unwrap()
}

/// What each host says of a call to a guest with this code.
fn answers(code: &str) -> impl Iterator<Item = (&'static str, Answer)> {
    let bytes = guest(code);
    HOSTS.iter().map(move |(name, host)| (*name, host(&bytes).unwrap()("validate", b"")))
}

#[test]
fn do_nothing_accepts_everything() {
    for (name, host) in HOSTS {
        let policy = host(&do_nothing()).unwrap();
        let answer = |operation, payload: &[u8]| -> Value {
            let (bytes, log) = policy(operation, payload).unwrap();
            assert_eq!(log, [], "{name}");
            serde_json::from_slice(&bytes).unwrap()
        };
        assert_eq!(answer("validate", &creation())["accepted"], true, "{name}");
        assert_eq!(answer("validate_settings", b"{}")["valid"], true, "{name}");
        assert_eq!(answer("protocol_version", b""), "v1", "{name}");

        let unknown = HostError::GuestError("No handler registered for function juggle".to_owned());
        assert_eq!(policy("juggle", b""), Err(unknown), "{name}");
    }
}

#[test]
fn what_do_nothing_costs_does_not_change() {
    let module = wasmi_host::Module::new(&do_nothing()).unwrap();
    let first = module.call("validate", &creation()).unwrap();
    assert_eq!(first, module.call("validate", &creation()).unwrap());
    assert!((10_000..200_000).contains(&first.fuel), "{first:?}");
    assert!((17..24).contains(&first.memory_pages), "{first:?}");
}

#[test]
fn do_nothing_imports_wapc_alone() {
    let imports = wasmi_host::Module::new(&do_nothing()).unwrap().imports();
    assert!(!imports.is_empty());
    assert!(imports.iter().all(|(module, _)| module == "wapc"), "{imports:?}");
}

#[test]
fn an_error_is_told_in_the_words_of_the_guest() {
    for (name, answer) in answers("(call $error (i32.const 23) (i32.const 7)) (i32.const 0)") {
        assert_eq!(answer, Err(HostError::GuestError("too bad".to_owned())), "{name}");
    }
}

#[test]
fn silence_is_an_error() {
    for (name, answer) in answers("(i32.const 1)") {
        assert!(matches!(answer, Err(HostError::GuestError(_))), "{name}: {answer:?}");
    }
}

#[test]
fn a_halt_is_told_from_an_error() {
    let recurs = "(call $call (local.get 0) (local.get 1))";
    for (name, answer) in answers("unreachable").chain(answers(recurs)) {
        assert!(matches!(answer, Err(HostError::Trap(_))), "{name}: {answer:?}");
    }
}

#[test]
fn a_guest_that_loops_for_ever_is_cut_off() {
    for (name, answer) in answers("(loop $again (br $again)) (i32.const 1)") {
        assert_eq!(answer, Err(HostError::Interrupted), "{name}");
    }
}

#[test]
fn what_is_no_guest_is_refused() {
    let stranger = wat::parse_str(r#"(module (import "env" "now" (func)))"#).unwrap();
    for (name, host) in HOSTS {
        for bytes in [&b"no module"[..], &stranger] {
            let outcome = host(bytes).and_then(|guest| guest("validate", b""));
            assert!(matches!(outcome, Err(HostError::Module(_))), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn the_log_is_kept() {
    let logs = "
        (i32.store8 (i32.const 99) (i32.add (i32.const 48)
            (call $host_call (i32.const 0) (i32.const 10) (i32.const 11) (i32.const 7)
                (i32.const 19) (i32.const 3) (i32.const 23) (i32.const 7))))
        (call $response (i32.const 99) (i32.const 1)) (i32.const 1)";
    for (name, answer) in answers(logs) {
        let record = HostCall {
            binding: "kubewarden".to_owned(),
            namespace: "tracing".to_owned(),
            operation: "log".to_owned(),
            payload: b"too bad".to_vec(),
        };
        assert_eq!(answer, Ok((b"1".to_vec(), vec![record])), "{name}");
    }
}

#[test]
fn other_host_calls_are_refused() {
    let asks = "
        (drop (call $host_call (i32.const 0) (i32.const 10) (i32.const 23) (i32.const 7)
            (i32.const 19) (i32.const 3) (i32.const 0) (i32.const 0)))
        (call $host_error (i32.const 99))
        (call $response (i32.const 99) (call $host_error_length)) (i32.const 1)";
    for (name, answer) in answers(asks) {
        let (bytes, log) = answer.unwrap();
        let refusal = "host call `kubewarden/too bad/log`: not offered by the test host";
        assert_eq!(String::from_utf8(bytes).unwrap(), refusal, "{name}");
        assert_eq!(log.len(), 1, "{name}");
    }
}

#[test]
fn an_unchanged_object_has_no_patch() {
    let (before, after) = (json!({"a": 1}), json!({"a": 1, "b/c": 2}));
    assert_eq!(admission_patch(&before, &before), None);
    let patch = admission_patch(&before, &after).unwrap();
    let expected = json!([{"op": "add", "path": "/b~1c", "value": 2}]);
    assert_eq!(serde_json::to_value(patch).unwrap(), expected);
}
