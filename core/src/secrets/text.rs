//! Secrets in text: where the value of each name stands that [`is_secret`] knows, in a shell's grammar, JSON, YAML and
//! headers alike, and what is a secret by its own looks.
//!
//! The text is anybody's, and may be cut, quoted twice or broken. So nothing is parsed: behind a name of a secret,
//! what may be its value is one, up to where it surely ends.

mod value;

use super::{is_secret, recognise};
use std::ops::Range;

/// The secrets in a text, in order: where each stands. Each byte is looked at a fixed number of times.
#[derive(Debug)]
pub struct Secrets<'a> {
    text: &'a str,
    at: usize,
    /// Whether names count, or only what is a secret by its own looks.
    names: bool,
}

impl<'a> Secrets<'a> {
    /// All secrets in `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, names: true }
    }

    /// Only what is a secret by its own looks: tokens, passwords in URLs, keys.
    pub fn recognisable(text: &'a str) -> Self {
        Self { text, at: 0, names: false }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// What is secret about the name or word at `run`.
    fn secret(&self, run: &Range<usize>) -> Option<Range<usize>> {
        let word = &self.text[run.clone()];
        if word.starts_with("-----BEGIN") {
            return Some(run.start..self.end_of_block(run.end));
        }
        if recognise::is_token(word) {
            // A name may look like a token (`hf_my_api_key`).
            let value = Some(run).filter(|_| self.names && is_secret(word)).and_then(|run| self.value(run));
            return Some(run.start..value.map_or(run.end, |value| value.end));
        }
        if let Some(rest) = self.text[run.end..].strip_prefix("://") {
            let start = run.end + "://".len();
            return recognise::user(rest).map(|length| start..start + length);
        }
        if !self.names {
            return None;
        }
        if matches!(word, "-u" | "-U" | "--user" | "--proxy-user")
            || is_user_in_one_word(word, self.byte(run.end))
        {
            return self.user_of_curl(run);
        }
        if let Some(name) = self.reference(run) {
            return self.behind_reference(run, &name);
        }
        if is_secret(word) { self.value(run) } else { None }
    }

    /// Where a block in PEM ends.
    fn end_of_block(&self, from: usize) -> usize {
        let end = self.text[from..].find("-----END").map(|at| from + at + "-----END".len());
        let end = end.and_then(|end| self.text[end..].find("-----").map(|at| end + at + "-----".len()));
        end.unwrap_or(self.text.len())
    }

    /// `-u user:password`
    fn user_of_curl(&self, run: &Range<usize>) -> Option<Range<usize>> {
        let start = self.behind_blanks(run.end + usize::from(self.byte(run.end) == Some(b'=')));
        let end = self.end_of_word(start);
        let start = if self.byte(run.end) == Some(b':') { run.end } else { start };
        // Where a quote is not closed, it is not looked for again.
        let may_hold = |word: &str| {
            word.contains(':') || (end == self.text.len() && word.contains(['"', '\'', '`', '(']))
        };
        may_hold(&self.text[start..end]).then_some(start..end)
    }

    /// The name in `$NAME`, `${NAME…` and the kubelet's `$(NAME)`; `$(` may also begin a command.
    fn reference(&self, run: &Range<usize>) -> Option<Range<usize>> {
        let before = &self.text.as_bytes()[..run.start];
        let kubelet = before.ends_with(b"$(") && self.byte(run.end) == Some(b')');
        let is_of_variable = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let length = self.text.as_bytes()[run.clone()].iter().take_while(|byte| is_of_variable(byte)).count();
        let name = run.start..run.start + length;
        let counts = name == *run || is_secret(&self.text[name.clone()]);
        (counts && (kubelet || before.ends_with(b"${") || before.ends_with(b"$"))).then_some(name)
    }

    /// A reference shows nothing, but `${NAME:-default}` and what it is compared with do.
    fn behind_reference(&self, run: &Range<usize>, name: &Range<usize>) -> Option<Range<usize>> {
        if !is_secret(&self.text[name.clone()]) {
            return None;
        }
        let open = run.start - 1;
        if self.byte(open) == Some(b'{') && self.byte(name.end).is_some_and(|byte| byte != b'}') {
            return Some(name.end..self.end_of_brackets(open));
        }
        self.compared(run.end)
    }

    /// `[ "$NAME" = value ]`
    fn compared(&self, end: usize) -> Option<Range<usize>> {
        let behind = self.behind_closers(end);
        let operator = self.behind_blanks(behind);
        let start = self.behind_operator(operator).filter(|at| self.text[operator..*at].contains('='))?;
        let start = self.behind_blanks(start);
        let end = self.end_of_word(start);
        (end > start).then_some(start..end)
    }
}

impl Iterator for Secrets<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            if !is_of_name(bytes[self.at]) {
                self.at += 1;
                continue;
            }
            let length = bytes[self.at..].iter().take_while(|byte| is_of_name(**byte)).count();
            let run = self.at..self.at + length;
            self.at = run.end;
            if let Some(secret) = self.secret(&run) {
                // Never backwards, and never the same again.
                self.at = secret.end.max(run.end);
                return Some(secret);
            }
        }
        None
    }
}

/// `-uuser:password`
fn is_user_in_one_word(word: &str, next: Option<u8>) -> bool {
    word.starts_with("-u") && next == Some(b':')
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

#[cfg(test)]
mod tests;
