//! Secrets in words, as a program gets them: each word is whole.

use super::{Secrets, is_secret};
use crate::flags;
use std::ops::Range;

/// What is known of the words so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words {
    /// How many words stand behind the flag of a secret.
    behind: Option<usize>,
}

impl Words {
    /// Where secrets stand in `word`, the next one. What follows a flag that is named after a secret is one up to the
    /// next flag.
    pub fn next(&mut self, word: &str) -> Vec<Range<usize>> {
        let is_flag = flags::is_flag(word);
        self.behind = match self.behind {
            // The first word is the secret, also where it begins with a dash.
            Some(0) if !word.starts_with("--") => Some(1),
            Some(count) if !is_flag => Some(count + 1),
            _ => None,
        };
        if self.behind.is_some() {
            return vec![Range { start: 0, end: word.len() }];
        }
        self.behind = (is_flag && !word.contains('=') && is_secret(word)).then_some(0);
        match word.find(['=', ':']) {
            // `NAME=value` and `Name: value` are a secret up to the word's end; any other word is text.
            Some(at) if is_name(&word[..at]) && is_secret(&word[..at]) => {
                vec![Range { start: at + 1, end: word.len() }]
            }
            _ => Secrets::new(word).collect(),
        }
    }
}

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.+".contains(&byte))
}
