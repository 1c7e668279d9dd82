//! Turns the canonical shapes (`shapes/*.yaml`) into Rust statics, after proving each against the
//! Kubernetes types: deserialise, serialise, and every key and value of the file must survive.
//! Deserialising alone proves little: k8s-openapi passes over keys that it does not know.

use k8s_openapi::api::core::v1::{Container, PodSpec, SecurityContext, Volume, VolumeMount};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=shapes");
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("shapes");
    let mut out = String::from("// Written by build.rs from shapes/*.yaml.\n");
    let mut releases = Vec::new();
    let mut files: Vec<_> =
        fs::read_dir(&folder)?.map(|entry| entry.map(|e| e.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    for file in files {
        let value = read(&file)?;
        let stem = file.file_stem().and_then(|stem| stem.to_str()).ok_or("file name is not UTF-8")?;
        if let Some(release) = stem.strip_prefix("llm-d-cuda-v") {
            prove_roles(&file, &value)?;
            releases.push((version(release)?, stem.to_owned(), value));
        } else if stem == "any-vllm" {
            prove_roles(&file, &value)?;
            writeln!(out, "pub(crate) static ANY_VLLM: Shape = {};", shape(stem, "None", &value)?)?;
        } else {
            launcher(&file, &value, &mut out)?;
        }
    }
    releases.sort_by_key(|(release, ..)| *release);
    writeln!(out, "/// Every shape, oldest release first.\npub static SHAPES: &[Shape] = &[")?;
    for (release, name, value) in &releases {
        let vllm =
            version(value["vllm"].as_str().ok_or(format!("{name}: expected `vllm: MAJOR.MINOR.PATCH`"))?)?;
        let release = format!("Some(Release {{ llm_d: {release:?}, vllm: {vllm:?} }})");
        writeln!(out, "{},", shape(name, &release, value)?)?;
    }
    writeln!(out, "];")?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("shapes.rs"), out)?;
    Ok(())
}

fn read(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file)?;
    serde_yaml_ng::from_str(&text).map_err(|error| format!("{}: {error}", file.display()).into())
}

const ROLES: [&str; 3] = ["leader", "worker", "single"];

/// Units that own volumes.
const OWNERS: [&str; 3] = ["caches", "sharedMemory", "tls"];

fn prove_roles(file: &Path, value: &Value) -> Result<()> {
    for role in ROLES {
        prove::<PodSpec>(file, role, value)?;
        // What no unit claims would be passed over in silence.
        let spec = &value[role];
        let lists = [&spec["volumes"], &spec["containers"][0]["volumeMounts"]];
        for item in lists.into_iter().filter_map(Value::as_array).flatten() {
            let name = item["name"].as_str().unwrap_or_default();
            let claims = OWNERS.iter().filter(|unit| claimed(value, unit).any(|claim| claim == name)).count();
            if claims != 1 {
                return Err(format!(
                    "{}: {role}: {claims} units claim `{name}`, expected one",
                    file.display()
                )
                .into());
            }
        }
    }
    Ok(())
}

/// The volumes that `unit` claims.
fn claimed<'a>(value: &'a Value, unit: &str) -> impl Iterator<Item = &'a str> {
    value["units"][unit].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// `MAJOR.MINOR.PATCH`
fn version(text: &str) -> Result<(u16, u16, u16)> {
    let parts: Vec<u16> = text.split('.').map(str::parse).collect::<std::result::Result<_, _>>()?;
    let [major, minor, patch] = parts[..] else {
        return Err(format!("found version `{text}`, expected MAJOR.MINOR.PATCH").into());
    };
    Ok((major, minor, patch))
}

/// A shape as the Rust source of a `Shape`.
fn shape(name: &str, release: &str, value: &Value) -> Result<String> {
    let mut out = format!("Shape {{ name: {name:?}, release: {release}");
    for role in ROLES {
        write!(out, ", {role}: {}", node(&value[role])?)?;
    }
    let [caches, shared_memory, tls] = OWNERS.map(|unit| claimed(value, unit).collect::<Vec<_>>());
    write!(out, ", caches: &{caches:?}, shared_memory: &{shared_memory:?}, tls: &{tls:?}")?;
    write!(out, ", profile: {:?} }}", value["securityProfile"].as_str())?;
    Ok(out)
}

fn launcher(file: &Path, value: &Value, out: &mut String) -> Result<()> {
    prove::<Container>(file, "initContainer", value)?;
    prove::<Volume>(file, "volume", value)?;
    prove::<Volume>(file, "imageVolume", value)?;
    prove::<VolumeMount>(file, "volumeMount", value)?;
    prove::<SecurityContext>(file, "restricted", value)?;
    let version = env::var("CARGO_PKG_VERSION")?;
    for pointer in ["/initContainer/image", "/imageVolume/image/reference"] {
        let image = value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if !image.ends_with(&format!(":v{version}")) {
            return Err(format!("{}: {pointer} is `{image}`, expected tag v{version}", file.display()).into());
        }
    }
    for (name, key) in [
        ("INIT_CONTAINER", "initContainer"),
        ("VOLUME", "volume"),
        ("IMAGE_VOLUME", "imageVolume"),
        ("VOLUME_MOUNT", "volumeMount"),
        ("RESTRICTED", "restricted"),
    ] {
        writeln!(out, "pub(crate) static {name}: Node = {};", node(&value[key])?)?;
    }
    Ok(())
}

/// Proves that every key and value below `key` is one that type `T` knows.
fn prove<T: DeserializeOwned + Serialize>(file: &Path, key: &str, value: &Value) -> Result<()> {
    let ours = &value[key];
    let typed: T = serde_json::from_value(ours.clone())
        .map_err(|error| format!("{}: {key}: {error}", file.display()))?;
    let known = serde_json::to_value(&typed)?;
    match lost(ours, &known, key) {
        None => Ok(()),
        Some(path) => Err(format!("{}: {path} does not survive a round trip through the Kubernetes types; hint: look for a misspelt key", file.display()).into()),
    }
}

/// The path of the first key or value of `ours` that `known` does not have.
fn lost(ours: &Value, known: &Value, path: &str) -> Option<String> {
    match (ours, known) {
        (Value::Object(ours), Value::Object(known)) => ours.iter().find_map(|(key, value)| {
            let path = format!("{path}.{key}");
            known.get(key).map_or_else(|| Some(path.clone()), |known| lost(value, known, &path))
        }),
        (Value::Array(ours), Value::Array(known)) if ours.len() == known.len() => ours
            .iter()
            .zip(known)
            .enumerate()
            .find_map(|(at, (ours, known))| lost(ours, known, &format!("{path}[{at}]"))),
        _ => (ours != known).then(|| path.to_owned()),
    }
}

/// A value as the Rust source of a `Node`.
fn node(value: &Value) -> Result<String> {
    let list = |items: Result<Vec<String>>| -> Result<String> { Ok(items?.join(", ")) };
    Ok(match value {
        Value::Object(map) => {
            let members = map.iter().map(|(key, value)| Ok(format!("({key:?}, {})", node(value)?)));
            format!("Node::Object(&[{}])", list(members.collect())?)
        }
        Value::Array(items) => format!("Node::List(&[{}])", list(items.iter().map(node).collect())?),
        Value::String(text) => format!("Node::Text({text:?})"),
        Value::Bool(on) => format!("Node::Bool({on})"),
        Value::Number(number) => format!("Node::Number({number})"),
        Value::Null => return Err("a shape holds no null".into()),
    })
}
