//! Image and pull policy. The same product at any registry, tag or digest is canonical.

use super::Work;
use crate::verdict::Unit;
use crate::{image, json};
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let old = json::text(work.serving(), "image").unwrap_or_default().to_owned();
    let ours = work.settings.image.as_deref();
    let canonical = image::is_canonical(&old) || ours == Some(old.as_str());
    if canonical || (!enforce && !old.is_empty()) {
        return;
    }
    let Some(new) = ours.or_else(|| work.canonical().get("image")?.text()) else { return };
    if let Some(reason) = cannot_run_cuda(work.serving(), &old) {
        return work.code(Unit::Image, "withheld", Some(&reason));
    }
    let why = format!("`{old}` is not llm-d-cuda, which holds vLLM with NCCL, NVSHMEM and UCX for RDMA");
    let policy =
        json::text(work.serving(), "imagePullPolicy").unwrap_or_else(|| image::default_pull_policy(&old));
    // A policy that only came with the old image's tag goes with it.
    let follows = policy == image::default_pull_policy(&old) && policy != image::default_pull_policy(new);
    let missing = json::text(work.serving(), "imagePullPolicy").is_none();
    let new = new.to_owned();
    if follows || missing {
        let policy = Value::from(image::default_pull_policy(&new));
        work.set(Unit::Image, "imagePullPolicy", policy, "the pull policy follows the image's tag");
    }
    work.set(Unit::Image, "image", Value::String(new), why);
    let was = format!("was {}", crate::adopt::excerpt(&old));
    work.code(
        Unit::Image,
        if old.is_empty() { "filled" } else { "replaced" },
        (!old.is_empty()).then_some(&was),
    );
}

/// Why the canonical image would not start where the pod's own does.
fn cannot_run_cuda(serving: &Value, old: &str) -> Option<String> {
    const DEVICES: [&str; 7] = [
        "amd.com/",
        "gpu.intel.com/",
        "habana.ai/",
        "google.com/tpu",
        "aws.amazon.com/neuron",
        "huawei.com/",
        "ibm.com/spyre",
    ];
    const PRODUCTS: [&str; 8] = ["cpu", "xpu", "rocm", "hpu", "gaudi", "tpu", "neuron", "ascend"];
    let limits = serving["resources"]["limits"].as_object();
    let mut devices = limits.into_iter().flat_map(|limits| limits.keys());
    if let Some(device) = devices.find(|name| DEVICES.iter().any(|other| name.starts_with(other))) {
        return Some(format!("{device} is no NVIDIA GPU"));
    }
    let product = old.rsplit('/').next().unwrap_or_default().split([':', '@']).next().unwrap_or_default();
    if product.split(['-', '_']).any(|word| PRODUCTS.contains(&word)) {
        return Some(format!("{product} is for other devices than NVIDIA GPUs"));
    }
    if serving["resources"]["claims"].as_array().is_some_and(|claims| !claims.is_empty()) {
        return Some("which device a resource claim stands for is not known".to_owned());
    }
    (json::text(serving, "imagePullPolicy") == Some("Never")).then(|| "imagePullPolicy is Never".to_owned())
}
