//! Secrets whose values are known, wherever they stand: the kubelet and bash put variables into text in which no
//! name is left.

use super::{MASK, Secrets, is_secret};
use std::borrow::Cow;

/// Shorter ones (`x`, `true`, `EMPTY`) would make holes in every message, and are no secrets.
const SHORTEST: usize = 6;
/// As much of a value, cut off at the end of a quotation, is masked as well.
const SHORTEST_BEGINNING: usize = 3;
/// Where text may be taken apart: at what bash and the search for paths take for ends.
const SEPARATORS: &[char] =
    &['=', ':', ',', ';', '"', '\'', '(', ')', '[', ']', '{', '}', '<', '>', '|', '&', '`', '$'];

/// Values that must not be shown, the longest first.
#[derive(Clone, Debug, Default)]
pub struct Values(Vec<String>);

impl Values {
    /// Those of `variables`, by their names, and what is secret in `texts`.
    pub fn of<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut values = Self::default();
        for (name, value) in variables {
            if is_secret(name) {
                values.add(value);
            } else {
                values.add_secrets_in(value);
            }
        }
        texts.into_iter().for_each(|text| values.add_secrets_in(text));
        values.0.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        values.0.dedup();
        values
    }

    fn add_secrets_in(&mut self, text: &str) {
        Secrets::new(text).for_each(|secret| self.add(&text[secret]));
    }

    /// The words of `value` and their parts: whoever quotes it may have taken it apart.
    fn add(&mut self, value: &str) {
        let words = value.split_whitespace().map(|word| word.trim_matches(['"', '\'', '\\']));
        for word in words {
            let parts = word.split(SEPARATORS).filter(|part| *part != word);
            let long =
                std::iter::once(word).chain(parts).filter(|part| part.len() >= SHORTEST && *part != MASK);
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
        let values = Values::of(variables, ["--api-key marker-4 --port 8000", "HF_TOKEN=x"]);
        assert_eq!(
            values.mask("`marker-1` marker-2, marker-3; --x=marker-4 model-7 x"),
            "`***` ***, ***; --x=*** model-7 x"
        );
        assert_eq!(values.mask("`--x mark…` and `8000`"), "`--x ***…` and `8000`");
    }
}
