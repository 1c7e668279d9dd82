//! Quotations of text that is not ours, with its secrets masked: short ones, fit for an annotation (one line, at most
//! 120 characters), and whole command lines for a log. What a secret is, [`crate::secrets`] says.

use crate::secrets::{MASK, Secrets, Words};
use std::borrow::Cow;
use std::ops::Range;

const LENGTH: usize = 120;

/// `text` in one line, at most 120 characters long, with secrets masked.
pub fn excerpt(text: &str) -> String {
    excerpt_at(text, 0..text.len())
}

/// The part `range` of `text` as [`excerpt`] has it. What stands before it counts: the name of a secret may.
pub fn excerpt_at(text: &str, range: Range<usize>) -> String {
    let mut quotation = Quotation::default();
    let mut at = range.start;
    for secret in Secrets::new(text) {
        if secret.start >= range.end || quotation.is_full() {
            break;
        }
        if secret.end > at {
            quotation.push(&text[at..secret.start.max(at)]);
            quotation.push(MASK);
            at = secret.end;
        }
    }
    quotation.push(&text[at.min(range.end)..range.end]);
    quotation.end()
}

/// The first line of `text` from `start` on, as [`excerpt_at`] has it.
pub fn excerpt_of_line(text: &str, start: usize) -> String {
    let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    excerpt_at(text, start..end)
}

/// `words` as [`excerpt`] has text. Each is whole, so that a secret of several words ends where its word does.
pub fn excerpt_of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut quotation = Quotation::default();
    for (at, word) in masked(words).enumerate() {
        if quotation.is_full() {
            break;
        }
        quotation.push(if at > 0 { " " } else { "" });
        quotation.push(&word);
    }
    quotation.end()
}

/// The word at `at` of `words`, as [`excerpt_of_words`] has it: it may be the value of a secret.
pub fn excerpt_of_word(words: &[&str], at: usize) -> String {
    masked(words.iter().copied()).nth(at).map(|word| cut(&word)).unwrap_or_default()
}

/// `words` for a log: as a POSIX shell would read them, with secrets masked. What follows a flag that is named after
/// a secret is masked up to the next flag.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    masked(words).map(|word| shell_word(&word)).collect::<Vec<_>>().join(" ")
}

/// All of `text` with its secrets masked.
pub fn text(text: &str) -> Cow<'_, str> {
    without(text, Secrets::new(text))
}

/// `value`, of a name that is no secret's, without passwords in URLs and what else shows itself.
pub fn value(value: &str) -> Cow<'_, str> {
    without(value, Secrets::recognisable(value))
}

/// `value` as one word of a POSIX shell.
pub fn shell_word(value: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.,:=/@%+".contains(letter);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Each of `words` with its secrets masked.
fn masked<'a>(words: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Cow<'a, str>> {
    let mut before = Words::default();
    words.into_iter().map(move |word| without(word, before.next(word)))
}

fn without(text: &str, secrets: impl IntoIterator<Item = Range<usize>>) -> Cow<'_, str> {
    let mut out = String::new();
    let mut at = 0;
    for secret in secrets {
        out.push_str(&text[at..secret.start]);
        out.push_str(MASK);
        at = secret.end;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

/// `text` in one line and cut, nothing masked.
fn cut(text: &str) -> String {
    let mut quotation = Quotation::default();
    quotation.push(text);
    quotation.end()
}

/// A line that grows up to the length of a quotation; blanks are one.
#[derive(Default)]
struct Quotation {
    text: String,
    length: usize,
    blank: bool,
}

impl Quotation {
    fn push(&mut self, text: &str) {
        for letter in text.chars() {
            if self.is_full() {
                return;
            }
            if letter.is_whitespace() {
                self.blank = self.length > 0;
            } else if !letter.is_control() {
                if std::mem::take(&mut self.blank) {
                    self.put(' ');
                }
                self.put(letter);
            }
        }
    }

    fn put(&mut self, letter: char) {
        self.text.push(letter);
        self.length += 1;
    }

    /// Whether it is known to be too long.
    fn is_full(&self) -> bool {
        self.length > LENGTH
    }

    fn end(self) -> String {
        if !self.is_full() {
            return self.text;
        }
        self.text.chars().take(LENGTH - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests;
