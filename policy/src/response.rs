//! The answer to the policy server, and the one log line about a recognised pod.

use kubewarden_policy_sdk::response::ValidationResponse;
use kubewarden_policy_sdk::wapc_guest::CallResult;
use prefill_shape::verdict::Outcome;
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;

/// The API server truncates warnings beyond 256 characters.
const LONGEST_WARNING: usize = 200;

/// What kubectl shows when a pod contradicts itself: 422, Unprocessable Entity.
const UNPROCESSABLE: u16 = 422;

/// The answer that `outcome` stands for; `pod` is used where it was changed.
pub(crate) fn answer(pod: Value, outcome: Outcome, size: usize) -> CallResult {
    let mut audit = HashMap::new();
    if let Some(verdict) = outcome.verdict {
        audit.insert("verdict".to_owned(), verdict);
    }
    if let Some(changes) = outcome.changes {
        audit.insert("changes".to_owned(), changes);
    }
    let response = ValidationResponse {
        accepted: outcome.rejection.is_none(),
        code: outcome.rejection.is_some().then_some(UNPROCESSABLE),
        message: outcome.rejection,
        mutated_object: outcome.mutated.then_some(pod),
        audit_annotations: (!audit.is_empty()).then_some(audit),
        warnings: (!outcome.warnings.is_empty()).then_some(outcome.warnings),
    };
    // About as large as the request: room is taken once.
    let mut bytes = Vec::with_capacity(size);
    serde_json::to_writer(&mut bytes, &response)?;
    Ok(bytes)
}

/// Accepts what cannot be read. A parser's message can quote any part of the request, so it is cut.
pub(crate) fn accept_with_warning(warning: &str) -> CallResult {
    let warning: String = warning.chars().take(LONGEST_WARNING).collect();
    let outcome = Outcome { warnings: vec![format!("left as it is: {warning}")], ..Outcome::default() };
    answer(Value::Null, outcome, 0)
}

/// A record as the policy server takes it; members it does not know are shown beside the message.
#[derive(Serialize)]
struct Line<'a> {
    level: &'static str,
    message: &'a str,
    namespace: &'a Value,
    pod: &'a Value,
}

/// Logs what was found and decided. A pod that is not ours gets no line.
pub(crate) fn log(pod: &Value, outcome: &Outcome) {
    let (level, text) = match (&outcome.rejection, &outcome.verdict) {
        (Some(collision), _) => ("warn", format!("rejected: {collision}")),
        (None, Some(verdict)) => ("info", verdict.clone()),
        (None, None) => return,
    };
    let metadata = &pod["metadata"];
    let name = if metadata["name"].is_null() { &metadata["generateName"] } else { &metadata["name"] };
    let line = Line { level, message: &text, namespace: &metadata["namespace"], pod: name };
    #[cfg(target_arch = "wasm32")]
    {
        use kubewarden_policy_sdk::wapc_guest::host_call;
        // A host that takes no log line is no reason to refuse a pod.
        let _ = serde_json::to_vec(&line).map(|line| host_call("kubewarden", "tracing", "log", &line));
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = line;
}
