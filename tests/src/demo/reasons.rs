//! The reasons of the audit annotation `changes`: a line `unit path: why` for each.

/// One reason, and what it is the reason of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason<'a> {
    path: &'a str,
    /// `unit: why`
    pub(super) words: String,
}

/// The annotations that the policy itself writes have no line in the audit.
const OWN: &str = "/metadata/annotations/llm-d-prefill.io~1";

pub(super) fn read(changes: &str) -> Vec<Reason<'_>> {
    let own = Reason { path: OWN, words: "verdict: for whoever looks at the pod later".to_owned() };
    let line = |line| {
        let (unit, rest) = str::split_once(line, " ")?;
        let (path, why) = rest.split_once(": ")?;
        Some(Reason { path, words: format!("{unit}: {why}") })
    };
    std::iter::once(own).chain(changes.lines().filter_map(line)).collect()
}

impl Reason<'_> {
    fn covers(&self, pointer: &str) -> bool {
        let below = pointer.strip_prefix(self.path);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path == OWN)
    }
}

/// The most particular reasons for the value at `pointer`; none means that nobody explained it.
pub(super) fn of<'a>(reasons: &'a [Reason<'_>], pointer: &str) -> Vec<&'a str> {
    let covering = || reasons.iter().filter(|reason| reason.covers(pointer));
    let longest = covering().map(|reason| reason.path.len()).max();
    covering()
        .filter(|reason| Some(reason.path.len()) == longest)
        .map(|reason| reason.words.as_str())
        .collect()
}
