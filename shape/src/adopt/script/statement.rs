//! Which statements KServe's script can contain, and the values that its last command uses.

use super::scan::Statement;
use super::vocabulary::{EXPORTED, is_finding};
use crate::environment::{LEADER_ADDRESS_MARK, LEADER_RANK_MARK, WORKER_INDEX_MARK};
use std::borrow::Cow;

/// Operators of the script's conditions and what it compares with.
const CONSTANTS: [&str; 21] = [
    "",
    "==",
    "-ge",
    "-ne",
    "]",
    "]]",
    "-f",
    "-d",
    "-n",
    "-z",
    "-gt",
    "-eq",
    "=",
    "!=",
    "=~",
    "true",
    "0",
    "1",
    "^[0-9]+\\.[0-9]+",
    "*\"--kv-transfer-config\"*",
    "*\"--kv_transfer_config\"*",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    If,
    For,
}

/// What the statements so far come to.
#[derive(Default)]
pub(super) struct Statements<'a> {
    blocks: Vec<Block>,
    /// Which of the open blocks asks for vLLM's version.
    version_gates: Vec<bool>,
    start_rank: Option<Cow<'a, str>>,
    resolves_leader: bool,
    access_log: Option<String>,
    shutdown_timeout: Option<String>,
    kv_transfer: Option<String>,
}

impl<'a> Statements<'a> {
    pub(super) fn is_top_level(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn kv_transfer(&self) -> Option<&str> {
        self.kv_transfer.as_deref()
    }

    /// What the command's `name` stands for.
    pub(super) fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "START_RANK" => self.start_rank.as_deref().map(Cow::Borrowed),
            "DP_ADDRESS" if self.resolves_leader => Some(Cow::Borrowed(LEADER_ADDRESS_MARK)),
            "ACCESS_LOG_ARGS" => self.access_log.as_deref().map(Cow::Borrowed),
            "SHUTDOWN_TIMEOUT_ARGS" => self.shutdown_timeout.as_deref().map(Cow::Borrowed),
            _ => None,
        }
    }

    /// Takes one statement; `None` where no such script contains it.
    pub(super) fn take(&mut self, statement: &Statement<'a>) -> Option<()> {
        let words = &statement.words[..];
        let in_loop = self.blocks.contains(&Block::For);
        let fits = match words {
            ["if"] => {
                self.open(Block::If);
                true
            }
            ["then" | "elif" | "else"] => self.blocks.last() == Some(&Block::If),
            ["do"] => self.blocks.last() == Some(&Block::For),
            ["fi"] => self.close() == Some(Block::If),
            ["done"] => self.close() == Some(Block::For),
            ["for", header @ ..] => {
                self.open(Block::For);
                loop_header(header)
            }
            ["echo", ..] | ["cat", "/proc/driver/nvidia/params"] => true,
            ["[" | "[[", operands @ ..] => {
                if let Some(gate) = self.version_gates.last_mut() {
                    *gate |= operands.iter().any(|operand| operand.contains("VLLM_VERSION"));
                }
                is_condition(operands)
            }
            ["grep", "-q" | "-H", pattern, files @ ..] => {
                is_pattern(pattern) && files.iter().all(|file| is_found(file) || *file == "2>/dev/null")
            }
            ["sleep", "1"] | ["break"] => in_loop,
            ["declare", "-A", name] => is_finding(name),
            ["export", assignment] => exported(assignment),
            [assignment] => return self.assign(assignment, statement.is_conditional),
            _ => false,
        };
        fits.then_some(())
    }

    fn open(&mut self, block: Block) {
        self.blocks.push(block);
        self.version_gates.push(false);
    }

    fn close(&mut self) -> Option<Block> {
        self.version_gates.pop();
        self.blocks.pop()
    }

    fn assign(&mut self, assignment: &'a str, is_conditional: bool) -> Option<()> {
        let (name, value) = assignment.split_once('=')?;
        let name = name.strip_suffix('+').unwrap_or(name);
        let name = name.split_once('[').map_or(name, |(name, _)| name);
        let gated = self.version_gates.contains(&true);
        let fits = match name {
            "KSERVE_INFER_IB_GID_INDEX_GREP" => value == "${KSERVE_INFER_IB_GID_INDEX_GREP:-\"RoCE v2\"}",
            "RESOLVE_ATTEMPTS" => value == "${DP_ADDRESS_RESOLVE_ATTEMPTS:-30}",
            "DP_ADDRESS" => {
                self.resolves_leader = true;
                let lookups =
                    ["$(getent hosts ${LWS_LEADER_ADDRESS} |", "$(getent hosts \"${LWS_LEADER_ADDRESS}\" |"];
                value.trim_matches('"') == "${LWS_LEADER_ADDRESS}"
                    || lookups.iter().any(|lookup| value.starts_with(lookup))
            }
            "VLLM_VERSION" => value.starts_with("$(vllm --version"),
            "START_RANK" => {
                let once = self.start_rank.is_none() && self.blocks.is_empty() && !is_conditional;
                self.start_rank = start_rank(value);
                once && self.start_rank.is_some()
            }
            "ACCESS_LOG_ARGS" => keep(&mut self.access_log, value, |text| {
                text == "--disable-uvicorn-access-log"
                    || (gated && is_flag_with_value(text, "--disable-access-log-for-endpoints "))
            }),
            "SHUTDOWN_TIMEOUT_ARGS" => keep(&mut self.shutdown_timeout, value, |text| {
                gated && is_flag_with_value(text, "--shutdown-timeout ")
            }),
            "KV_TRANSFER_ARGS" => keep(&mut self.kv_transfer, value, |text| {
                gated && text.starts_with("--kv-transfer-config '{")
            }),
            // Index 3 breaks a tie between others; anywhere else somebody forces it.
            "best_gid_index" if value.trim_matches(['"', '\'']) == "3" => self.blocks.len() >= 3,
            name => is_finding(name) && is_found(value),
        };
        fits.then_some(())
    }
}

