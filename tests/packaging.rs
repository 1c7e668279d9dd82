//! What goes with the module: metadata, Artifact Hub's package file, Rancher's form, examples, README.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use prefill_conformance::artifacthub::{self, Metadata, Rule};
use prefill_conformance::corpus;
use prefill_shape::reason::{Fate, Reason};
use prefill_shape::recognise;
use prefill_shape::settings::Settings;
use prefill_shape::unit::Unit;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    corpus::folder().join("..")
}

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn yaml(file: &str) -> Value {
    corpus::read(&root().join(file)).unwrap()
}

fn metadata() -> Metadata {
    Metadata::read(&text("policy/metadata.yml")).unwrap()
}

fn problems(settings: &Value) -> Vec<String> {
    Settings::read(settings).err().unwrap_or_default()
}

#[test]
fn the_package_file_has_not_drifted() {
    let present = text("artifacthub-pkg.yml");
    let wanted = artifacthub::generate(&metadata(), &text("policy/questions-ui.yml"), "any").unwrap();
    let lines = artifacthub::differences(&wanted, &present);
    assert!(lines.is_empty(), "artifacthub-pkg.yml: write it anew, as its head says\n{}", lines.join("\n"));
}

#[test]
fn one_version_everywhere() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(metadata().version(), Ok(version));
    let module = format!("policies/llm-d-prefill:v{version}");
    let launcher = format!("llm-d-prefill/launcher:v{version}");
    let files = ["policy/metadata.yml", "policy/questions-ui.yml", "policy/README.md"].map(str::to_owned);
    let examples =
        fs::read_dir(root().join("policy/examples")).unwrap().map(|entry| entry.unwrap().file_name());
    let examples = examples.map(|name| format!("policy/examples/{}", name.to_string_lossy()));
    for file in files.into_iter().chain(examples) {
        let text = text(&file);
        for (image, whole) in [("policies/llm-d-prefill:v", &module), ("llm-d-prefill/launcher:v", &launcher)]
        {
            assert_eq!(text.matches(image).count(), text.matches(whole.as_str()).count(), "{file}: {image}");
        }
    }
}

#[test]
fn only_the_creation_of_pods() {
    let metadata = metadata();
    let one = |text: &str| vec![text.to_owned()];
    let rule = Rule {
        api_groups: one(""),
        api_versions: one("v1"),
        resources: one("pods"),
        operations: one("CREATE"),
    };
    assert_eq!(metadata.rules, [rule]);
    assert!(metadata.mutating);
}

/// Every policy of the examples: what is said about it, and its `mutating`.
fn examples() -> Vec<(String, Value, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("policy/examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let document = corpus::read(&path).unwrap();
        if document["kind"].is_string() {
            let mutating = document["spec"]["mutating"].clone();
            found.push((name, document, mutating));
        } else {
            // policy-server's file: policies by name.
            for policy in document.as_object().unwrap().values() {
                found.push((name.clone(), json!({ "spec": policy }), policy["allowedToMutate"].clone()));
            }
        }
    }
    assert!(found.len() >= 4, "{found:?}");
    found
}

#[test]
fn examples_may_mutate_and_have_sound_settings() {
    for (name, document, mutating) in examples() {
        assert_eq!(mutating, true, "{name}");
        assert_eq!(problems(&document["spec"]["settings"]), [""; 0], "{name}");
        assert!(document["spec"]["module"].as_str().is_some_and(|module| module.contains("://")), "{name}");
    }
}

#[test]
fn examples_get_what_the_metadata_asks_for() {
    let asked = yaml("policy/metadata.yml");
    for (name, document, _) in examples().iter().filter(|(_, document, _)| document["kind"].is_string()) {
        for key in ["rules", "backgroundAudit"] {
            assert_eq!(document["spec"][key], asked[key], "{name}: {key}");
        }
        for key in ["severity", "category"].map(|key| format!("io.kubewarden.policy.{key}")) {
            assert_eq!(
                document["metadata"]["annotations"][&key], asked["annotations"][&key],
                "{name}: {key}"
            );
        }
    }
}

#[test]
fn match_conditions_name_labels_that_are_recognised() {
    let document = yaml("policy/examples/cluster-admission-policy.yaml");
    let expression = document["spec"]["matchConditions"][0]["expression"].as_str().unwrap();
    let quoted: BTreeSet<&str> = expression.split('\'').skip(1).step_by(2).collect();
    let components: Vec<&str> = quoted.iter().filter(|word| word.contains("-workload-")).copied().collect();
    assert_eq!(components.len(), 3, "{quoted:?}");
    for component in components {
        let label = |name: &str| match name {
            "app.kubernetes.io/part-of" => Some("llminferenceservice"),
            "app.kubernetes.io/component" => Some(component),
            _ => None,
        };
        assert!(recognise::role(label, &Settings::default()).is_some(), "{component}");
    }
    let label = |name: &str| (name == "llm-d.ai/role").then_some("prefill");
    assert!(recognise::role(label, &Settings::default()).is_some());
    assert!(quoted.contains("llm-d.ai/role") && quoted.contains("prefill"), "{quoted:?}");
}

/// Sets the member of `settings` at `path`, as Rancher's form does.
fn set(settings: &mut Value, path: &str, value: &Value) {
    let mut at = settings;
    for key in path.split('.') {
        at = &mut at[key];
    }
    *at = value.clone();
}

