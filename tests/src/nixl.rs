//! The words of a pod that enter the hash which NIXL's connector compares before it moves a KV cache.
//!
//! Prefill and decode are set up apart: where shaping changes one of these words on one side, every request fails
//! (`NIXL compatibility hash mismatch`). Rules: vLLM's `nixl/metadata.py` (`compute_nixl_compatibility_hash`) for
//! what counts, `utils/argparse_utils.py` for how flags are written, `engine/arg_utils.py` for the model's name.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::started::{self, Release, Started};
use crate::walk::text;

/// Words by what they are called: `image`, `model`, a flag without its dashes, a variable.
pub type Words = BTreeMap<String, String>;

/// Flags with a value, and their short forms.
const VALUES: [(&str, &str); 14] = [
    ("dtype", ""),
    ("kv-cache-dtype", ""),
    // Layers that keep the model's own type.
    ("kv-cache-dtype-skip-layers", ""),
    ("attention-backend", ""),
    // Has the backend among its members.
    ("attention-config", "-ac"),
    ("speculative-config", "-sc"),
    // Names the connector, whether it pushes or pulls, and how blocks lie across layers.
    ("kv-transfer-config", ""),
    // The rest decides what the model's configuration says of heads, layers and type.
    ("hf-overrides", ""),
    ("hf-config-path", ""),
    ("config-format", ""),
    ("revision", ""),
    ("quantization", "-q"),
    ("model-impl", ""),
    // A file may set any of them.
    ("config", ""),
];
// Not here, as they enter no hash: the tokenizer and its revision, parallel sizes, the block size, how weights are
// loaded (`--load-format`), whose code may be run (without it such a model does not start at all).

/// `--no-…` turns them off.
const SWITCHES: [&str; 1] = ["disable-hybrid-kv-cache-manager"];

/// What chooses the attention backend, or the model's source, from outside of the arguments.
const VARIABLES: [&str; 5] = [
    "VLLM_ATTENTION_BACKEND",
    "VLLM_FLASH_ATTN_VERSION",
    "VLLM_MLA_DISABLE",
    "VLLM_USE_MODELSCOPE",
    "VLLM_USE_V1",
];
/// Each turns one of AMD's own kernels on or off, and backends with them.
const VARIABLES_OF_AITER: &str = "VLLM_ROCM_USE_AITER";

/// The words of `container` under `release`, or why it starts no vLLM. Where it is unknown how it starts one, the image
/// is the only word.
pub fn words(container: &Value, release: Release) -> Result<Words, String> {
    let mut words = match started::vllm(container, release)? {
        Some(started) if started.words.first().is_some_and(|word| word == "serve") => of_vllm(&started)?,
        _ => Words::new(),
    };
    words.insert("image".to_owned(), text(&container["image"]).to_owned());
    Ok(words)
}

fn of_vllm(started: &Started) -> Result<Words, String> {
    let mut found = Words::new();
    let words = &started.words[1..];
    let mut at = 0;
    // The model's place is the first one. vLLM moves the first `--model` there, and takes no second.
    if let Some(model) = words.first().filter(|word| !is_flag(word)) {
        if model.is_empty() {
            return Err("vLLM refuses a model without a name".to_owned());
        }
        found.insert("model".to_owned(), model.clone());
        at += 1;
    }
    while let Some(word) = words.get(at) {
        at += 1;
        let (given, inline) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v)));
        let Some(name) = known(given) else { continue };
        let is_switch = SWITCHES.contains(&name.trim_start_matches("no-"));
        let value = match (is_switch, inline) {
            (true, _) => (!name.starts_with("no-")).to_string(),
            (false, Some(value)) => value.to_owned(),
            (false, None) => {
                at += 1;
                words.get(at - 1).filter(|word| !is_flag(word)).cloned().unwrap_or_default()
            }
        };
        if value.is_empty() {
            return Err(format!("vLLM refuses `{given}` without a value"));
        }
        let name = name.trim_start_matches("no-").to_owned();
        if name == "model" {
            found.entry(name).or_insert(value);
        } else {
            // The last one wins.
            found.insert(name, value);
        }
    }
    for (name, value) in &started.environment {
        if VARIABLES.contains(&name.as_str()) || name.starts_with(VARIABLES_OF_AITER) {
            found.insert(name.clone(), value.clone());
        }
    }
    if let Some(cache) = cache(&started.environment)
        && !found.get("model").is_some_and(|model| model.starts_with('/'))
    {
        found.insert("cache".to_owned(), cache);
    }
    Ok(found)
}

