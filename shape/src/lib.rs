//! Pod in, canonical prefill Pod out.
//!
//! The law is **do no harm**: a pod that was valid and would have started is valid and starts
//! after; nothing of its author's is lost; what is not understood wholly is left wholly alone.
//!
//! ```text
//! labels ─► recognise ─► serving container ─► adopt (what the entrypoint says) ─► units ─► verdict
//! ```
//!
//! - [`recognise`]: is this a prefill pod, and which role has it?
//! - `serving`, `pod`: the container that runs vLLM; is the pod one that can be read?
//! - `adopt/`: KServe's script or a `vllm serve` argument list, as a [`prefill_core::launch::Launch`].
//! - `work`: the pod on its way, and the ways to change it; `units/`: one file per part of the pod.
//! - [`canonical`]: the shapes, which are data (`shapes/*.yaml`).
//! - [`settings`], [`verdict`]: what administrators say, and what authors are told.
//! - [`role`], [`unit`], [`reason`], [`annotations`]: the words that all of these share.
//!
//! The pod is edited as raw JSON: a round trip through typed objects drops every field that the
//! compiled-in Kubernetes version does not know, and the policy server would delete it from the
//! pod. No I/O here and no waPC; for those see `prefill-policy`.
#![forbid(unsafe_code)]

mod adopt;
pub mod annotations;
pub mod canonical;
mod environment;
mod hardware;
mod image;
mod json;
mod paths;
mod pod;
mod quantity;
pub mod reason;
pub mod recognise;
pub mod role;
mod secrets;
mod serving;
pub mod settings;
pub mod unit;
mod units;
pub mod verdict;
mod work;

use reason::{NotUnderstood, Reason};
use role::Role;
use serde_json::Value;
use settings::{Mode, Settings};
use verdict::{Kind, Outcome, Report};
use work::Work;

/// Shapes `pod`, which has `role`. On a rejection, and in report mode, `pod` is not to be used.
pub fn shape(pod: &mut Value, role: Role, settings: &Settings) -> Outcome {
    if let Err(problem) = pod::readable(pod) {
        return Outcome::unreadable(&problem);
    }
    let serving = serving::find(pod, settings.container_name.as_deref());
    if recognise::is_never_touched(pod, serving.as_ref().ok().copied()) {
        return Outcome::not_ours();
    }
    let container = match serving {
        Ok(container) => container,
        Err(problem) => return leave(pod, role, settings, &problem),
    };
    if serving::is_already_shaped(&pod["spec"]["containers"][container]) {
        return Outcome::not_ours();
    }
    let skip = pod::annotation(pod, annotations::SKIP) == Some("true");
    if skip && settings.allow_skip {
        let report = Report::new(role);
        return finish(pod, Kind::Kept, report.with_code(Reason::Skip, None), settings);
    }
    if let Some((code, detail)) = cannot_help(pod, container) {
        return finish(pod, Kind::Kept, Report::new(role).with_code(code, detail.as_deref()), settings);
    }
    let adopted = match adopt::adopt(pod, container, settings) {
        Ok(adopted) => adopted,
        Err(mut problem) => {
            problem.detail = secrets::masked(pod, container, &problem.detail);
            return leave(pod, role, settings, &problem);
        }
    };
    let mut work = Work::new(pod, container, role, settings, adopted);
    if skip {
        work.report.code(Reason::SkipRefused, None);
        work.report.warnings.push(format!(
            "`{}` is not allowed here: the policy's settings say `allowSkip: false`",
            annotations::SKIP
        ));
    }
    if let Err(collision) = units::apply_all(&mut work) {
        return match settings.mode {
            Mode::Shape => Outcome::rejection(&collision),
            Mode::Report => Outcome::would_reject(&collision),
        };
    }
    let report = work.report;
    let kind = if report.changes.is_empty() { Kind::Kept } else { Kind::Shaped };
    finish(pod, kind, report, settings)
}

/// Why neither shape nor launcher can do anything for the pod: a code, and what it is about.
fn cannot_help(pod: &Value, container: usize) -> Option<(Reason, Option<String>)> {
    if pod["spec"]["os"]["name"] == "windows" {
        return Some((Reason::Windows, None));
    }
    hardware::other(&pod["spec"], &pod["spec"]["containers"][container])
        .map(|reason| (Reason::OtherHardware, Some(reason)))
}

fn leave(pod: &mut Value, role: Role, settings: &Settings, problem: &NotUnderstood) -> Outcome {
    let mut report = Report::new(role).with_code(problem.code, Some(&problem.detail));
    report.warnings.push(format!("prefill pod left as it is: {}", problem.detail));
    finish(pod, Kind::NotUnderstood, report, settings)
}

fn finish(pod: &mut Value, kind: Kind, report: Report, settings: &Settings) -> Outcome {
    let (role, verdict) = (report.role, report.verdict(kind));
    let stands = pod::annotation(pod, annotations::VERDICT)
        // Where nothing is left to change, what an earlier pass wrote is the better account.
        .is_some_and(|present| present == verdict || (kind == Kind::Kept && Kind::Shaped.begins(present)));
    match settings.mode {
        Mode::Report => Outcome::reported(&verdict, report),
        Mode::Shape => {
            if !stands && pod::is_too_much(pod, annotations::VERDICT, &verdict) {
                return Outcome::unwritten(role, kind, verdict);
            }
            if !stands {
                pod::annotate(pod, annotations::VERDICT, &verdict);
            }
            Outcome::decided(verdict, report, !stands)
        }
    }
}
