//! Whatever a pod is: no secret of it is in what its author or an administrator is told.

use crate::role::Role;
use crate::settings::Settings;
use crate::shape;
use proptest::prelude::*;
use serde_json::{Value, json};

const MARKER: &str = "m4rk3r";

fn secret_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "([A-Z]{1,5}_)?(TOKEN|API_KEY|PRIVATE_KEY|SECRET|PASSWORD|DB_PASS|CREDENTIALS)",
        "([a-z]{1,5}_)?(token|api_key|private_key|password)",
    ]
}

fn secret_value() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9/+=.,:@-]{0,6}", "(/home/|/dev/shm/|/models/|/opt/|https://u:)"]
        .prop_map(|rest| format!("{rest}{MARKER}"))
}

/// Words for `vllm serve`; some are refused.
fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "--{N}={V}",
        "--{N}|{V}",
        "--{N}|one|{V}|--seed|7",
        "--{N}|{V}$(LWS_LEADER_ADDRESS)",
        "--{N}|'{V}",
        "--{N}|a;{V}",
        "--{N}|$(X)|{V}",
        "--hf-overrides|{\"a\":{\"{N}\":\"{V}\"}}",
        "--hf-overrides={\"{N}\":\"{V}\"}",
        "--port|$({N})",
        "--host=$({N})",
        "--config=$({N})",
        "--served-model-name|m|$({N})",
        "--tensor-parallel-size=4",
        "--por=1",
        "--",
        "{N}={V}",
    ])
}

/// Lines of a script; none is KServe's but the first.
fn line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "START_RANK=0",
        "export {N}={V}",
        "export {N}=\"two words {V}\"",
        "{N}='one\ntwo {V}'",
        "{N}=\"one\n$(curl {V})\"",
        "echo \"$({N})\" | x",
        "curl $({N})",
        "curl -H 'Authorization: Bearer {V}' https://host",
        "curl -u user:{V} https://host",
        "cat > {N} <<EOF\n{V}\nEOF",
        "pip install https://user:{V}@host/x",
        "{N}: {V}",
        "if [ \"${N}\" = {V} ]; then",
        "echo '{\"{N}\": \"{V}\"}' > x",
    ])
}

fn command() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "eval \"vllm serve /m --{N} {V} $@\"",
        "eval \"vllm serve /m --{N} $X {V}\"",
        "eval \"vllm serve /m --{N} `{V}`\"",
        "eval \"vllm serve /m --{N} '{V}\"",
        "eval \"vllm serve /m --{N} a;{V}\"",
        "eval \"exec vllm serve /m ${VLLM_ADDITIONAL_ARGS} $@\"",
        "eval \"x --{N}={V} vllm serve /m\"",
        "eval \"vllm serve /m\"\n{N}={V}",
        "exec vllm serve /m --{N} {V}",
    ])
}

fn entrypoint() -> impl Strategy<Value = Vec<String>> {
    let words = || prop::collection::vec(word(), 0..4);
    let script =
        (prop::collection::vec(line(), 0..3), command(), words()).prop_map(|(lines, command, words)| {
            let script = format!("{}\n{command}", lines.join("\n"));
            ["bash", "-c", &script, "bash"].into_iter().chain(words).map(str::to_owned).collect()
        });
    let serve = words().prop_map(|words| {
        ["vllm", "serve", "/m"].into_iter().chain(words).map(str::to_owned).collect::<Vec<String>>()
    });
    let other = words().prop_map(|words| ["run.sh"].into_iter().chain(words).map(str::to_owned).collect());
    prop_oneof![script, serve, other]
}

prop_compose! {
    fn pods()(
        entrypoint in entrypoint(), name in secret_name(), value in secret_value(), own in any::<bool>(),
        additional in any::<bool>(), from in any::<bool>(), annotation in prop::option::of(0..4_usize),
        image in prop::sample::select(vec!["ghcr.io/llm-d/llm-d-cuda:v0.9.0", "x?{N}={V}"]),
    ) -> Value {
        let fill = |text: &str| text.replace("{N}", &name).replace("{V}", &value);
        // `|` parts words, as they stand in the pod.
        let words: Vec<String> = entrypoint.iter().enumerate()
            .flat_map(|(at, word)| if at == 2 && entrypoint[0] == "bash" { vec![fill(word)] } else { word.split('|').map(fill).collect() }).collect();
        let mut env = Vec::new();
        if own { env.push(json!({ "name": name, "value": value })); }
        if additional { env.push(json!({ "name": "VLLM_ADDITIONAL_ARGS", "value": fill("--{N} {V} --x '$y") })); }
        let mut container = json!({
            "name": "main", "image": fill(image), "command": words, "env": env,
            "volumeMounts": [{ "name": "v", "mountPath": "/v" }],
        });
        if from { container["envFrom"] = json!([{ "configMapRef": { "name": "c" } }]); }
        let mut annotations = json!({});
        let texts = ["{\"{N}\": \"{V}\"}", "{\"tensor\": \"{N}={V}\"}", "{\"{N}={V}\": 1}", "{N}={V}"];
        if let Some(at) = annotation { annotations["llm-d-prefill.io/parallelism"] = json!(fill(texts[at])); }
        json!({ "metadata": { "annotations": annotations }, "spec": { "containers": [container], "volumes": [{ "name": "v", "emptyDir": {} }] } })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn nobody_is_told_a_secret(pod in pods(), level in "(enforce|default|off)", mode in "(shape|report)", keep in any::<bool>()) {
        let entrypoint = if keep { "off" } else { "enforce" };
        let settings = json!({
            "mode": mode, "tls": { "secretName": "certs" },
            "units": { "entrypoint": entrypoint, "caches": level, "sharedMemory": level, "tls": level, "probes": level },
        });
        let settings = Settings::read(&settings).unwrap();
        let mut shaped = pod.clone();
        let outcome = shape(&mut shaped, Role::Leader, &settings);
        let annotation = crate::pod::annotation(&shaped, crate::annotations::VERDICT).map(str::to_owned);
        let told = [outcome.verdict, outcome.rejection, outcome.changes, annotation];
        for text in told.into_iter().flatten().chain(outcome.warnings) {
            // Half of it is one too many.
            prop_assert!(!text.contains(&MARKER[..3]), "{text}\n{pod}");
        }
    }
}
