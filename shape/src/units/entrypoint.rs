//! Command and arguments: the launcher, and what it is told.

use super::{Collision, Work, delivery};
use crate::verdict::Unit;
use prefill_core::contract;
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>) -> Result<(), Collision> {
    if !work.writes_entrypoint() {
        return Ok(());
    }
    let Some(launch) = work.launch.clone() else { return Ok(()) };
    let command = delivery::deliver(work)?;
    let why = match work.source {
        "kserve-script" => "KServe's script is replaced by the launcher, which is told what the script said",
        "vllm-serve" => "the launcher starts vLLM with the same arguments",
        _ => "the pod names no command; annotations and settings say what to serve",
    };
    work.set(Unit::Entrypoint, "command", Value::from(vec![command]), why);
    work.set(Unit::Entrypoint, "args", Value::from(contract::render(&launch)), why);
    work.code(Unit::Entrypoint, "adopted", Some(work.source));
    Ok(())
}
