//! Bash's words, for text in which bash would expand nothing: quotes are read, and any unquoted
//! character with a meaning of its own is refused.

use crate::reason::{NotUnderstood, Reason};
use prefill_core::excerpt::excerpt_at;
use serde_json::Value;
use std::borrow::Cow;

/// Stands in command text for the script's arguments, `$@`.
pub(crate) const ARGUMENTS_MARK: &str = "\u{1}@\u{1}";

/// Stands in command text for `VLLM_ADDITIONAL_ARGS`.
pub(crate) const ADDITIONAL_MARK: &str = "\u{1}VLLM_ADDITIONAL_ARGS\u{1}";

/// Whether bash takes `byte` for itself where nothing is quoted.
pub(crate) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./:=,@%+^\x01".contains(&byte) || !byte.is_ascii()
}

/// The words of `command`, with `arguments` where it has [`ARGUMENTS_MARK`].
pub(crate) fn split(command: &str, arguments: &[Cow<'_, str>]) -> Result<Vec<String>, NotUnderstood> {
    let mut splitter = Splitter::default();
    let mut from = 0;
    for (count, part) in command.split(ARGUMENTS_MARK).enumerate() {
        for (at, argument) in arguments.iter().enumerate().filter(|_| count > 0) {
            if let Some((flag, json)) = json_argument(argument) {
                // Bash would tear JSON apart and take its quotes; no pod means that.
                splitter.end();
                splitter.feed("", 0).map_err(|fault| fault.in_arguments(arguments, at))?;
                splitter.words.push(format!("{flag}{json}"));
            } else {
                splitter.feed(argument, 0).map_err(|fault| fault.in_arguments(arguments, at))?;
            }
            splitter.end();
        }
        let end = from + part.len();
        splitter.feed(&command[..end], from).map_err(|fault| fault.told(&command[..end], 0))?;
        from = end + ARGUMENTS_MARK.len();
    }
    splitter.end();
    Ok(splitter.words)
}

/// An argument that is JSON as a whole, or `--flag=JSON`.
fn json_argument(argument: &str) -> Option<(&str, &str)> {
    let at = argument.find(['{', '['])?;
    let (flag, json) = argument.split_at(at);
    let is_flag =
        flag.is_empty() || (flag.starts_with("--") && flag.ends_with('=') && flag.bytes().all(is_plain));
    (is_flag && serde_json::from_str::<Value>(json).is_ok()).then_some((flag, json))
}

/// What bash's words cannot hold, and where it stands.
struct Fault {
    at: usize,
    kind: FaultKind,
}

enum FaultKind {
    Behind,
    Unclosed,
    Special,
}

impl Fault {
    /// The fault in `text`, where what was read begins at `from`.
    fn told(&self, text: &str, from: usize) -> NotUnderstood {
        let found = excerpt_at(text, from + self.at..text.len());
        let detail = match self.kind {
            FaultKind::Behind => format!("`{found}` follows the end of a line"),
            FaultKind::Unclosed => format!("a quote is not closed in `{found}`"),
            FaultKind::Special => {
                format!("bash would expand `{found}`; hint: write the value, in single quotes")
            }
        };
        NotUnderstood::new(Reason::ShellWords, detail)
    }

    /// The fault in one of several arguments; those before it may name a secret.
    fn in_arguments(&self, arguments: &[Cow<'_, str>], at: usize) -> NotUnderstood {
        let mut text = arguments[..at].join(" ");
        text.extend((at > 0).then_some(' '));
        let from = text.len();
        text.push_str(&arguments[at]);
        self.told(&text, from)
    }
}

#[derive(Default)]
struct Splitter {
    words: Vec<String>,
    current: Option<String>,
    /// Whether a line has ended: bash would run what follows as another command.
    ended: bool,
}

impl Splitter {
    fn end(&mut self) {
        self.words.extend(self.current.take());
    }

    fn push(&mut self, text: &str) {
        self.current.get_or_insert_default().push_str(text);
    }

    /// Reads `text` from `at` on.
    fn feed(&mut self, text: &str, mut at: usize) -> Result<(), Fault> {
        if self.ended && !text[at..].trim().is_empty() {
            return Err(Fault { at, kind: FaultKind::Behind });
        }
        let bytes = text.as_bytes();
        while at < bytes.len() {
            let start = at;
            match bytes[at] {
                b' ' | b'\t' => {
                    self.end();
                    at += 1;
                }
                b'\n' if text[at..].trim().is_empty() => {
                    self.ended = true;
                    at = bytes.len();
                }
                b'\'' => {
                    let end =
                        text[at + 1..].find('\'').ok_or(Fault { at: start, kind: FaultKind::Unclosed })?;
                    self.push(&text[at + 1..at + 1 + end]);
                    at += end + 2;
                }
                b'"' => at = self.double_quoted(text, at + 1)?,
                b'\\' => at = self.escaped(text, at + 1)?,
                byte if is_plain(byte) => {
                    while at < bytes.len() && is_plain(bytes[at]) {
                        at += 1;
                    }
                    self.push(&text[start..at]);
                }
                _ => return Err(special(text, at)),
            }
        }
        Ok(())
    }

    fn escaped(&mut self, text: &str, at: usize) -> Result<usize, Fault> {
        match text[at..].chars().next() {
            None => Err(Fault { at: at - 1, kind: FaultKind::Unclosed }),
            // A backslash before a line's end joins the lines.
            Some('\n') => Ok(at + 1),
            Some(character) => {
                self.push(character.encode_utf8(&mut [0; 4]));
                Ok(at + character.len_utf8())
            }
        }
    }

    fn double_quoted(&mut self, text: &str, mut at: usize) -> Result<usize, Fault> {
        let begin = at;
        let mut done = at;
        self.push("");
        let bytes = text.as_bytes();
        loop {
            match bytes.get(at) {
                None => return Err(Fault { at: begin - 1, kind: FaultKind::Unclosed }),
                Some(b'"') => {
                    self.push(&text[done..at]);
                    return Ok(at + 1);
                }
                Some(b'$' | b'`') => return Err(special(text, at)),
                Some(b'\\') if bytes.get(at + 1) == Some(&b'\n') => {
                    self.push(&text[done..at]);
                    at += 2;
                    done = at;
                }
                Some(b'\\') if matches!(bytes.get(at + 1), Some(b'"' | b'\\' | b'$' | b'`')) => {
                    self.push(&text[done..at]);
                    done = at + 1;
                    at += 2;
                }
                Some(_) => at += 1,
            }
        }
    }
}

fn special(text: &str, at: usize) -> Fault {
    let start = text[..at].rfind([' ', '\n']).map_or(0, |blank| blank + 1);
    Fault { at: start, kind: FaultKind::Special }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_all(command: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
        let arguments: Vec<Cow<'_, str>> = arguments.iter().map(|a| Cow::Borrowed(*a)).collect();
        split(command, &arguments).map_err(|error| error.detail)
    }

    #[test]
    fn quotes_as_in_bash() {
        let words = split_all(r#"a 'b c' "d \"e\" \n" f\ g ''  h"i"j"#, &[]);
        assert_eq!(words, Ok(["a", "b c", "d \"e\" \\n", "f g", "", "hij"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn arguments_are_split_again() {
        let command = format!("vllm serve {ARGUMENTS_MARK} --x");
        let words = split_all(
            &command,
            &["--max-model-len 4096", "--lora '{\"a\": 1}'", "{\"k\":\"v\",\"l\":2}", "--c={\"k\":1}"],
        );
        let want = [
            "vllm",
            "serve",
            "--max-model-len",
            "4096",
            "--lora",
            "{\"a\": 1}",
            "{\"k\":\"v\",\"l\":2}",
            "--c={\"k\":1}",
            "--x",
        ];
        assert_eq!(words, Ok(want.map(str::to_owned).to_vec()));
    }

    #[test]
    fn nothing_is_expanded() {
        for text in [
            "$HOME",
            "\"$(touch x)\"",
            "a;b",
            "a|b",
            "a&",
            "*.json",
            "~/x",
            "{a,b}",
            "a\nb",
            "`x`",
            "a>b",
            "#x",
        ] {
            assert!(split_all(text, &[]).is_err(), "{text}");
        }
        assert_eq!(
            split_all("x --name $HOME/y z", &[]),
            Err("bash would expand `$HOME/y z`; hint: write the value, in single quotes".to_owned())
        );
        assert_eq!(split_all("x 'y z", &[]), Err("a quote is not closed in `'y z`".to_owned()));
    }
}
