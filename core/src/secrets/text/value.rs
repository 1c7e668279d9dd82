//! What follows a name of a secret, and where it ends.

use super::{Secrets, is_secret};
use std::ops::Range;

impl Secrets<'_> {
    /// The value of the secret whose name stands at `run`.
    pub(super) fn value(&self, run: &Range<usize>) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let quote = run.start.checked_sub(1).map(|at| bytes[at]).filter(|byte| is_quote(*byte));
        let closed = self.behind_closers(run.end);
        let is_quoted = quote.is_some() && closed > run.end;
        let next = self.behind_blanks(closed);
        if let Some(value) = self.behind_operator(next) {
            return self.assigned(value, quote.filter(|_| !is_quoted), is_quoted);
        }
        // Behind a blank it is the value's own.
        let listed = next == closed && self.byte(next) == Some(b',');
        // `TOKEN'x y'`
        if quote.is_none() && !listed && next == closed && self.byte(run.end).is_some_and(is_quote) {
            return self.word(run.end);
        }
        let next = if listed { self.behind_blanks_and_commas(next) } else { next };
        // `{"name": "HF_TOKEN", "value": "x"}`, and the same in YAML.
        if let Some(value) = self.behind_word_value(next) {
            return self.assigned(value, None, is_quoted);
        }
        if self.text[run.clone()].starts_with('-') {
            return self.values_of_flag(next);
        }
        let of_path = run.start > 0 && bytes[run.start - 1] == b'/';
        let same_line = !self.text[closed..next].contains('\n') && (next > closed || listed);
        if same_line && !of_path { self.bare(next) } else { None }
    }

    /// What is assigned or mapped; `quote` is the one that stands before the name and is still open.
    fn assigned(&self, from: usize, quote: Option<u8>, is_json: bool) -> Option<Range<usize>> {
        let maps = self.text[..from].ends_with(':');
        let start = self.behind_blanks(from);
        let first = self.byte(start)?;
        // `password: |`, and what the lines below hold.
        if maps && b"|>".contains(&first) {
            return Some(start..self.text.len());
        }
        if is_json && let Some(value) = self.json_string(start) {
            return Some(value);
        }
        if let Some(quote) = quote {
            let end = self.closing(start, quote).unwrap_or(self.text.len());
            // A quote that closes something else: the word goes on.
            return Some(start..if self.ends_word(end + 1) { end } else { self.end_of_word(end + 1) });
        }
        if is_json && b"{[(".contains(&first) {
            return Some(start..self.end_of_brackets(start));
        }
        let gap = &self.text[from..start];
        if gap.contains('\n') && !maps && !is_quote(first) {
            // `NAME=` at the end of a line is empty.
            return None;
        }
        if !gap.is_empty() && !is_json && (maps || !is_quote(first)) {
            return Some(start..self.end_of_line(start));
        }
        self.word(start)
    }

    /// What stands between the quotes at `start`, which may be escaped, once or more often. An inner quote has more
    /// backslashes than they have.
    fn json_string(&self, start: usize) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let escapes = bytes[start..].iter().take_while(|byte| **byte == b'\\').count();
        let quote = self.byte(start + escapes).filter(|byte| is_quote(*byte))?;
        let inner = start + escapes + 1;
        let mut backslashes = 0;
        for (at, byte) in bytes.iter().enumerate().skip(inner) {
            if *byte == quote && backslashes <= escapes {
                return Some(inner..at - backslashes);
            }
            backslashes = if *byte == b'\\' { backslashes + 1 } else { 0 };
        }
        Some(inner..bytes.len())
    }

    /// `--flag one two`, up to the next flag, command or line.
    fn values_of_flag(&self, start: usize) -> Option<Range<usize>> {
        let mut end = start;
        let mut next = start;
        // The first word is the secret, also where it begins with a dash.
        let is_next = |at: usize| self.is_flag(at) && (at > start || self.is_long_flag(at));
        while self.byte(next).is_some_and(|byte| !b";|&)".contains(&byte)) && !is_next(next) {
            end = self.end_of_word(next);
            next = self.behind_blanks_and_commas(end);
            let gap = &self.text[end..next];
            if gap.is_empty() || (gap.contains('\n') && !gap.contains("\\\n")) {
                break;
            }
        }
        (end > start).then_some(start..end)
    }

    /// `Bearer x`: the word behind a word that announces a secret.
    fn bare(&self, start: usize) -> Option<Range<usize>> {
        let rest = &self.text[start..];
        if let Some(here) = rest.strip_prefix("<<<") {
            return self.word(self.behind_blanks(self.text.len() - here.len()));
        }
        if rest.starts_with("<<") {
            return Some(start..self.text.len());
        }
        if self.is_flag(start) || self.byte(start).is_none_or(|byte| b";|&<>)]}=".contains(&byte)) {
            return None;
        }
        // What has a value of its own is looked at by itself.
        let name = start + self.text[start..].bytes().take_while(|byte| b"\"'\\".contains(byte)).count();
        let name = name..name + self.text[name..].bytes().take_while(|byte| super::is_of_name(*byte)).count();
        let is_named = is_secret(&self.text[name.clone()])
            && self.behind_operator(self.behind_blanks(self.behind_closers(name.end))).is_some();
        if is_named { None } else { self.word(start) }
    }

    /// One word of a shell, and the next where this one only announces it (`Authorization:Bearer x`).
    fn word(&self, start: usize) -> Option<Range<usize>> {
        let mut end = self.end_of_word(start);
        let mut word = start;
        while end > word && announces(&self.text[word..end]) {
            word = self.behind_blanks(end);
            end = self.end_of_word(word);
        }
        (end > start).then_some(start..end)
    }

    /// Where the word of a shell at `at` ends: quotes and commands in it are of it, and so is an object or a list.
    pub(super) fn end_of_word(&self, mut at: usize) -> usize {
        if self.byte(at).is_some_and(|byte| b"{[(".contains(&byte)) {
            at = self.end_of_brackets(at);
        }
        while let Some(byte) = self.byte(at).filter(|byte| !byte.is_ascii_whitespace()) {
            at = match byte {
                b'\\' => at + 2,
                b'\'' | b'"' | b'`' => self.closing(at + 1, byte).map_or(self.text.len(), |end| end + 1),
                b'$' if matches!(self.byte(at + 1), Some(b'(' | b'{')) => self.end_of_brackets(at + 1),
                _ => at + 1,
            };
        }
        self.boundary(at)
    }

    fn end_of_line(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let ends = |at: &usize| bytes[*at] == b'\n' && bytes[at - 1] != b'\\';
        (start + 1..bytes.len()).find(ends).unwrap_or(bytes.len())
    }

    /// Where `quote` closes; a backslash keeps it open, but for single quotes.
    fn closing(&self, from: usize, quote: u8) -> Option<usize> {
        let mut at = from;
        while let Some(byte) = self.byte(at).filter(|byte| *byte != quote) {
            at += if byte == b'\\' && quote != b'\'' { 2 } else { 1 };
        }
        (at < self.text.len()).then_some(at)
    }

    /// Behind the bracket that closes the one at `open`; those in quotes do not count.
    pub(super) fn end_of_brackets(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        let mut at = open;
        while let Some(byte) = self.byte(at) {
            at += 1;
            match byte {
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' => depth = depth.saturating_sub(1),
                b'\\' => at += 1,
                b'"' | b'\'' => at = self.closing(at, byte).map_or(self.text.len(), |end| end + 1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        self.boundary(at)
    }

    /// Behind what assigns, maps or compares: `=`, `:`, `+=`, `:=`, `!=`, and `==` or `=>` with a blank behind it.
    /// Without one, what follows may be the value's own beginning.
    pub(super) fn behind_operator(&self, at: usize) -> Option<usize> {
        let bytes = &self.text.as_bytes()[at..];
        let is_led = matches!(bytes, [b'+' | b'?' | b'!' | b':', b'=', ..]);
        let end = usize::from(is_led) + 1;
        let last = bytes.get(end - 1).filter(|byte| matches!(byte, b'=' | b':'))?;
        let is_longer = *last == b'='
            && matches!(bytes.get(end..), Some([b'=' | b'~' | b'>', blank, ..]) if blank.is_ascii_whitespace());
        Some(at + end + usize::from(is_longer))
    }

    /// Behind `"value":`
    fn behind_word_value(&self, at: usize) -> Option<usize> {
        let start = at + self.text[at..].bytes().take_while(|byte| b"\"'\\".contains(byte)).count();
        let rest = self.text[start..].strip_prefix("value")?;
        let end = self.behind_closers(self.text.len() - rest.len());
        self.behind_operator(self.behind_blanks(end))
    }

    /// Whether a flag stands at `at`, in quotes or not.
    fn is_flag(&self, at: usize) -> bool {
        let word = self.text[at..].trim_start_matches(['"', '\'', '\\']);
        let body = word.strip_prefix('-').unwrap_or_default();
        body.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '-')
    }

    fn is_long_flag(&self, at: usize) -> bool {
        self.text[at..].trim_start_matches(['"', '\'', '\\']).starts_with("--")
    }

    /// Behind the quotes and brackets that close a name.
    pub(super) fn behind_closers(&self, at: usize) -> usize {
        let bytes = &self.text.as_bytes()[at..];
        let escapes = |at: usize| bytes.get(at + 1).is_some_and(|next| b"\\\"'".contains(next));
        let closes = |at: &usize| b"\"'`])}".contains(&bytes[*at]) || (bytes[*at] == b'\\' && escapes(*at));
        at + (0..bytes.len()).take_while(closes).count()
    }

    pub(super) fn behind_blanks(&self, at: usize) -> usize {
        self.behind(at, |byte| byte.is_ascii_whitespace())
    }

    fn behind_blanks_and_commas(&self, at: usize) -> usize {
        self.behind(at, |byte| byte.is_ascii_whitespace() || byte == b',')
    }

    /// Behind all that `is_gap`; a backslash that joins two lines is a gap too.
    fn behind(&self, mut at: usize, is_gap: impl Fn(u8) -> bool) -> usize {
        let joins = |at: usize| self.text.as_bytes()[at..].starts_with(b"\\\n");
        while self.byte(at).is_some_and(|byte| is_gap(byte) || joins(at)) {
            at += 1;
        }
        at
    }

    fn ends_word(&self, at: usize) -> bool {
        self.byte(at).is_none_or(|byte| byte.is_ascii_whitespace() || b",;)]}\"'".contains(&byte))
    }

    /// `at`, or the next place where a character begins.
    fn boundary(&self, at: usize) -> usize {
        (at..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(self.text.len())
    }
}

fn is_quote(byte: u8) -> bool {
    byte == b'"' || byte == b'\''
}

/// Whether a word only announces a secret behind it.
fn announces(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'', ':', ',', '\\']);
    let is_scheme = ["basic", "digest", "negotiate"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme));
    is_scheme || (word.len() <= 32 && word.bytes().all(super::is_of_name) && is_secret(word))
}