/// The whole name of a flag that counts, without dashes: vLLM takes `_` for `-`, any beginning of a name, and a member
/// of a configuration behind a dot.
fn known(given: &str) -> Option<String> {
    let (whole, member) = given.find('.').map_or((given, ""), |dot| given.split_at(dot));
    if let Some((name, _)) = VALUES.iter().find(|(_, short)| !short.is_empty() && *short == whole) {
        return Some(format!("{name}{member}"));
    }
    let long = whole.strip_prefix("--").filter(|long| !long.is_empty())?.replace('_', "-");
    let off = SWITCHES.map(|name| format!("no-{name}"));
    let all = || {
        let values = VALUES.iter().map(|(name, _)| *name);
        values.chain(SWITCHES).chain(off.iter().map(String::as_str)).chain(["model"])
    };
    let name = all().find(|name| *name == long).or_else(|| all().find(|name| name.starts_with(&long)))?;
    Some(format!("{name}{member}"))
}

/// Whether argparse takes `word` for a flag; a blank in it makes it a value, unless it stands behind `--flag=`.
fn is_flag(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let number = || name.trim_start_matches(['-', '.']).starts_with(|c: char| c.is_ascii_digit());
    name.len() > 1 && name.starts_with('-') && !name.contains(' ') && !number()
}

