//! A plan in words. `plan` prints these lines, `run` logs them.

use super::gids::label;
use super::plan::{Decision, Plan};
use prefill_core::excerpt::{shell_word, value as shown};

/// What one line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A decision.
    Info,
    /// Something that may go wrong.
    Warning,
    /// Something that keeps the pod from starting.
    Error,
}

/// The plan, one decision a line.
pub fn lines(plan: &Plan) -> Vec<(Level, String)> {
    let mut lines = Vec::new();
    if let Some(reason) = &plan.off {
        lines.push((Level::Info, format!("NICs are not looked for: {reason}")));
    }
    for kept in &plan.kept {
        lines.push((Level::Info, format!("use `{}`: {}", label(&kept.device, kept.port), kept.reason)));
    }
    for excluded in &plan.excluded {
        let name =
            excluded.port.map_or_else(|| excluded.device.clone(), |port| label(&excluded.device, port));
        lines.push((Level::Info, format!("skip `{name}`: {}", excluded.reason)));
    }
    for note in &plan.notes {
        lines.push((Level::Info, note.clone()));
    }
    for variable in &plan.variables {
        let name = variable.name;
        let text = match &variable.decision {
            Decision::Set(value) => format!("set {name}={value}: {}", variable.reason),
            Decision::Kept(value) => format!("keep {name}={}: {}", shown(value), variable.reason),
            Decision::Withheld => format!("leave {name} unset: {}", variable.reason),
            Decision::Removed => {
                format!(
                    "remove {name}, which is empty (NVSHMEM reads that as 0, UCX as none): {}",
                    variable.reason
                )
            }
        };
        lines.push((Level::Info, text));
    }
    lines.extend(plan.warnings.iter().map(|warning| (Level::Warning, warning.text.clone())));
    if let Some(failure) = &plan.failure {
        lines.push((Level::Error, failure.clone()));
    }
    lines
}

/// The variables that are set, one `NAME=value` a line, as a POSIX shell reads it.
pub fn environment(plan: &Plan) -> String {
    let line = |(name, value)| format!("{name}={}\n", shell_word(value));
    plan.environment().map(line).collect::<Vec<_>>().concat()
}
