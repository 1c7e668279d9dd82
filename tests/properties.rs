//! What must hold for every pod: those of the corpus, and thousands that nobody wrote.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use k8s_openapi::api::core::v1::Pod;
use prefill_conformance::{api_defaults, corpus, pod_security, pod_validation, qos};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The pod after one pass, and whether the pass changed anything.
fn pass(pod: &Value, settings: &Value) -> (Value, bool) {
    let request = json!({ "operation": "CREATE", "kind": { "group": "", "kind": "Pod" }, "object": pod });
    let payload = json!({ "request": request, "settings": settings }).to_string();
    let response: Value =
        serde_json::from_slice(&prefill_policy::validate(payload.as_bytes()).unwrap()).unwrap();
    match response.get("mutated_object").filter(|object| !object.is_null()) {
        Some(object) => (object.clone(), object != pod),
        None => (pod.clone(), false),
    }
}

/// What shaping `before` into `after` must not have done.
fn harm(before: &Value, after: &Value, settings: &Value) -> Vec<String> {
    let mut harm = Vec::new();
    if let Err(error) = serde_json::from_value::<Pod>(after.clone()) {
        harm.push(format!("not a Pod: {error}"));
    }
    let mut defaulted = after.clone();
    api_defaults::apply(&mut defaulted);
    let had_status = after.get("status").is_some();
    if !had_status && let Some(map) = defaulted.as_object_mut() {
        map.remove("status");
    }
    if defaulted != *after {
        harm.push(format!(
            "not written with the API's defaults: {}",
            serde_json::to_string(&json_patch::diff(after, &defaulted)).unwrap()
        ));
    }
    let (again, _) = pass(&defaulted, settings);
    if again != *after {
        harm.push(format!(
            "a second pass changes it: {}",
            serde_json::to_string(&json_patch::diff(after, &again)).unwrap()
        ));
    }
    if pod_validation::violations(before).is_empty() {
        harm.extend(
            pod_validation::violations(after)
                .into_iter()
                .map(|violation| format!("no longer valid: {violation}")),
        );
    }
    if pod_security::baseline(before).is_empty() {
        harm.extend(
            pod_security::baseline(after)
                .into_iter()
                .map(|violation| format!("no longer baseline: {violation}")),
        );
    }
    if pod_security::restricted(before).is_empty() {
        harm.extend(
            pod_security::restricted(after)
                .into_iter()
                .map(|violation| format!("no longer restricted: {violation}")),
        );
    }
    if qos::class(before) != qos::class(after) {
        harm.push(format!("QoS class was {:?}, is {:?}", qos::class(before), qos::class(after)));
    }
    harm.extend(lost(before, after, "", settings["units"].is_object()));
    harm
}

/// Paths of `before` that are gone or whose list order changed. Only command, args and the image
/// are replaced; with enforced units, values may change too, but nothing may go.
fn lost(before: &Value, after: &Value, path: &str, enforced: bool) -> Vec<String> {
    let replaced = ["/command", "/args", "/image", "/imagePullPolicy"].iter().any(|end| path.ends_with(end));
    match (before, after) {
        _ if replaced => Vec::new(),
        (Value::Object(before), Value::Object(after)) => before
            .iter()
            .flat_map(|(key, value)| {
                let path = format!("{path}/{key}");
                after.get(key).map_or_else(
                    || vec![format!("{path} is gone")],
                    |after| lost(value, after, &path, enforced),
                )
            })
            .collect(),
        (Value::Array(before), Value::Array(after)) if before.len() <= after.len() => before
            .iter()
            .zip(after)
            .enumerate()
            .flat_map(|(at, (before, after))| lost(before, after, &format!("{path}/{at}"), enforced))
            .collect(),
        (before, after) if before == after || enforced => Vec::new(),
        // A null holds nothing, and these hold the API server's default: not said.
        (Value::Null, _) => Vec::new(),
        (before, _) if path.ends_with("/terminationMessagePolicy") && before == "File" => Vec::new(),
        (before, _) if path.ends_with("/terminationGracePeriodSeconds") && before == 30 => Vec::new(),
        (before, _) if path.ends_with("/httpGet/scheme") && before == "HTTP" => Vec::new(),
        (before, _) if path.ends_with("verdict") && before.is_string() => Vec::new(),
        (before, after) => vec![format!("{path} was {before}, is {after}")],
    }
}

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

fn argument() -> impl Strategy<Value = String> {
    prop_oneof![
        "--(tensor-parallel-size|data_parallel_size|port|max-model-len|shutdown-timeout)=[0-9]{1,5}",
        "(-tp|-dp|-dpl|--data-parallel-rpc-port|-dpr) ?",
        "--(headless|enable-expert-parallel|data-parallel-hybrid-lb|trust-remote-code)",
        "(--host=|--ssl-certfile=|--download-dir=)(127\\.0\\.0\\.1|0\\.0\\.0\\.0|/models/x|/home)",
        r#"(--served-model-name|--kv-transfer-config|\{"a":1\}|--config|--)"#,
        r"\$\((LWS_LEADER_ADDRESS|LWS_WORKER_INDEX|SIZE|NONE)\)",
        r"[a-z0-9/$'; \\-]{0,8}",
    ]
}

