//! What the checks want to know of the pod: GPUs, the model's `config.json`, certificates. What cannot be read stays
//! unknown, and gives no verdict.

use crate::root::Root;
use prefill_core::environment::Environment;
use prefill_core::launch::Launch;
use prefill_core::serve::Facts;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// What is there.
pub(super) fn read(root: &Root, launch: &Launch, environment: &Environment) -> Facts {
    let config = config(root, &launch.model);
    let files =
        launch.tls.iter().flat_map(|tls| [&tls.certificate, &tls.key]).filter(|path| !path.is_empty());
    let unreadable = files.filter_map(|path| {
        // vLLM reads it from its own working directory, which is this one.
        let place = path.strip_prefix('/').map_or_else(|| PathBuf::from(path), |path| root.path().join(path));
        let error = File::open(place).and_then(|mut file| file.read(&mut [0])).err()?;
        Some((path.clone(), error.to_string()))
    });
    Facts {
        gpus: gpus(root, environment),
        heads: config.as_ref().and_then(|config| number(config, &["num_attention_heads"])),
        experts: config.as_ref().map(|config| number(config, &EXPERTS).unwrap_or(0)),
        unreadable: unreadable.collect(),
    }
}

/// How models name the number of their experts.
const EXPERTS: [&str; 5] =
    ["n_routed_experts", "num_experts", "num_local_experts", "moe_num_experts", "num_moe_experts"];

/// The model's own description, where the model is a directory.
fn config(root: &Root, model: &str) -> Option<Value> {
    let path = model.strip_prefix('/')?;
    serde_json::from_str(&root.read(&format!("{path}/config.json")).ok()?).ok()
}

/// The first of `names` in the configuration, or in that of the text part of a multimodal model.
fn number(config: &Value, names: &[&str]) -> Option<u32> {
    let parts = [Some(config), config.get("text_config"), config.get("llm_config")];
    let mut all = parts.into_iter().flatten().flat_map(|part| names.iter().filter_map(|name| part.get(name)));
    all.find_map(|value| u32::try_from(value.as_u64()?).ok())
}

/// How many GPUs CUDA will show: what the variables name, else the device nodes. A GPU that is divided (MIG) has one
/// node and many parts, so then it is unknown.
fn gpus(root: &Root, environment: &Environment) -> Option<u32> {
    let listed = |name: &str| {
        let list = environment.get(name)?;
        let named = |one: &str| {
            one.starts_with("GPU-")
                || one.starts_with("MIG-")
                || one.bytes().all(|byte| byte.is_ascii_digit())
        };
        let all: Vec<&str> = list.split(',').map(str::trim).collect();
        all.iter().all(|one| !one.is_empty() && named(one)).then_some(u32::try_from(all.len()).ok())?
    };
    if let Some(count) = listed("CUDA_VISIBLE_DEVICES") {
        return Some(count);
    }
    let divided = root.directory("proc/driver/nvidia/capabilities").is_ok_and(|all| {
        all.names().iter().any(|gpu| {
            all.directory(&format!("{gpu}/mig"))
                .is_ok_and(|mig| mig.names().iter().any(|part| part.starts_with("gi")))
        })
    });
    let nodes = root.directory("dev").map(|dev| dev.names()).unwrap_or_default();
    let number = |name: &String| {
        name.strip_prefix("nvidia")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let count = u32::try_from(nodes.iter().filter(|name| number(name)).count()).ok()?;
    match count {
        _ if divided => None,
        // CUDA does not read this one: it is the container runtime's, and may be older than the nodes.
        0 => listed("NVIDIA_VISIBLE_DEVICES"),
        count => Some(count),
    }
}