/// A question's answers: every option, or both truth values, or the text shown in the empty field.
fn answers(question: &Value) -> Vec<Value> {
    match question["type"].as_str().unwrap() {
        "enum" => question["options"].as_array().unwrap().clone(),
        "boolean" => vec![json!(true), json!(false)],
        "string" => vec![question["placeholder"].clone()],
        other => panic!("no answer known for type {other}"),
    }
}

#[test]
fn whatever_the_form_is_answered_is_accepted() {
    let form = yaml("policy/questions-ui.yml");
    let questions = form["questions"].as_array().unwrap();
    let variable = |question: &Value| question["variable"].as_str().unwrap().to_owned();
    // What Rancher writes by itself: the defaults of all questions that are shown from the start.
    let mut defaults = json!({});
    for question in questions.iter().filter(|question| !question["default"].is_null()) {
        set(&mut defaults, &variable(question), &question["default"]);
    }
    assert_eq!(problems(&defaults), [""; 0]);
    // `units.tls: enforce` needs it.
    set(&mut defaults, "tls.secretName", &json!("vllm-tls"));
    for question in questions {
        for answer in answers(question) {
            let mut settings = defaults.clone();
            if let Some((on, is)) =
                question["show_if"].as_str().and_then(|condition| condition.split_once('='))
            {
                let is = is.split("||").next().unwrap_or_default();
                set(&mut settings, on, &json!(is));
            }
            set(&mut settings, &variable(question), &answer);
            // A question that this answer brings up, and that has no default, is answered too.
            let condition = json!(format!("{}={}", variable(question), answer.as_str().unwrap_or_default()));
            for follow_up in questions.iter().filter(|question| question["show_if"] == condition) {
                set(&mut settings, &variable(follow_up), &answers(follow_up)[0]);
            }
            assert_eq!(problems(&settings), [""; 0], "{} = {answer}", variable(question));
        }
    }
}

/// The words in backticks behind `expected` in the only problem of `settings`.
fn expected(settings: &Value) -> Vec<String> {
    let [problem] = &problems(settings)[..] else { panic!("{settings}: {:?}", problems(settings)) };
    let allowed = problem.split_once("expected ").unwrap().1;
    allowed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_form_offers_every_option_and_shows_the_real_defaults() {
    let form = yaml("policy/questions-ui.yml");
    let questions = form["questions"].as_array().unwrap();
    for question in questions.iter().filter(|question| question["type"] == "enum") {
        let mut settings = json!({});
        set(&mut settings, question["variable"].as_str().unwrap(), &json!("?"));
        assert_eq!(json!(expected(&settings)), question["options"], "{}", question["variable"]);
    }
    let offered = questions.iter().filter_map(|question| question["variable"].as_str());
    let offered: BTreeSet<&str> = offered.filter_map(|variable| variable.strip_prefix("units.")).collect();
    let units = expected(&json!({ "units": { "?": "off" } }));
    assert_eq!(offered, units.iter().map(String::as_str).collect());
    let mut defaults = json!({});
    for question in questions.iter().filter(|question| !question["default"].is_null()) {
        set(&mut defaults, question["variable"].as_str().unwrap(), &question["default"]);
    }
    let [shown, real] = [&defaults, &json!({})].map(|settings| Settings::read(settings).unwrap());
    for unit in Unit::ALL {
        assert_eq!(shown.level(unit), real.level(unit), "{unit:?}");
    }
    assert_eq!((shown.mode, shown.allow_skip, shown.launcher), (real.mode, real.allow_skip, real.launcher));
    assert_eq!(shown.shape.map(|shape| shape.name), real.shape.map(|shape| shape.name));
}

#[test]
fn the_readme_names_every_setting() {
    let readme = text("policy/README.md");
    assert!(readme.lines().count() <= 150);
    for key in expected(&json!({ "?": 1 })) {
        let inner = Settings::read(&json!({ &key: { "?": 1 } })).unwrap_err();
        let inner: Vec<String> = match &inner[..] {
            // An object: its own keys are in the table too.
            [problem, ..] if problem.starts_with(&format!("{key}.?:")) => {
                let listed = problem.split_once("expected ").unwrap().1;
                listed.split('`').skip(1).step_by(2).map(|member| format!("`{key}.{member}`")).collect()
            }
            _ => vec![format!("`{key}`")],
        };
        for name in inner {
            assert!(readme.contains(&name), "policy/README.md: settings: no {name}");
        }
    }
}

#[test]
fn the_readme_names_every_reason_code() {
    let readme = text("policy/README.md");
    let units = Unit::ALL.iter().map(|unit| format!("`{}`", unit.name()));
    let of_pods = Reason::OF_PODS.iter().map(|reason| format!("`{}`", reason.name()));
    for code in units.chain(of_pods) {
        assert!(readme.contains(&code), "policy/README.md: no {code}");
    }
    for fate in Fate::ALL {
        let named = ["UNIT", "image", "entrypoint", "security-context"]
            .iter()
            .any(|unit| readme.contains(&format!("`{unit}-{}", fate.name())));
        assert!(named, "policy/README.md: no unit is `{}`", fate.name());
    }
}

#[test]
fn the_request_of_e2e_gets_the_launcher() {
    let mut payload = json!({ "settings": {}, "request": null });
    payload["request"] = serde_json::from_str(&text("tests/e2e/request.json")).unwrap();
    let response = prefill_policy::validate(payload.to_string().as_bytes()).unwrap();
    let response: Value = serde_json::from_slice(&response).unwrap();
    assert_eq!(response["accepted"], true, "{response}");
    assert!(response["mutated_object"].to_string().contains("prefill-launcher"), "{response}");
}
