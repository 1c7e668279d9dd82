//! Pods that nobody wrote.

use prefill_conformance::api_defaults;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn argument() -> impl Strategy<Value = String> {
    prop_oneof![
        "--(tensor-parallel-size|data_parallel_size|port|max-model-len|shutdown-timeout)=[0-9]{1,5}",
        "--(dtype|kv_cache_dtype|kv-cache-dtype|attention-backend|revision|model)=(a|b)",
        "(--disable-hybrid-kv-cache-manager|--no-disable_hybrid_kv_cache_manager|--speculative_config.method|-q|--dt)",
        "(-tp|-dp|-dpl|--data-parallel-rpc-port|-dpr) ?",
        "--(headless|enable-expert-parallel|data-parallel-hybrid-lb|trust-remote-code)",
        "(--host=|--ssl-certfile=|--download-dir=)(127\\.0\\.0\\.1|0\\.0\\.0\\.0|/models/x|/home)",
        r#"(--served-model-name|--kv-transfer-config|\{"a":1\}|--config|--)"#,
        r"\$\((LWS_LEADER_ADDRESS|LWS_WORKER_INDEX|SIZE|NONE)\)",
        r"[a-z0-9/$'; \\-]{0,8}",
    ]
}

fn environment() -> impl Strategy<Value = Value> {
    let value = (
        "(HOME|HF_HOME|HF_HUB_CACHE|HF_HUB_OFFLINE|VLLM_ATTENTION_BACKEND|SIZE|VLLM_LOGGING_LEVEL|X)",
        "(1|[a-z0-9/$()]{0,8})",
    )
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

/// What one container, or the pod, says of one resource: nothing, or a request, a limit, or both, equal or not.
fn resource(
    amounts: [&'static str; 4],
) -> impl Strategy<Value = (Option<&'static str>, Option<&'static str>)> {
    let amount = 0..amounts.len();
    prop_oneof![
        2 => Just((None, None)),
        1 => amount.clone().prop_map(move |at| (Some(amounts[at]), None)),
        1 => amount.clone().prop_map(move |at| (None, Some(amounts[at]))),
        2 => amount.clone().prop_map(move |at| (Some(amounts[at]), Some(amounts[at]))),
        2 => (amount.clone(), amount).prop_map(move |(a, b)| (Some(amounts[a.min(b)]), Some(amounts[a.max(b)]))),
    ]
}

/// Small amounts are below what the launcher's init container asked for once.
fn resources() -> BoxedStrategy<Value> {
    let cpu = resource(["10m", "250m", "2", "64"]);
    let memory = resource(["32Mi", "200M", "2Gi", "512Gi"]);
    let disk = resource(["0", "16Mi", "4Gi", "1Ti"]);
    let devices = of(prop_oneof![Just(("nvidia.com/gpu", "8")), Just(("rdma/roce_gdr", "1"))]);
    (cpu, memory, disk, devices, any::<bool>())
        .prop_map(|(cpu, memory, disk, devices, requested)| {
            let device =
                devices.map(|(name, amount)| (name, (Some(amount).filter(|_| requested), Some(amount))));
            let plain = [("cpu", cpu), ("memory", memory), ("ephemeral-storage", disk)];
            written(plain.into_iter().chain(device))
        })
        // One strategy by value after the other would fill a test's stack.
        .boxed()
}

/// For the pod as a whole: more than any of its containers.
fn whole_pod() -> impl Strategy<Value = Value> {
    let cpu = resource(["500", "500", "600", "700"]);
    let memory = resource(["4Ti", "4Ti", "5Ti", "6Ti"]);
    (cpu, memory).prop_map(|(cpu, memory)| written([("cpu", cpu), ("memory", memory)].into_iter()))
}

type Said = (&'static str, (Option<&'static str>, Option<&'static str>));

fn written(said: impl Iterator<Item = Said>) -> Value {
    let mut resources = Map::new();
    for (name, (request, limit)) in said {
        for (list, amount) in [("requests", request), ("limits", limit)] {
            if let Some(amount) = amount {
                resources.entry(list).or_insert_with(|| json!({}))[name] = json!(amount);
            }
        }
    }
    Value::Object(resources)
}

/// A container beside the one that serves.
fn neighbour() -> impl Strategy<Value = Value> {
    resources().prop_map(|resources| json!({ "name": "log", "image": "busybox:1", "resources": resources }))
}

/// The pod's own init containers; some stay as sidecars.
fn init_containers() -> impl Strategy<Value = Vec<Value>> {
    let one = (resources(), any::<bool>());
    prop::collection::vec(one, 0..3).prop_map(|all| {
        let all = all.into_iter().enumerate().map(|(at, (resources, stays))| {
            let mut container =
                json!({ "name": format!("own-{at}"), "image": "busybox:1", "resources": resources });
            if stays {
                container["restartPolicy"] = json!("Always");
            }
            container
        });
        all.collect()
    })
}

/// A neighbour, whether it comes first, init containers, and what the pod asks for as a whole.
type Surroundings = (Option<Value>, bool, Vec<Value>, Option<Value>);

fn surroundings() -> BoxedStrategy<Surroundings> {
    (of(neighbour()), any::<bool>(), init_containers(), of(whole_pod())).boxed()
}

fn entrypoint() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => Just(json!(["vllm", "serve", "/mnt/models"])),
        1 => Just(json!(["vllm", "serve", "org/model"])),
        1 => Just(json!(["vllm", "serve", "--model=$(SIZE)"])),
        1 => Just(json!(["vllm", "serve"])),
        1 => Just(json!(["/usr/bin/python3", "-m", "vllm"])),
    ]
}

prop_compose! {
    pub(crate) fn pods()(
        arguments in prop::collection::vec(argument(), 0..6),
        env in prop::collection::vec(environment(), 0..4),
        volumes in prop::collection::vec(volume(), 0..3),
        security in security(), pod_security in security(), resources in resources(),
        image in "(ghcr\\.io/llm-d/llm-d-cuda:v0\\.[4-9]\\.0|vllm/vllm-openai:v0\\.30\\.0|x)",
        labels in "(leader|worker|single)", host_network in any::<bool>(),
        probe in of(Just(json!({ "tcpSocket": { "port": 8000 } }))), grace in of(10..90u32),
        env_from in any::<bool>(), ports in of(1..65535u16), entrypoint in entrypoint(),
        (neighbour, first, init_containers, whole_pod) in surroundings(),
    ) -> Value {
        let mut container = json!({
            "name": "main", "image": image, "command": entrypoint, "args": arguments,
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
        let mut containers = vec![container];
        if let Some(neighbour) = neighbour {
            containers.insert(usize::from(!first), neighbour);
        }
        spec["containers"] = containers.into();
        spec["initContainers"] = init_containers.into();
        if let Some(resources) = whole_pod { spec["resources"] = resources; }
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
