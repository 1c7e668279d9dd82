//! The corpus: `cases/KIND/NAME/`, each one admission request and, in `want.yaml`, the answer to it.
//!
//! `pod.yaml` is the pod as a webhook gets it, with the API server's defaults; `settings.yaml` and
//! `request.yaml` (members of the request) are optional. In a pod, `!script NAME` stands for the
//! text of `scripts/NAME.sh`, and `!script {name: …, replace: [{old: …, new: …}]}` for an edited one. A case in `raw/` is the payload's bytes (`payload.json`), or one line
//! in `make.txt` that says how to make a large one.

use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder it is in: what is expected in one word.
    pub kind: String,
    /// The situation.
    pub name: String,
    /// What the host hands to the policy.
    pub payload: Vec<u8>,
    folder: PathBuf,
}

/// The folder of this crate.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every case of `kind`, by name.
pub fn cases(kind: &str) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder().join("cases").join(kind))? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let payload = payload(&folder).map_err(|error| format!("cases/{kind}/{name}: {error}"))?;
        cases.push(Case { kind: kind.to_owned(), name, payload, folder });
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    if cases.is_empty() { Err(format!("cases/{kind} is empty").into()) } else { Ok(cases) }
}

/// Every case with a request.
pub fn requests() -> Result<Vec<Case>> {
    let mut all = Vec::new();
    for kind in ["mutate", "keep", "reject", "raw"] {
        all.extend(cases(kind)?);
    }
    Ok(all)
}

fn payload(folder: &Path) -> Result<Vec<u8>> {
    if let Ok(bytes) = fs::read(folder.join("payload.json")) {
        return Ok(bytes);
    }
    if let Ok(recipe) = fs::read_to_string(folder.join("make.txt")) {
        return make(recipe.trim());
    }
    let settings =
        if folder.join("settings.yaml").exists() { read(&folder.join("settings.yaml"))? } else { json!({}) };
    if !folder.join("pod.yaml").exists() {
        return Ok(serde_json::to_vec(&settings)?);
    }
    let pod = read(&folder.join("pod.yaml"))?;
    let mut request = json!({
        "uid": "1299d386-525b-4032-98ae-1949f69f9cfc",
        "kind": { "group": "", "version": "v1", "kind": "Pod" },
        "resource": { "group": "", "version": "v1", "resource": "pods" },
        "operation": "CREATE",
        "namespace": pod["metadata"]["namespace"],
        "userInfo": { "username": "system:serviceaccount:kube-system:statefulset-controller" },
        "object": pod,
    });
    if folder.join("request.yaml").exists() {
        for (key, value) in read(&folder.join("request.yaml"))?.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
    }
    Ok(serde_json::to_vec(&json!({ "request": request, "settings": settings }))?)
}

