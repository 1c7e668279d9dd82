//! Whatever the syntax and whatever stands around it: the value of a secret is never in a quotation.

use super::is_secret;
use crate::excerpt::{command_line, excerpt, excerpt_at, excerpt_of_words};
use proptest::prelude::*;

const MARKER: &str = "m4rk3r";

fn secret_name() -> impl Strategy<Value = String> {
    let shapes = prop_oneof![
        "([A-Z]{1,5}_){0,2}(TOKEN|API_KEY|PRIVATE_KEY|SECRET|PASSWORD|PASSWD|DB_PASS|DB_PWD|PASSPHRASE|CREDENTIALS)(_[0-9])?",
        "([a-z]{1,5}_){0,2}(token|api_key|private_key|secret|password|credentials)",
        "([a-z]{1,5}-){0,2}(token|api-key|secret-access-key|password|auth)",
        "[a-z]{1,5}(Token|ApiKey|PrivateKey|Secret|Password|Credentials)",
        "(x|spec|env)\\.(token|apiKey|password)",
        Just("Authorization".to_owned()),
    ];
    shapes.prop_filter("a secret", |name| is_secret(name))
}

/// The value, with what else a secret holds. `{}` in a syntax is the value between the quotes that it has.
fn secret_value() -> impl Strategy<Value = String> {
    prop_oneof!["([a-z0-9/+=._,:@%][a-z0-9/+=._,:@%-]{0,8})?", Just(String::new())]
        .prop_map(|rest| format!("{rest}{MARKER}"))
}

fn syntax() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "{N}={V}",
        "{N}='two {V}'",
        "{N}=\"two {V}\"",
        "{N}=a\" b \"{V}",
        "{N} = {V}",
        "{N} = two {V}",
        "{N} = \"two {V}\"",
        "export {N}=\"two words {V} more\"",
        "export {N}='{V}'",
        "declare -x {N}=\"{V}\"",
        "-e {N}={V}",
        "-e '{N}=two {V}'",
        "--env={N}={V}",
        "--{N} {V}",
        "--{N} one {V} {V}",
        "--{N} 'one two' \"{V} x\"",
        "--{N} -{V}",
        "--{N}={V}",
        "--{N}=\"two {V}\"",
        "--{N} \\\n  {V}",
        "{\"{N}\": \"{V}\"}",
        "{\"{N}\":\"two {V}\"}",
        "{'{N}': 'two {V}'}",
        "{\"a\": {\"b\": [1, {\"{N}\": \"x \\\"{V}\"}]}}",
        "{\"{N}\": [\"x\", {\"y\": \"{V}\"}]}",
        "--hf-overrides '{\"{N}\": \"{V}\"}'",
        "--hf-overrides={\"x\":{\"{N}\":\"{V}\"}}",
        "\"{\\\"{N}\\\": \\\"two {V}\\\"}\"",
        "{\"name\": \"{N}\", \"value\": \"two {V}\"}",
        "- name: {N}\n  value: two {V}",
        "{N}: {V}",
        "{N}: two {V}",
        "{N}: |\n  one\n  {V}",
        "curl -H '{N}: Bearer {V}' https://host",
        "curl -H \"{N}:Bearer {V}\" https://host",
        "curl -H {N}:Bearer {V}",
        "{N}: Bearer {V}",
        "Authorization: Bearer {V}",
        "Bearer {V}",
        "curl -u user:{V} host",
        "curl --user 'user:two {V}' host",
        "$(echo {N}={V})",
        "`echo {N}={V}`",
        "bash -c 'export {N}={V}; run'",
        "${{N}:-{V}}",
        "[ \"${N}\" = \"two {V}\" ]",
        "cat > {N} <<EOF\n{V}\nEOF",
        "read {N} <<< '{V}'",
        "[\"--{N}\", \"two {V}\", \"x\"]",
        "https://user:{V}@host/path",
        "postgres://user:a/b{V}@host:5/path",
        "https://host/path?{N}={V}&x=1",
        "echo hf_abcdefghijkl{M}",
    ])
}

/// Text that says nothing of secrets, of any length, so that the value may stand across a quotation's end.
fn around() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z ]{0,130}", "(vllm serve /m |--port 8000 |set -e\n|é ){0,30}"]
}

prop_compose! {
    fn text()(
        before in around(), after in around(), name in secret_name(), value in secret_value(), syntax in syntax(),
        one_line in any::<bool>(),
    ) -> String {
        let secret = syntax.replace("{N}", &name).replace("{V}", &value).replace("{M}", MARKER);
        let text = format!("{before} {secret} {after}");
        if one_line { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text }
    }
}

fn shows(quotation: &str) -> bool {
    // Cut off, half of it is one too many.
    quotation.contains(&MARKER[..3])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_quotation_shows_a_secret(text in text(), at in any::<prop::sample::Index>()) {
        prop_assert!(!shows(&excerpt(&text)), "{}", excerpt(&text));
        let mut start = at.index(text.len());
        while !text.is_char_boundary(start) { start -= 1; }
        let part = excerpt_at(&text, start..text.len());
        prop_assert!(!shows(&part), "{part}");
        prop_assert!(part.chars().count() <= 120);
    }

    #[test]
    fn no_command_line_shows_a_secret(name in secret_name(), value in secret_value(), text in text(), two in any::<bool>()) {
        let value = if two { format!("two {value}") } else { value };
        let flag = format!("--{name}");
        for words in [
            vec![flag.clone(), "x".to_owned(), value.clone(), "--port".to_owned()],
            vec![format!("{flag}={value}")],
            vec!["-e".to_owned(), format!("{name}={value}")],
            vec!["-H".to_owned(), format!("{name}: Bearer {value}")],
            vec!["--hf-overrides".to_owned(), format!("{{\"a\": {{\"{name}\": \"{value}\"}}}}")],
            vec!["bash".to_owned(), "-c".to_owned(), text],
        ] {
            let words = || words.iter().map(String::as_str);
            prop_assert!(!shows(&command_line(words())), "{}", command_line(words()));
            prop_assert!(!shows(&excerpt_of_words(words())), "{}", excerpt_of_words(words()));
        }
    }

    #[test]
    fn any_text_can_be_quoted(text in "\\PC{0,60}", broken in "[a-zA-Z_=:\"'`$(){}\\\\<>| \n\\-]{0,80}") {
        for text in [&text, &broken, &format!("TOKEN{text}{broken}"), &format!("--token={broken}{text}")] {
            excerpt(text);
            command_line([text.as_str()]);
        }
    }
}
