//! The kubelet's own expansion of `$(NAME)` in `command`, `args` and `env`.
//!
//! Rule: `third_party/forked/golang/expansion/expand.go` of Kubernetes. `$$` becomes `$`, `$(NAME)`
//! becomes the value when the container has the variable and stays as it is when not.

use std::borrow::Cow;

/// Expands `text` as the kubelet does; `value` gives a variable's value or `None`.
pub fn expand<'a>(text: &'a str, mut value: impl FnMut(&str) -> Option<Cow<'a, str>>) -> Cow<'a, str> {
    let mut out: Option<String> = None;
    let mut done = 0;
    let mut at = 0;
    while let Some(offset) = text[at..].find('$') {
        let dollar = at + offset;
        let tail = &text[dollar + 1..];
        let (replacement, length) = match tail.as_bytes().first() {
            Some(b'$') => (Some(Cow::Borrowed("$")), 2),
            Some(b'(') => match tail.find(')') {
                Some(close) => (value(&tail[1..close]), close + 2),
                None => (None, 2),
            },
            // A lone `$` is text; the byte behind it is looked at on its own.
            _ => (None, 1),
        };
        if let Some(replacement) = replacement {
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[done..dollar]);
            out.push_str(&replacement);
            done = dollar + length;
        }
        at = dollar + length;
    }
    match out {
        None => Cow::Borrowed(text),
        Some(mut out) => {
            out.push_str(&text[done..]);
            Cow::Owned(out)
        }
    }
}

/// Writes `text` so that the kubelet's expansion gives exactly `text` back.
pub fn escape(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let special = |at: usize| bytes[at] == b'$' && matches!(bytes.get(at + 1), Some(b'$' | b'('));
    if !(0..bytes.len()).any(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 4);
    for (at, character) in text.char_indices() {
        if special(at) {
            out.push('$');
        }
        out.push(character);
    }
    Cow::Owned(out)
}

/// The first variable that `text` refers to as `$(NAME)`, after `$$` is taken as an escape.
pub fn first_reference(text: &str) -> Option<&str> {
    let mut at = 0;
    while let Some(offset) = text[at..].find('$') {
        let tail = &text[at + offset + 1..];
        match tail.as_bytes().first() {
            Some(b'$') => at += offset + 2,
            Some(b'(') => return tail.find(')').map(|close| &tail[1..close]),
            _ => at += offset + 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with_a(text: &str) -> String {
        expand(text, |name| (name == "A").then_some(Cow::Borrowed("1"))).into_owned()
    }

    #[test]
    fn expands_like_the_kubelet() {
        for (text, want) in [
            ("$(A)", "1"),
            ("x$(A)y$(B)", "x1y$(B)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$1"),
            ("$A $", "$A $"),
            ("$(A", "$(A"),
            ("$$", "$"),
            ("$(getent hosts ${A} | cut -d' ' -f1)", "$(getent hosts ${A} | cut -d' ' -f1)"),
        ] {
            assert_eq!(with_a(text), want, "{text}");
        }
    }

    #[test]
    fn finds_the_first_reference() {
        assert_eq!(first_reference("$$(A) $x $(B)"), Some("B"));
        assert_eq!(first_reference("$$(A)"), None);
    }

    proptest! {
        #[test]
        fn escape_survives_the_kubelet(text in "[$()Aa é]{0,12}") {
            prop_assert_eq!(with_a(&escape(&text)), text);
        }
    }
}