/// Whether `value` is found out, or where finding starts. A value that somebody wrote (a device
/// name, another port) would be lost.
fn is_found(value: &str) -> bool {
    let starts = ["()", "\"\"", "0"].contains(&value);
    let list = value.strip_prefix('(').and_then(|value| value.strip_suffix(')'));
    starts || list.map_or_else(|| is_found_item(value), |list| list.split_whitespace().all(is_found_item))
}

/// What is read, with nothing added that KServe does not add.
fn is_found_item(item: &str) -> bool {
    const READERS: [&str; 4] = ["$(basename \"$", "$(cat \"$", "$(IFS=,; echo \"${", "$(("];
    const PLACES: [&str; 3] = ["/ports/1/state", "/ports/1/gid_attrs/types/*", "/ports/1/gids/${idx}"];
    const EVERYWHERE: [&str; 2] =
        ["/sys/class/infiniband/*/ports/*/gids/*", "/sys/class/infiniband/*/ports/*/gid_attrs/types/*"];
    if READERS.iter().any(|reader| item.trim_start_matches('"').starts_with(reader)) {
        return true;
    }
    let item = item.trim_matches('"');
    let tail = item.strip_prefix("/sys/class/infiniband/").unwrap_or(item);
    let Some(behind) = behind_variable(tail) else { return EVERYWHERE.contains(&item) };
    behind.is_empty() || behind == ":1" || PLACES.contains(&behind)
}