/// Without a network the model's name becomes the path of its snapshot, so where the cache is counts.
fn cache(environment: &BTreeMap<String, String>) -> Option<String> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let offline = set("HF_HUB_OFFLINE").or_else(|| set("TRANSFORMERS_OFFLINE"))?.to_uppercase();
    if !["1", "ON", "YES", "TRUE"].contains(&offline.as_str()) {
        return None;
    }
    let below = |name: &str, path: &str| set(name).map(|folder| format!("{folder}{path}"));
    [
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "/hub"),
        ("XDG_CACHE_HOME", "/huggingface/hub"),
        ("HOME", "/.cache/huggingface/hub"),
    ]
    .into_iter()
    .find_map(|(name, path)| below(name, path))
    .or_else(|| Some("where the image has it".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(arguments: &[&str], variables: &[(&str, &str)]) -> Words {
        let env: Vec<Value> =
            variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        let container = json!({ "image": "i", "command": ["vllm", "serve"], "args": arguments, "env": env });
        words(&container, Release::New).unwrap()
    }

    fn want(pairs: &[(&str, &str)]) -> Words {
        let all = [("image", "i")].iter().chain(pairs);
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_spelling_is_the_same_word() {
        for arguments in [
            &["m", "--kv-cache-dtype", "fp8"][..],
            &["m", "--kv_cache_dtype=fp8"],
            &["--kv-cache_dtype", "auto", "--model", "m", "--kv-cache-dtype=fp8"],
            &["--model=m", "--port", "9", "--kv-cache-d", "fp8", "--block-size=16"],
        ] {
            assert_eq!(
                of(arguments, &[]),
                want(&[("model", "m"), ("kv-cache-dtype", "fp8")]),
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn vllm_takes_the_first_model_and_the_last_of_all_others() {
        let words = of(&["--model", "a", "--model=b", "--dtype", "half", "--dtype=float32"], &[]);
        assert_eq!(words, want(&[("model", "a"), ("dtype", "float32")]));
        // A blank makes a value of what begins with dashes.
        assert_eq!(of(&["--model=-- m"], &[]), of(&["-- m"], &[]));
    }

    #[test]
    fn members_and_short_forms_count() {
        let words = of(
            &[
                "m",
                "--speculative_config.num_tokens",
                "3",
                "-sc.method=mtp",
                "-q",
                "fp8",
                "-tp",
                "2",
                "-ac={}",
            ],
            &[],
        );
        assert_eq!(
            words,
            want(&[
                ("model", "m"),
                ("speculative-config.num_tokens", "3"),
                ("speculative-config.method", "mtp"),
                ("quantization", "fp8"),
                ("attention-config", "{}"),
            ])
        );
    }

    #[test]
    fn a_switch_has_no_value_and_can_be_turned_off() {
        let name = "disable-hybrid-kv-cache-manager";
        let on = of(&["m", "--disable_hybrid_kv_cache_manager", "--dtype", "half"], &[]);
        assert_eq!(on, want(&[("model", "m"), (name, "true"), ("dtype", "half")]));
        let off =
            of(&["m", "--disable-hybrid-kv-cache-manager", "--no-disable-hybrid-kv-cache-manager"], &[]);
        assert_eq!(off, want(&[("model", "m"), (name, "false")]));
    }

    #[test]
    fn the_rest_does_not_count() {
        let arguments = [
            "m",
            "--tokenizer",
            "t",
            "--trust-remote-code",
            "--seed",
            "-1",
            "x y",
            "--",
            "-",
            "--block-size=16",
        ];
        assert_eq!(of(&arguments, &[("HF_HOME", "/x"), ("VLLM_PORT", "1")]), want(&[("model", "m")]));
    }

    #[test]
    fn variables_choose_backends_too() {
        let variables = [("VLLM_ATTENTION_BACKEND", "FLASHINFER"), ("VLLM_ROCM_USE_AITER_MHA", "0")];
        let pairs = [("model", "m"), variables[0], variables[1]];
        assert_eq!(of(&["m"], &variables), want(&pairs));
    }

    #[test]
    fn without_a_network_the_cache_is_part_of_a_models_name() {
        let offline = ("HF_HUB_OFFLINE", "true");
        assert_eq!(of(&["/m"], &[offline, ("HF_HOME", "/x")]), want(&[("model", "/m")]));
        assert_eq!(of(&["o/m"], &[("HF_HUB_OFFLINE", "0"), ("HF_HOME", "/x")]), want(&[("model", "o/m")]));
        for (variables, cache) in [
            (&[offline][..], "where the image has it"),
            (&[offline, ("HOME", "/h")], "/h/.cache/huggingface/hub"),
            (&[offline, ("HF_HOME", "/x"), ("HOME", "/h")], "/x/hub"),
            (&[("TRANSFORMERS_OFFLINE", "1"), ("HF_HUB_CACHE", "/c"), ("HF_HOME", "/x")], "/c"),
        ] {
            assert_eq!(of(&["o/m"], variables), want(&[("model", "o/m"), ("cache", cache)]));
        }
    }

    #[test]
    fn of_other_programs_the_image_is_known() {
        for command in [json!(["vllm", "bench"]), json!(["sglang"]), json!(null)] {
            let container = json!({ "image": "i", "command": command, "args": ["m"] });
            assert_eq!(words(&container, Release::Old), Ok(want(&[])));
        }
    }

    #[test]
    fn what_does_not_start_has_none() {
        for container in [
            json!({ "command": ["prefill-launcher", "run"] }),
            json!({ "command": ["vllm", "serve", "m", "--dtype", "--port=9", "half"] }),
            json!({ "command": ["vllm", "serve", "m", "-q", ""] }),
            json!({ "command": ["vllm", "serve", "--model="] }),
            json!({ "command": ["vllm", "serve", ""] }),
        ] {
            assert!(words(&container, Release::Old).is_err(), "{container}");
        }
    }
}