fn environment() -> impl Strategy<Value = Value> {
    let value = ("(HOME|HF_HOME|HF_HUB_CACHE|SIZE|VLLM_LOGGING_LEVEL|X)", "[a-z0-9/$()]{0,8}")
        .prop_map(|(name, value)| json!({ "name": name, "value": value }));
    let from = Just(
        json!({ "name": "SIZE", "valueFrom": { "fieldRef": { "apiVersion": "v1", "fieldPath": "status.podIP" } } }),
    );
    prop_oneof![4 => value, 1 => from]
}

fn volume() -> impl Strategy<Value = (String, Value, String)> {
    let name = prop_oneof!["(home|dshm|model-cache|tmp-dir|data|prefill-launcher)"];
    let source = prop_oneof![
        Just(json!({ "emptyDir": {} })),
        Just(json!({ "emptyDir": { "medium": "Memory", "sizeLimit": "1Gi" } })),
        Just(json!({ "persistentVolumeClaim": { "claimName": "c" } })),
    ];
    (name, source, "(/home|/models|/models/x|/dev/shm|/data|/opt|/tmp)")
}

fn security() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({ "privileged": true })),
        Just(json!({ "capabilities": { "add": ["SYS_ADMIN"] } })),
        Just(
            json!({ "allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": { "drop": ["ALL"] }, "seccompProfile": { "type": "RuntimeDefault" } })
        ),
        Just(json!({ "runAsUser": 0 })),
    ]
}

fn resources() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(
            json!({ "limits": { "cpu": "64", "memory": "512Gi", "nvidia.com/gpu": "8", "rdma/roce_gdr": "1" }, "requests": { "cpu": "64", "memory": "512Gi", "nvidia.com/gpu": "8", "rdma/roce_gdr": "1" } })
        ),
        Just(json!({ "requests": { "cpu": "50m" } })),
    ]
}

prop_compose! {
    fn pods()(
        arguments in prop::collection::vec(argument(), 0..6),
        env in prop::collection::vec(environment(), 0..4),
        volumes in prop::collection::vec(volume(), 0..3),
        security in security(), pod_security in security(), resources in resources(),
        image in "(ghcr\\.io/llm-d/llm-d-cuda:v0\\.[4-9]\\.0|vllm/vllm-openai:v0\\.30\\.0|x)",
        labels in "(leader|worker|single)", host_network in any::<bool>(),
        probe in of(Just(json!({ "tcpSocket": { "port": 8000 } }))), grace in of(10..90u32),
        env_from in any::<bool>(), ports in of(1..65535u16),
    ) -> Value {
        let mut container = json!({
            "name": "main", "image": image, "command": ["vllm", "serve", "/mnt/models"], "args": arguments,
            "env": env, "resources": resources, "securityContext": security, "volumeMounts": [],
        });
        let mut spec = json!({ "containers": [], "volumes": [], "hostNetwork": host_network });
        for (at, (name, source, path)) in volumes.into_iter().enumerate() {
            // Names and paths must be unique.
            let name = if at == 0 { name } else { format!("v{at}") };
            let path = if at == 0 { path } else { format!("/v{at}{path}") };
            let mut volume = source;
            volume["name"] = json!(name);
            spec["volumes"].as_array_mut().unwrap().push(volume);
            container["volumeMounts"].as_array_mut().unwrap().push(json!({ "name": name, "mountPath": path }));
        }
        if let Some(probe) = probe { container["livenessProbe"] = probe; }
        if let Some(grace) = grace { spec["terminationGracePeriodSeconds"] = json!(grace); }
        if let Some(port) = ports { container["ports"] = json!([{ "containerPort": port }]); }
        if env_from { container["envFrom"] = json!([{ "configMapRef": { "name": "c" } }]); }
        let mut pod_security = pod_security;
        for key in ["privileged", "capabilities", "allowPrivilegeEscalation"] {
            pod_security.as_object_mut().unwrap().remove(key);
        }
        spec["securityContext"] = pod_security;
        spec["containers"] = json!([container]);
        let mut labelled = json!({ "llm-d.ai/role": "prefill" });
        if labels != "single" { labelled["leaderworkerset.sigs.k8s.io/name"] = json!("x"); }
        if labels == "leader" { labelled["leaderworkerset.sigs.k8s.io/worker-index"] = json!("0"); }
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "n", "labels": labelled }, "spec": spec,
        });
        api_defaults::apply(&mut pod);
        pod.as_object_mut().unwrap().remove("status");
        pod
    }
}

fn settings() -> impl Strategy<Value = Value> {
    let level = prop_oneof![4 => Just("default"), 1 => Just("enforce"), 1 => Just("off")];
    let names = [
        "image",
        "entrypoint",
        "port",
        "environment",
        "securityContext",
        "probes",
        "stop",
        "caches",
        "sharedMemory",
        "terminationMessage",
    ];
    let units = prop::collection::vec(level, names.len());
    let shape = prop_oneof![Just("auto"), Just("llm-d-cuda-v0.4.0"), Just("llm-d-cuda-v0.9.0")];
    let profile = of(prop_oneof![Just("reference"), Just("head"), Just("restricted"), Just("keep")]);
    let tls = of(Just("certs"));
    (of(units), shape, profile, tls).prop_map(move |(units, shape, profile, tls)| {
        let mut settings = json!({ "shape": shape });
        if let Some(units) = units {
            settings["units"] = names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(units.into_iter().map(Value::from))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        if let Some(profile) = profile {
            settings["securityProfile"] = json!(profile);
        }
        if let Some(tls) = tls {
            settings["tls"] = json!({ "secretName": tls });
        }
        settings
    })
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
