//! Secrets whose values are known, wherever they stand: the kubelet and bash put variables into text in which no
//! name is left.

use super::{MASK, Secrets, Words, is_secret};
use std::borrow::Cow;

/// Shorter ones (`x`, `true`, `EMPTY`) would make holes in every message, and are no secrets.
const SHORTEST: usize = 6;
/// As a whole, a value may be shorter than its parts.
const SHORTEST_WHOLE: usize = 4;
/// As much of a value, cut off at the end of a quotation, is masked as well.
const SHORTEST_BEGINNING: usize = 3;
/// Where text may be taken apart: at what bash and the search for paths take for ends.
const SEPARATORS: &[char] =
    &['\\', '=', ':', ',', ';', '"', '\'', '(', ')', '[', ']', '{', '}', '<', '>', '|', '&', '`', '$'];

/// Values that must not be shown, the longest first.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<String>);

impl Values {
    /// Those of `variables`, by their names and by what is secret in the rest, and those in a program's `words`.
    pub fn of<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut values = Self::default();
        for (name, value) in variables {
            // Every shell sets `PWD`, to where it is.
            if is_secret(name) && name != "PWD" {
                values.add(value);
            } else {
                Secrets::new(value).for_each(|secret| values.add(&value[secret]));
            }
        }
        let mut before = Words::default();
        for word in words {
            before.next(word).into_iter().for_each(|secret| values.add(&word[secret]));
        }
        values.0.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        values.0.dedup();
        values
    }

    /// The words of `value` and their parts: whoever quotes it may have taken it apart.
    fn add(&mut self, value: &str) {
        let whole = value.trim();
        if whole.len() >= SHORTEST_WHOLE {
            self.0.push(whole.to_owned());
        }
        for word in value.split_whitespace() {
            let parts = word.split(SEPARATORS).map(|part| part.trim_end_matches('/'));
            let word = word.trim_matches(['"', '\'', '\\']);
            let long = std::iter::once(word).chain(parts).filter(|part| part.len() >= SHORTEST);
            self.0.extend(long.map(str::to_owned));
        }
    }

    /// `text` without any of them.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        for value in &self.0 {
            if masked.contains(value.as_str()) {
                masked = Cow::Owned(masked.replace(value.as_str(), MASK));
            }
            if masked.contains('…') {
                masked = without_beginnings(masked, value);
            }
        }
        masked
    }
}

/// `text` without beginnings of `value` that a quotation's end has cut off.
fn without_beginnings<'t>(text: Cow<'t, str>, value: &str) -> Cow<'t, str> {
    let pieces: Vec<&str> = text.split('…').collect();
    let last = pieces.len() - 1;
    let shown = |(at, piece): (usize, &&str)| {
        let beginning =
            |length: &usize| value.is_char_boundary(*length) && piece.ends_with(&value[..*length]);
        let cut = (SHORTEST_BEGINNING..value.len()).rev().find(beginning).filter(|_| at < last);
        cut.map(|length| format!("{}{MASK}", &piece[..piece.len() - length]))
    };
    let masked: Vec<Option<String>> = pieces.iter().enumerate().map(shown).collect();
    if masked.iter().all(Option::is_none) {
        return text;
    }
    let whole = pieces.iter().zip(&masked).map(|(piece, masked)| masked.as_deref().unwrap_or(piece));
    Cow::Owned(whole.collect::<Vec<_>>().join("…"))
}

#[cfg(test)]
mod tests {
    use super::Values;

    #[test]
    fn values_are_masked_where_no_name_is_left() {
        let variables = [
            ("HF_TOKEN", "marker-1"),
            ("X", "https://me:marker-2@host"),
            ("DB_PASS", "two marker-3"),
            ("MODEL", "model-7"),
        ];
        let values =
            Values::of(variables, ["--api-key", "marker-4", "--port", "800000", "HF_TOKEN=a marker-5"]);
        assert_eq!(
            values.mask("`marker-1` marker-2, marker-3; --x=marker-4 marker-5 model-7 x"),
            "`***` ***, ***; --x=*** *** model-7 x"
        );
        assert_eq!(values.mask("`--x mark…` and `800000`"), "`--x ***…` and `800000`");
    }
}
