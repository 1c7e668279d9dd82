//! Command and arguments: the launcher, and what it is told.

use super::{Work, delivery};
use crate::verdict::Unit;
use prefill_core::contract;
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>) {
    if !work.wants_entrypoint() {
        return;
    }
    if let Some(reason) = work.undeliverable.clone() {
        work.report.warnings.push(format!("the entrypoint of this prefill pod is left as it is: {reason}"));
        return work.code(Unit::Entrypoint, "withheld", Some(&reason));
    }
    let command = delivery::deliver(work);
    let why = match work.source {
        "kserve-script" => "KServe's script is replaced by the launcher, which is told what the script said",
        "vllm-serve" => "the launcher starts vLLM with the same arguments",
        _ => "the pod names no command; annotations and settings say what to serve",
    };
    let arguments = contract::render(&work.launch);
    work.set(Unit::Entrypoint, "command", Value::from(vec![command]), why);
    work.set(Unit::Entrypoint, "args", Value::from(arguments), why);
    work.code(Unit::Entrypoint, "adopted", Some(work.source));
}