/// Payloads that nobody wants to read in a file.
fn make(recipe: &str) -> Result<Vec<u8>> {
    let (what, number) = recipe.split_once(' ').ok_or("make.txt: expected `WHAT NUMBER`")?;
    let number: usize = number.parse()?;
    let label = if what.ends_with("foreign") { "decode" } else { "prefill" };
    let head = format!(
        r#"{{"request":{{"operation":"CREATE","kind":{{"group":"","version":"v1","kind":"Pod"}},"object":{{"metadata":{{"name":"p","labels":{{"llm-d.ai/role":"{label}"}}}},"spec":{{"containers":[{{"name":"main","image":"ghcr.io/llm-d/llm-d-cuda:v0.9.0","command":["vllm","serve","m"]"#
    );
    let mut text = head;
    match what {
        "nest" | "nest-foreign" => {
            write!(text, r#"}}],"x":{}{}"#, "[".repeat(number), "]".repeat(number))?;
            text.push_str("}}},\"settings\":{}}");
        }
        "big" => {
            write!(
                text,
                r#","env":[{{"name":"BIG","value":"{}"}}]}}]}}}}}},"settings":{{}}}}"#,
                "x".repeat(number)
            )?;
        }
        other => return Err(format!("make.txt: unknown `{other}`").into()),
    }
    Ok(text.into_bytes())
}

/// A YAML file as JSON, scripts put in.
pub fn read(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let yaml: Yaml =
        serde_yaml_ng::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    to_json(yaml)
}

fn to_json(yaml: Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Tagged(tagged) if tagged.tag == "script" => Value::String(script(&to_json(tagged.value)?)?),
        Yaml::Tagged(tagged) if tagged.tag == "repeat" => {
            let repeat = to_json(tagged.value)?;
            let (text, times) = repeat["text"]
                .as_str()
                .zip(repeat["times"].as_u64())
                .ok_or("!repeat wants `text` and `times`")?;
            Value::String(text.repeat(times.try_into()?))
        }
        Yaml::Tagged(tagged) => return Err(format!("unknown tag {}", tagged.tag).into()),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(to_json).collect::<Result<_>>()?),
        Yaml::Mapping(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, value)| {
                    Ok((key.as_str().ok_or("a key is not a string")?.to_owned(), to_json(value)?))
                })
                .collect::<Result<_>>()?,
        ),
        other => serde_json::to_value(other)?,
    })
}

/// The script that `!script` names, with its replacements: each must fit exactly once.
fn script(tag: &Value) -> Result<String> {
    let name = tag.as_str().or_else(|| tag["name"].as_str()).ok_or("!script wants a name")?;
    let file = folder().join("scripts").join(format!("{name}.sh"));
    let mut text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    for replacement in tag["replace"].as_array().into_iter().flatten() {
        let (old, new) = (replacement["old"].as_str(), replacement["new"].as_str());
        let (old, new) = old.zip(new).ok_or("!script: replace wants `old` and `new`")?;
        if text.matches(old).count() != 1 {
            return Err(format!("{}: `{old}` is not there exactly once", file.display()).into());
        }
        text = text.replace(old, new);
    }
    Ok(text)
}

impl Case {
    /// `KIND/NAME`, for messages.
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// The pod of the request, where the payload is a request with one.
    pub fn pod(&self) -> Option<Value> {
        let payload: Value = serde_json::from_slice(&self.payload).ok()?;
        payload.get("request")?.get("object").filter(|object| object.is_object()).cloned()
    }

    /// The settings of the request.
    pub fn settings(&self) -> Value {
        let payload: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        payload.get("settings").cloned().unwrap_or_else(|| json!({}))
    }

    /// Compares `got` with `want.yaml`; with `BLESS=1` in the environment, writes it.
    pub fn compare(&self, got: &Value) -> Result<()> {
        let file = self.folder.join("want.yaml");
        if env::var_os("BLESS").is_some() {
            return Ok(fs::write(file, serde_yaml_ng::to_string(got)?)?);
        }
        let want = read(&file)?;
        if want == *got {
            return Ok(());
        }
        let changes = serde_json::to_string_pretty(&json_patch::diff(&want, got))?;
        Err(format!(
            "{}: the answer differs from want.yaml by {changes}; hint: BLESS=1 writes it, for review",
            self.path()
        )
        .into())
    }
}

/// What of a response is worth keeping: the patch that the API server gets, and what people read.
pub fn essence(case: &Case, response: &Value) -> Value {
    let mut out = json!({ "accepted": response["accepted"] });
    for key in ["message", "code", "warnings"] {
        if !response[key].is_null() {
            out[key] = response[key].clone();
        }
    }
    if let Some(verdict) = response["audit_annotations"].get("verdict") {
        out["verdict"] = verdict.clone();
    }
    let patch = case.pod().zip(response.get("mutated_object").filter(|object| !object.is_null()));
    if let Some((pod, mutated)) = patch {
        out["patch"] = serde_json::to_value(json_patch::diff(&pod, mutated)).unwrap_or_default();
    }
    out
}
