//! Command and arguments: the launcher, and what it is told.

use super::delivery;
use crate::adopt::Source;
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::Work;
use prefill_core::contract;
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>) {
    if !work.wants_entrypoint() {
        return;
    }
    if let Some(reason) = work.undeliverable.clone() {
        work.report.warnings.push(format!("the entrypoint of this prefill pod is left as it is: {reason}"));
        return work.code(Unit::Entrypoint, Fate::Withheld, Some(&reason));
    }
    let command = delivery::deliver(work);
    let why = match work.source {
        Source::KserveScript => {
            "KServe's script is replaced by the launcher, which is told what the script said"
        }
        Source::VllmServe => "the launcher starts vLLM with the same arguments",
        Source::AnnotationsAndSettings => {
            "the pod names no command; annotations and settings say what to serve"
        }
    };
    let arguments = contract::render(&work.launch);
    work.set(Unit::Entrypoint, "command", Value::from(vec![command]), why);
    work.set(Unit::Entrypoint, "args", Value::from(arguments), why);
    work.code(Unit::Entrypoint, Fate::Adopted, Some(work.source.name()));
}
