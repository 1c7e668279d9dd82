//! What authors and administrators are told: the verdict annotation, warnings, audit annotations.

use crate::reason::Reason;
use crate::role::Role;
use crate::unit::Unit;
use std::borrow::Cow;
use std::fmt::Write as _;

/// What became of a recognised pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// At least one unit was changed.
    Shaped,
    /// Nothing had to change.
    Kept,
    /// The pod was left wholly alone.
    NotUnderstood,
}

impl Kind {
    /// The words that begin a verdict.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Shaped => "shaped",
            Kind::Kept => "kept",
            Kind::NotUnderstood => "not understood",
        }
    }

    pub(crate) fn begins(self, verdict: &str) -> bool {
        verdict.strip_prefix(self.words()).is_some_and(|rest| rest.starts_with(':'))
    }
}

/// One change to the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// JSON pointer of what changed.
    pub path: String,
    /// The unit it belongs to.
    pub unit: Unit,
    /// Why.
    pub why: Cow<'static, str>,
}

/// What was done to one pod, and why.
#[derive(Clone, Debug)]
pub struct Report {
    pub(crate) role: Role,
    /// Every change.
    pub changes: Vec<Change>,
    /// Reason codes, each with what it is about.
    codes: Vec<(Reason, Option<String>)>,
    /// What the pod's author should act on.
    pub warnings: Vec<String>,
}

impl Report {
    pub(crate) fn new(role: Role) -> Self {
        Self { role, changes: Vec::new(), codes: Vec::new(), warnings: Vec::new() }
    }

    pub(crate) fn code(&mut self, code: Reason, detail: Option<&str>) {
        self.codes.push((code, detail.map(str::to_owned)));
    }

    pub(crate) fn with_code(mut self, code: Reason, detail: Option<&str>) -> Self {
        self.code(code, detail);
        self
    }

    /// `shaped: leader; image-replaced (was …); …`: stable codes, no version and no time, so that
    /// a second pass writes the same.
    pub(crate) fn verdict(&self, kind: Kind) -> String {
        let mut text = format!("{}: {}", kind.words(), self.role.name());
        for (code, detail) in &self.codes {
            let _ = write!(text, "; {}", code.name());
            if let Some(detail) = detail {
                let _ = write!(text, " ({detail})");
            }
        }
        text
    }

    /// A line for each change: `unit path: why`.
    fn changes(&self) -> Option<String> {
        let mut text = String::with_capacity(self.changes.len() * 96);
        for change in &self.changes {
            if !text.is_empty() {
                text.push('\n');
            }
            for part in [change.unit.name(), " ", &change.path, ": ", &change.why] {
                text.push_str(part);
            }
        }
        (!text.is_empty()).then_some(text)
    }
}

/// The answer about one pod.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whether the pod given was changed and is to be used.
    pub mutated: bool,
    /// Why the pod is refused.
    pub rejection: Option<String>,
    /// The verdict; none where the pod is not ours.
    pub verdict: Option<String>,
    /// What the pod's author should act on.
    pub warnings: Vec<String>,
    /// A line for each change, `unit path: why`, for audit logs.
    pub changes: Option<String>,
}

impl Outcome {
    pub(crate) fn not_ours() -> Self {
        Self::default()
    }

    pub(crate) fn unreadable(problem: &str) -> Self {
        let text = format!("{}: {} ({problem})", Kind::NotUnderstood.words(), Reason::Unreadable.name());
        Self {
            warnings: vec![format!("prefill pod left as it is: {problem}")],
            verdict: Some(text),
            ..Self::default()
        }
    }

    /// For a pod that has no room for one more annotation: nothing is changed, and only the audit says so.
    pub(crate) fn unwritten(role: Role, kind: Kind, verdict: String) -> Self {
        let full = || Report::new(role).with_code(Reason::AnnotationsFull, None).verdict(Kind::Kept);
        Self { verdict: Some(if kind == Kind::Shaped { full() } else { verdict }), ..Self::default() }
    }

    pub(crate) fn rejection(collision: &str) -> Self {
        Self { rejection: Some(collision.to_owned()), ..Self::default() }
    }

    pub(crate) fn would_reject(collision: &str) -> Self {
        let text = format!("would be rejected: {collision}");
        let warnings = vec![format!("report only, {text}")];
        Self { verdict: Some(format!("report: {text}")), warnings, ..Self::default() }
    }

    pub(crate) fn reported(verdict: &str, report: Report) -> Self {
        let mut warnings = vec![format!("report only, would be {verdict}")];
        let changes = report.changes();
        warnings.extend(report.warnings);
        Self { verdict: Some(format!("report: {verdict}")), warnings, changes, ..Self::default() }
    }

    pub(crate) fn decided(verdict: String, report: Report, mutated: bool) -> Self {
        let changes = report.changes();
        Self {
            mutated: mutated || changes.is_some(),
            verdict: Some(verdict),
            warnings: report.warnings,
            changes,
            rejection: None,
        }
    }
}
