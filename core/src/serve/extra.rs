//! Words that a user gives vLLM beside what the launcher writes: `VLLM_ADDITIONAL_ARGS`, then what stands behind
//! `--`. Nothing is expanded. Where they give a flag that the launcher writes too, theirs is the last, which is the
//! one that vLLM takes; so the launcher leaves its own out.

use crate::environment::VLLM_ADDITIONAL_ARGS;
use crate::flags::{self, Owned};
use std::fmt;

/// The words, and what they settle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// Every word, in order.
    pub words: Vec<String>,
    /// Flags among them that the launcher would write, with the value where there is one.
    pub owned: Vec<(Owned, Option<String>)>,
    /// What somebody may want to know.
    pub warnings: Vec<String>,
}

/// Words that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraError {
    /// What is wrong, and where.
    pub message: String,
}

impl fmt::Display for ExtraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExtraError {}

impl Extra {
    /// Reads `additional` (the variable's text) and `passthrough`. With `shell_words`, each word of `passthrough` is
    /// itself read as a shell would (KServe writes some of its arguments with quotes in them).
    pub fn read(
        additional: Option<&str>,
        passthrough: &[String],
        shell_words: bool,
    ) -> Result<Self, ExtraError> {
        let mut extra = Self::default();
        if let Some(text) = additional {
            let words = split(text, VLLM_ADDITIONAL_ARGS)?;
            extra.warn_of_variables(&words, VLLM_ADDITIONAL_ARGS);
            extra.words.extend(words);
        }
        for word in passthrough {
            if shell_words && !is_json(word) {
                extra.words.extend(split(word, "an argument behind `--`")?);
            } else {
                extra.words.push(word.clone());
            }
        }
        let blank = extra.words.iter().filter(|word| word.is_empty()).count();
        if blank > 0 {
            extra.words.retain(|word| !word.is_empty());
            extra.warnings.push(format!("{blank} empty words for vLLM are left out: it would refuse them"));
        }
        extra.find_owned()?;
        Ok(extra)
    }

    fn warn_of_variables(&mut self, words: &[String], source: &str) {
        for word in words.iter().filter(|word| names_variable(word)) {
            self.warnings.push(format!(
                "`{source}`: `{}` stays as it is, no variable is put in; hint: write `$(NAME)`, which the kubelet expands",
                crate::excerpt::excerpt(word)
            ));
        }
    }

    fn find_owned(&mut self) -> Result<(), ExtraError> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let sorted = flags::sort(&words)
            .map_err(|error| ExtraError { message: format!("`{}` {}", error.word, error.problem) })?;
        self.owned = sorted
            .owned
            .iter()
            .map(|given| (given.flag, given.values.first().map(|value| (*value).to_owned())))
            .collect();
        for given in &sorted.owned {
            self.warnings.push(format!(
                "`{}` is given by the user; vLLM takes the last, so the launcher leaves its own out",
                given.word
            ));
        }
        Ok(())
    }

    /// Whether the words give this flag that the launcher would write.
    pub fn gives(&self, flag: Owned) -> bool {
        self.owned.iter().any(|(given, _)| *given == flag)
    }

    /// The last number that the words give this flag.
    pub fn number(&self, flag: Owned) -> Option<u32> {
        self.owned.iter().rev().find(|(given, _)| *given == flag)?.1.as_ref()?.parse().ok()
    }

    /// Whether the words give the long flag `name`, in any spelling, or a member of it (`--name.member`).
    pub fn names(&self, name: &str) -> bool {
        self.words.iter().any(|word| {
            let whole = word.split_once('=').map_or(word.as_str(), |(whole, _)| whole);
            flags::names(whole.split_once('.').map_or(whole, |(name, _)| name), name)
        })
    }
}

/// Words as a POSIX shell splits them.
fn split(text: &str, source: &str) -> Result<Vec<String>, ExtraError> {
    shlex::split(text).ok_or_else(|| ExtraError {
        message: format!(
            "`{source}` is `{}`, which has a quote or backslash without its end",
            crate::excerpt::excerpt(text)
        ),
    })
}

/// JSON has quotes of its own, which belong to it.
fn is_json(word: &str) -> bool {
    let word = word.trim();
    (word.starts_with('{') && word.ends_with('}')) || (word.starts_with('[') && word.ends_with(']'))
}

fn names_variable(word: &str) -> bool {
    let mut rest = word;
    while let Some((_, behind)) = rest.split_once('$') {
        if behind.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == '{') {
            return true;
        }
        rest = behind;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::Extra;
    use crate::flags::Owned;

    fn words(text: &str) -> Vec<String> {
        Extra::read(Some(text), &[], false).unwrap().words
    }

    #[test]
    fn words_are_a_shells_and_nothing_is_expanded() {
        assert_eq!(
            words(r#"--kv_transfer_config '{"kv_role":"kv_both"}' --x $(touch x) `id` ; $HOME "a b""#),
            [
                "--kv_transfer_config",
                r#"{"kv_role":"kv_both"}"#,
                "--x",
                "$(touch",
                "x)",
                "`id`",
                ";",
                "$HOME",
                "a b"
            ]
        );
        let extra = Extra::read(Some("--a $HOME --b ${X} --c 5$"), &[], false).unwrap();
        assert_eq!(extra.warnings.len(), 2, "{:?}", extra.warnings);
    }

    #[test]
    fn an_open_quote_is_an_error_that_quotes_it() {
        let error = Extra::read(Some("--a 'b"), &[], false).unwrap_err();
        assert_eq!(
            error.message,
            "`VLLM_ADDITIONAL_ARGS` is `--a 'b`, which has a quote or backslash without its end"
        );
    }

    #[test]
    fn a_word_that_is_json_stays_whole() {
        let passthrough =
            ["'--lora-modules'".to_owned(), r#"{"name": "a"}"#.to_owned(), "'{\"b\": 1}'".to_owned()];
        let extra = Extra::read(None, &passthrough, true).unwrap();
        assert_eq!(extra.words, ["--lora-modules", r#"{"name": "a"}"#, r#"{"b": 1}"#]);
        assert_eq!(Extra::read(None, &passthrough, false).unwrap().words, passthrough);
    }

    #[test]
    fn flags_of_the_launcher_are_found_in_any_spelling() {
        let extra =
            Extra::read(Some("-tp 4 --tensor_parallel_size=8"), &["--port=9".to_owned()], false).unwrap();
        assert!(extra.gives(Owned::Tensor) && extra.gives(Owned::Port) && !extra.gives(Owned::Data));
        assert_eq!(extra.number(Owned::Tensor), Some(8));
        assert_eq!(extra.warnings.len(), 3);
    }

    #[test]
    fn a_flag_is_known_by_its_members_too() {
        for text in
            ["--kv-transfer-config x", "--kv_transfer_config=x", "--kv-transfer-config.kv_role kv_both"]
        {
            assert!(Extra::read(Some(text), &[], false).unwrap().names("kv-transfer-config"), "{text}");
        }
        assert!(!Extra::read(Some("--kv-transfer x"), &[], false).unwrap().names("kv-transfer-config"));
    }
}