/// What follows the variable at the start of `text`; `None` where there is none.
fn behind_variable(text: &str) -> Option<&str> {
    let body = text.strip_prefix('$')?;
    if body.starts_with('{') {
        let mut depth = 0;
        let end = body.bytes().position(|byte| {
            depth += i32::from(byte == b'{') - i32::from(byte == b'}');
            depth == 0
        })?;
        return Some(&body[end + 1..]);
    }
    Some(body.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// Whether a condition of the script can be this: variables, operators, and the few constants it
/// compares with. A device name cannot.
fn is_condition(operands: &[&str]) -> bool {
    let asks = operands.iter().any(|operand| operand.contains('$'));
    let detects = operands.iter().any(|operand| operand.contains("KSERVE_INFER_ROCE"));
    let asks_as_kserve = match operands {
        [_, "=" | "==", value, _] => value.trim_matches(['"', '\'']) == "true",
        _ => false,
    };
    asks && (!detects || asks_as_kserve) && operands.iter().all(|operand| is_operand(operand))
}

fn is_operand(operand: &str) -> bool {
    let text = operand.trim_matches(['"', '\'']);
    let is_version =
        || text.split('.').count() == 3 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.starts_with('$') || CONSTANTS.contains(&text) || is_version()
}

fn is_pattern(pattern: &str) -> bool {
    let text = pattern.trim_matches(['"', '\'']);
    [".", "ACTIVE", "ffff:", "${KSERVE_INFER_IB_GID_INDEX_GREP}"].contains(&text)
}

fn loop_header(header: &[&str]) -> bool {
    match header {
        [arithmetic] => *arithmetic == "((i=1; i<=RESOLVE_ATTEMPTS; i++))",
        ["hca_dir", "in", list] => *list == "/sys/class/infiniband/mlx5_*",
        [name, "in", list] => is_finding(name) && is_found(list),
        _ => false,
    }
}

/// `NAME=${NAME:-$found}`: the environment wins over what was found, and nothing is added to that.
fn exported(assignment: &str) -> bool {
    let Some((name, value)) = assignment.split_once('=') else { return false };
    let default = value
        .strip_prefix("${")
        .and_then(|value| value.strip_prefix(name))
        .and_then(|value| value.strip_prefix(":-$"))
        .and_then(|value| value.strip_suffix('}'));
    let found = default.map(|default| {
        default.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(default)
    });
    EXPORTED.contains(&name) && found.is_some_and(|found| is_finding(found) || EXPORTED.contains(&found))
}

/// `0` as the mark of KServe's leader, or `LWS_WORKER_INDEX` times a number as the mark `INDEX:NUMBER`.
fn start_rank(value: &str) -> Option<Cow<'_, str>> {
    if value == "0" {
        return Some(Cow::Borrowed(LEADER_RANK_MARK));
    }
    let product = value.strip_prefix("$((")?.strip_suffix("))")?;
    let (index, factor) = product.split_once('*')?;
    let factor: u32 = factor.trim().parse().ok()?;
    let index = index.trim();
    (index == "${LWS_WORKER_INDEX:-0}" || index == "LWS_WORKER_INDEX")
        .then(|| Cow::Owned(format!("{WORKER_INDEX_MARK}:{factor}")))
}

fn is_flag_with_value(text: &str, flag: &str) -> bool {
    text.strip_prefix(flag).is_some_and(|value| !value.is_empty() && !value.contains(' '))
}

/// Keeps the text of `value` where it is empty or fits; the last that is not empty counts, as the
/// script only replaces a default by what this vLLM can do.
fn keep(kept: &mut Option<String>, value: &str, fits: impl Fn(&str) -> bool) -> bool {
    let Some(text) = literal(value) else { return false };
    if text.is_empty() {
        kept.get_or_insert_default();
        return true;
    }
    let fits = fits(&text);
    *kept = Some(text);
    fits
}

/// The text of a value in double quotes in which nothing is expanded.
fn literal(value: &str) -> Option<String> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                escaped @ ('"' | '\\' | '$' | '`') => text.push(escaped),
                other => text.extend(['\\', other]),
            },
            '"' | '$' | '`' => return None,
            other => text.push(other),
        }
    }
    Some(text)
}
