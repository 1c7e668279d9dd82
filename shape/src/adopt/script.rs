//! KServe's start script. Every statement before the final `eval "vllm serve …"` must be one that
//! such a script can contain: it looks for NICs, resolves the leader, asks for vLLM's version, and
//! keeps what it finds in variables of its own. All of that is the launcher's work now, so that
//! leaving it out loses nothing. Anything else is the author's, and the script stays.
//!
//! - `scan`: bytes to statements and words; commands inside `$( … )` are checked on the way.
//! - `vocabulary`: the script's variables.
//! - `statement`: which statements KServe's script can contain, and the values kept from them.

mod scan;
mod statement;
mod vocabulary;

use super::words::{self, ADDITIONAL_MARK, ARGUMENTS_MARK, is_plain};
use crate::environment::LEADER_ADDRESS_MARK;
use crate::reason::NotUnderstood;
use crate::reason::Reason;
use prefill_core::environment::{LWS_LEADER_ADDRESS, VLLM_ADDITIONAL_ARGS, VLLM_API_SERVER_COUNT};
use prefill_core::excerpt::{excerpt, excerpt_at, excerpt_of_line};
use scan::Scanner;
use statement::Statements;

/// What a script comes to.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// The command line that bash would run, variables replaced, for [`words::split`].
    pub(crate) command: String,
    /// Whether the script hands its arguments (`$@`) to vLLM.
    pub(crate) reads_arguments: bool,
    /// `--kv-transfer-config` for when the user gives none.
    pub(crate) kv_transfer: Option<String>,
}

/// Reads `text`, which the kubelet has expanded.
pub(crate) fn read(text: &str) -> Result<Script, NotUnderstood> {
    let mut scanner = Scanner::new(text);
    let mut statements = Statements::default();
    loop {
        scanner.skip_between_statements();
        let start = scanner.position();
        let not_kserve = |from: usize| {
            let found = excerpt_of_line(text, from);
            NotUnderstood::new(Reason::ScriptStatement, format!("KServe's script has no statement `{found}`"))
        };
        if scanner.is_at_end() {
            return Err(NotUnderstood::new(
                Reason::ScriptCommand,
                "the script does not end in `eval \"vllm serve …\"`",
            ));
        }
        let Ok(statement) = scanner.statement() else {
            // A statement can have many lines; the one at fault is shown.
            let line = text.as_bytes()[start..scanner.position()]
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(start, |at| start + at + 1);
            return Err(not_kserve(line));
        };
        if statement.words.first() == Some(&"eval") && statements.is_top_level() && !statement.is_conditional
        {
            scanner.skip_between_statements();
            if !scanner.is_at_end() {
                let found = excerpt_of_line(text, scanner.position());
                return Err(NotUnderstood::new(
                    Reason::ScriptStatement,
                    format!("`{found}` follows `vllm serve`"),
                ));
            }
            return finish(&statement.words[1..], &statements);
        }
        statements.take(&statement).ok_or_else(|| not_kserve(start))?;
    }
}

fn finish(words: &[&str], statements: &Statements<'_>) -> Result<Script, NotUnderstood> {
    let mut script = Script::default();
    for word in words {
        if !script.command.is_empty() {
            script.command.push(' ');
        }
        evaluate(word, statements, &mut script)?;
    }
    if let Some(text) = script.kv_transfer.take().filter(|text| !text.trim().is_empty()) {
        script.kv_transfer = match &words::split(&text, &[])?[..] {
            [flag, json] if flag == "--kv-transfer-config" => Some(json.clone()),
            _ => {
                let found = excerpt(&text);
                return Err(NotUnderstood::new(
                    Reason::ScriptStatement,
                    format!("KV_TRANSFER_ARGS is `{found}`"),
                ));
            }
        };
    }
    Ok(script)
}

/// What bash makes of one word of `eval`: quotes removed, variables replaced.
fn evaluate(word: &str, statements: &Statements<'_>, script: &mut Script) -> Result<(), NotUnderstood> {
    let bytes = word.as_bytes();
    let refuse = |at: usize| {
        NotUnderstood::new(
            Reason::ScriptCommand,
            format!("bash would expand `{}` in the command", excerpt_at(word, at..word.len())),
        )
    };
    let mut quoted = false;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                quoted = !quoted;
                at += 1;
            }
            b'\\' => {
                match bytes.get(at + 1) {
                    Some(b'\n') => {}
                    Some(next @ (b'"' | b'\\' | b'$' | b'`')) if quoted => {
                        script.command.push(char::from(*next));
                    }
                    Some(_) if quoted => {
                        script.command.push('\\');
                        at += 1;
                        continue;
                    }
                    _ => return Err(refuse(at)),
                }
                at += 2;
            }
            b'$' => {
                let (name, default, length) = variable(&word[at..]).ok_or_else(|| refuse(at))?;
                replace(name, default, statements, script).ok_or_else(|| refuse(at))?;
                at += length;
            }
            byte if quoted && byte != b'`' || is_plain(byte) => {
                let end = (at..bytes.len())
                    .find(|end| {
                        matches!(bytes[*end], b'"' | b'\\' | b'$' | b'`')
                            || (!quoted && !is_plain(bytes[*end]))
                    })
                    .unwrap_or(bytes.len());
                script.command.push_str(&word[at..end]);
                at = end;
            }
            _ => return Err(refuse(at)),
        }
    }
    Ok(())
}

/// `$NAME`, `${NAME}`, `${NAME:-default}` or `$@` at the start of `text`, and its length.
fn variable(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let body = &text[1..];
    if body.starts_with('@') {
        return Some(("@", None, 2));
    }
    if let Some(inner) = body.strip_prefix('{') {
        let end = inner.find('}')?;
        let (name, default) = match inner[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inner[..end], None),
        };
        return Some((name, default, end + 3));
    }
    let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
    (end > 0).then(|| (&body[..end], None, end + 1))
}

/// Puts what `name` stands for into the command.
fn replace(
    name: &str,
    default: Option<&str>,
    statements: &Statements<'_>,
    script: &mut Script,
) -> Option<()> {
    match (name, default) {
        ("@", None) => {
            script.reads_arguments = true;
            script.command.push_str(ARGUMENTS_MARK);
        }
        (VLLM_ADDITIONAL_ARGS, None | Some("")) => script.command.push_str(ADDITIONAL_MARK),
        (VLLM_API_SERVER_COUNT, Some(default)) => {
            for part in ["\u{1}", VLLM_API_SERVER_COUNT, ":", default, "\u{1}"] {
                script.command.push_str(part);
            }
        }
        (LWS_LEADER_ADDRESS, None) => script.command.push_str(LEADER_ADDRESS_MARK),
        ("KV_TRANSFER_ARGS", None) => script.kv_transfer = Some(statements.kv_transfer()?.to_owned()),
        (name, None) => script.command.push_str(&statements.value(name)?),
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests;
