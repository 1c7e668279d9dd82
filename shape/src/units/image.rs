//! Image and pull policy. The same product at any registry, tag or digest is canonical, and any other
//! image is kept unless an administrator enforces this unit: prefill and decode have to hold one vLLM,
//! or KV transfer between them ends (decision 0012).

use crate::canonical::{Node, SHAPES, Shape};
use crate::image::Version;
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::Work;
use crate::{hardware, image, json};
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let old = json::text(work.serving(), "image").unwrap_or_default().to_owned();
    let canonical = image::is_canonical(&old);
    if canonical && enforce && work.settings.image.as_ref().is_some_and(|wanted| *wanted != old) {
        let detail = format!("{} is llm-d-cuda, which no setting replaces", work.quoted(&old));
        return work.code(Unit::Image, Fate::Kept, Some(&detail));
    }
    if canonical || (!enforce && old.is_empty()) {
        return;
    }
    if !enforce {
        let detail = format!("{} is not llm-d-cuda", work.quoted(&old));
        return work.code(Unit::Image, Fate::Kept, Some(&detail));
    }
    let shape = work.settings.shape.unwrap_or(&SHAPES[0]);
    let shapes_own = || shape.container(work.role).get("image").and_then(Node::text).unwrap_or_default();
    let new = work.settings.image.clone().unwrap_or_else(|| shapes_own().to_owned());
    if new == old {
        return;
    }
    let reason = hardware::not_for_llm_d_cuda(work.spec(), work.serving()).or_else(|| {
        // The administrator's image stands for the shape's, where its tag does not say more.
        let vllm = image::vllm(&new).or_else(|| shape.release.as_ref().map(|release| release.vllm))?;
        not_older(work, &old, vllm)
    });
    if let Some(reason) = reason.filter(|_| !old.is_empty()) {
        return work.code(Unit::Image, Fate::Withheld, Some(&reason));
    }
    replace(work, &old, new);
}

/// Why `old` is not replaced by an image with this vLLM.
fn not_older(work: &Work<'_>, old: &str, vllm: Version) -> Option<String> {
    let text = |(major, minor, patch): Version| format!("{major}.{minor}.{patch}");
    match image::vllm(old) {
        None => Some(format!("which vLLM {} holds is not known", work.quoted(old))),
        Some(own) if own > vllm => Some(format!("its vLLM {} is newer than {}", text(own), text(vllm))),
        Some(_) => None,
    }
}

fn replace(work: &mut Work<'_>, old: &str, new: String) {
    let policy =
        json::text(work.serving(), "imagePullPolicy").unwrap_or_else(|| image::default_pull_policy(old));
    // A policy that only came with the old image's tag goes with it.
    let follows = policy == image::default_pull_policy(old) && policy != image::default_pull_policy(&new);
    if follows || json::text(work.serving(), "imagePullPolicy").is_none() {
        let policy = Value::from(image::default_pull_policy(&new));
        work.set(Unit::Image, "imagePullPolicy", policy, "the pull policy follows the image's tag");
    }
    work.shape = Shape::of(&new, work.settings.shape);
    let why = format!(
        "the settings enforce it in place of `{}`; decode has to hold the same vLLM",
        work.quoted(old)
    );
    work.set(Unit::Image, "image", Value::String(new), why);
    let was = format!("was {}", work.quoted(old));
    let fate = if old.is_empty() { Fate::Filled } else { Fate::Replaced };
    work.code(Unit::Image, fate, (!old.is_empty()).then_some(&was));
}
