//! The container that runs vLLM, found by evidence and never by position.

use crate::reason::{NotUnderstood, Reason};
use crate::{image, json};
use prefill_core::excerpt::excerpt;
use serde_json::Value;

/// The launcher's file name.
pub(crate) const LAUNCHER: &str = "prefill-launcher";

/// The position of the serving container: the one that the settings name, else `main` (KServe) or
/// `vllm` (llm-d), else the only one that runs vLLM.
pub(crate) fn find(pod: &Value, name: Option<&str>) -> Result<usize, NotUnderstood> {
    let containers = pod["spec"]["containers"].as_array().map_or(&[][..], Vec::as_slice);
    let called = |name: &str| -> Vec<usize> {
        (0..containers.len()).filter(|at| json::text(&containers[*at], "name") == Some(name)).collect()
    };
    let found = if let Some(name) = name {
        called(name)
    } else {
        let mut known: Vec<usize> = ["main", "vllm"].into_iter().flat_map(called).collect();
        // One that says nothing is believed by its name, unless another one runs vLLM.
        let believed = matches!(known[..], [only] if !serves_beside(containers, only));
        if !believed {
            let candidates = if known.len() < 2 { (0..containers.len()).collect() } else { known };
            known = candidates.into_iter().filter(|at| runs_vllm(&containers[*at])).collect();
        }
        known
    };
    if let [only] = found[..] {
        if !serves_beside(containers, only) {
            return Ok(only);
        }
        return Err(NotUnderstood::new(
            Reason::NoServingContainer,
            format!(
                "spec.containers[{only}]: no command and no args, and another container runs vLLM or may run it; hint: name that one in `containerName`"
            ),
        ));
    }
    let names: Vec<String> = containers
        .iter()
        .map(|c| format!("`{}`", excerpt(json::text(c, "name").unwrap_or_default())))
        .collect();
    let wanted = name.map_or("one that runs vLLM".to_owned(), |name| format!("`{name}`"));
    Err(NotUnderstood::new(
        Reason::NoServingContainer,
        format!(
            "spec.containers: {} of {} is {wanted}; hint: name the vLLM container `main` or set `containerName`",
            if found.is_empty() { "none" } else { "more than one" },
            names.join(", ")
        ),
    ))
}

/// Whether the container at `at` says nothing of what it runs, while another one runs vLLM: surely, or
/// more likely than this one.
fn serves_beside(containers: &[Value], at: usize) -> bool {
    let may_serve = |container: &Value| {
        holds_vllm(container) || words(container).any(|word| word.to_ascii_lowercase().contains("vllm"))
    };
    let unlikely = !holds_vllm(&containers[at]);
    let mut others = containers.iter().enumerate().filter(|(other, _)| *other != at);
    words(&containers[at]).next().is_none()
        && others.any(|(_, other)| runs_vllm(other) || (unlikely && may_serve(other)))
}

/// Whether the container's image is called as images with vLLM are.
pub(crate) fn holds_vllm(container: &Value) -> bool {
    image::may_hold_vllm(json::text(container, "image").unwrap_or_default())
}

fn words(container: &Value) -> impl Iterator<Item = &str> {
    ["command", "args"]
        .into_iter()
        .filter_map(|key| container[key].as_array())
        .flatten()
        .filter_map(Value::as_str)
}

fn runs_vllm(container: &Value) -> bool {
    let is = |word: &str, name| word.rsplit('/').next() == Some(name);
    let mut previous_is_vllm = false;
    words(container).any(|word| {
        let runs = (previous_is_vllm && word == "serve")
            || word.contains("vllm serve")
            || word.contains("vllm.entrypoints.")
            || is(word, LAUNCHER);
        previous_is_vllm = is(word, "vllm");
        runs
    })
}

/// Whether this policy, of this or another revision, has written the entrypoint already.
/// The verdict annotation is no evidence: anybody can write it.
pub(crate) fn is_already_shaped(container: &Value) -> bool {
    let mut words = words(container);
    let launcher = words.next().is_some_and(|word| word.rsplit('/').next() == Some(LAUNCHER));
    launcher
        && words.next() == Some(prefill_core::contract::SUBCOMMAND)
        && words.next().is_some_and(|word| word.starts_with("--contract="))
}
