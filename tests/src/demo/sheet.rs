//! The sheet of one pod: hunks with the reasons at their changes, then the verdict and the warnings.
//!
//! A hunk has no unchanged lines around it: its head says where in the pod it is, in fewer of them.

use super::reasons::{self, Reason};
use super::yaml::{self, Line};
use serde_json::Value;
use similar::{Algorithm, DiffTag, capture_diff_slices};

/// No row is wider.
pub const WIDTH: usize = 100;

/// What a row is, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Which pod, or which place in it.
    Head,
    /// Why the lines below it differ.
    Reason,
    /// A line that is no more.
    Removed,
    /// A line that is new.
    Added,
    /// The verdict.
    Verdict,
    /// What the pod's author should act on.
    Warning,
}

/// A row of the sheet.
#[derive(Debug)]
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// What it says, at most `WIDTH` columns.
    pub text: String,
}

/// What the policy's answer does to `before`. A change that nobody explained is an error.
pub fn sheet(before: &Value, response: &Value) -> Result<Vec<Row>, String> {
    let after = response.get("mutated_object").filter(|object| !object.is_null()).unwrap_or(before);
    let audit = &response["audit_annotations"];
    let reasons = reasons::read(audit["changes"].as_str().unwrap_or_default());
    let mut rows = hunks(before, after, &reasons)?;
    if let Some(message) = response["message"].as_str() {
        wrap(&mut rows, Kind::Warning, "rejected: ", message);
    }
    if let Some(verdict) = audit["verdict"].as_str() {
        wrap(&mut rows, Kind::Verdict, "verdict: ", verdict);
    }
    for warning in response["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        wrap(&mut rows, Kind::Warning, "warning: ", warning);
    }
    Ok(rows)
}

fn hunks(before: &Value, after: &Value, reasons: &[Reason<'_>]) -> Result<Vec<Row>, String> {
    let (old, new) = yaml::lines(before, after);
    let keys = |lines: &[Line]| -> Vec<String> { lines.iter().map(|line| line.key.clone()).collect() };
    let changes = capture_diff_slices(Algorithm::Myers, &keys(&old), &keys(&new));
    let mut rows = Vec::new();
    let (mut place, mut told) = ("", Vec::new());
    for change in changes.iter().filter(|change| change.tag() != DiffTag::Equal) {
        let (gone, come) = (&old[change.old_range()], &new[change.new_range()]);
        let here = gone.first().or(come.first()).map_or("", |line| line.place.as_str());
        if rows.is_empty() || here != place {
            place = here;
            told.clear();
            rows.push(row(Kind::Head, &format!("@@ {here} @@"), None));
        }
        changed(&mut rows, Kind::Removed, gone, reasons, &mut told)?;
        changed(&mut rows, Kind::Added, come, reasons, &mut told)?;
    }
    Ok(rows)
}

/// The lines of one change; a reason is said where it begins to hold.
fn changed<'a>(
    rows: &mut Vec<Row>,
    kind: Kind,
    lines: &[Line],
    reasons: &'a [Reason<'_>],
    told: &mut Vec<&'a str>,
) -> Result<(), String> {
    for (at, line) in lines.iter().enumerate() {
        // The head of a block is there for what stands in it.
        let shows = lines[at..].iter().find(|line| !line.pointers.is_empty());
        let mut why: Vec<&str> = Vec::new();
        for pointer in shows.map_or(&[][..], |line| &line.pointers) {
            let found = reasons::of(reasons, pointer);
            if found.is_empty() {
                return Err(format!("no reason for {pointer}"));
            }
            for words in found {
                if !why.contains(&words) {
                    why.push(words);
                }
            }
        }
        if !why.is_empty() && why != *told {
            for words in &why {
                wrap(rows, Kind::Reason, "# ", words);
            }
            *told = why;
        }
        rows.push(shown(kind, line));
    }
    Ok(())
}

fn shown(kind: Kind, line: &Line) -> Row {
    let mark = if kind == Kind::Removed { '-' } else { '+' };
    row(kind, &format!("{mark}{}", line.text), line.folded)
}

/// A row, cut where it is too wide, with the number of lines it stands for.
fn row(kind: Kind, text: &str, folded: Option<usize>) -> Row {
    let tail = folded.map(|count| format!("  # {count} lines")).unwrap_or_default();
    let room = WIDTH - tail.len();
    let text = if text.chars().count() <= room {
        text.to_owned()
    } else {
        text.chars().take(room - 1).chain(['…']).collect()
    };
    Row { kind, text: text + &tail }
}

/// `text` behind `head`, over as many rows as it needs, broken between words.
fn wrap(rows: &mut Vec<Row>, kind: Kind, head: &str, text: &str) {
    let margin = if kind == Kind::Reason { head.to_owned() } else { "  ".to_owned() };
    let mut line = head.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            rows.push(row(kind, &std::mem::replace(&mut line, margin.clone()), None));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    rows.push(row(kind, &line, None));
}
