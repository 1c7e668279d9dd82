//! What must hold for every pod: those of the corpus, and thousands that nobody wrote.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod compatibility;
mod harm;
mod namespaces;
mod pods;
mod settings;

use harm::{harm, pass};
use pods::pods;
use prefill_conformance::{api_defaults, corpus, pod_validation};
use proptest::prelude::*;
use serde_json::{Value, json};
use settings::settings;

#[test]
fn no_pod_of_the_corpus_is_harmed() {
    let mut all = Vec::new();
    for kind in ["mutate", "keep"] {
        for case in corpus::cases(kind).unwrap() {
            let before = case.pod().unwrap();
            let (after, changed) = pass(&before, &case.settings());
            if changed {
                all.extend(
                    harm(&before, &after, &case.settings())
                        .into_iter()
                        .map(|harm| format!("{}: {harm}", case.path())),
                );
            }
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_corpus_is_written_with_the_api_servers_defaults() {
    let mut wrong = Vec::new();
    for kind in ["mutate", "keep", "reject"] {
        for case in corpus::cases(kind).unwrap() {
            let pod = case.pod();
            let Some(pod) = pod.filter(|pod| pod["kind"] == "Pod") else { continue };
            let mut defaulted = pod.clone();
            api_defaults::apply(&mut defaulted);
            if pod.get("status").is_none()
                && let Some(map) = defaulted.as_object_mut()
            {
                map.remove("status");
            }
            if defaulted != pod {
                wrong.push(format!(
                    "{}: {}",
                    case.path(),
                    serde_json::to_string(&json_patch::diff(&pod, &defaulted)).unwrap()
                ));
            }
            let payload: Value = serde_json::from_slice(&case.payload).unwrap();
            if payload["request"]["operation"] != "CREATE" {
                continue;
            }
            wrong.extend(
                pod_validation::violations(&pod)
                    .into_iter()
                    .map(|violation| format!("{}: {violation}", case.path())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_pod_that_other_settings_shaped_is_left_to_them() {
    let first = json!({ "image": "registry.example/team/serving:1", "units": { "image": "enforce", "probes": "off", "stop": "off" } });
    let second = json!({ "shape": "llm-d-cuda-v0.9.0", "launcher": { "delivery": "imageVolume" }, "units": { "securityContext": "enforce" } });
    let mut shaped = 0;
    for case in corpus::cases("mutate").unwrap() {
        let (pod, _) = pass(&case.pod().unwrap(), &first);
        if pod["spec"]["containers"].to_string().contains("--contract=") {
            assert_eq!(pass(&pod, &second), (pod, false), "{}", case.path());
            shaped += 1;
        }
    }
    assert!(shaped > 20, "{shaped}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_pod_is_harmed(pod in pods(), settings in settings()) {
        let (after, changed) = pass(&pod, &settings);
        if changed {
            let harm = harm(&pod, &after, &settings);
            prop_assert!(harm.is_empty(), "{}\n{}", harm.join("\n"), serde_json::to_string_pretty(&pod).unwrap());
        }
    }

    #[test]
    fn an_entrypoint_that_is_not_understood_keeps_its_pod(
        pod in pods(),
        settings in settings(),
        command in prop::sample::select(vec!["/usr/bin/python3 -m serving", "sglang serve", "bash -c ./serve"]),
    ) {
        let mut pod = pod;
        for container in pod["spec"]["containers"].as_array_mut().unwrap() {
            container["command"] = command.split(' ').collect();
        }
        let (after, _) = pass(&pod, &settings);
        prop_assert_eq!(&after["spec"], &pod["spec"], "{}", serde_json::to_string(&json_patch::diff(&pod, &after)).unwrap());
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(prefill_policy::validate(&bytes).is_ok());
        prop_assert!(prefill_policy::validate_settings(&bytes).is_ok());
    }

    #[test]
    fn any_change_to_a_request_gets_an_answer(pod in pods(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let request = json!({ "operation": "CREATE", "kind": { "kind": "Pod" }, "object": pod });
        let mut bytes = json!({ "request": request, "settings": {} }).to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assert!(prefill_policy::validate(&bytes).is_ok());
    }
}
