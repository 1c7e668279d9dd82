//! Quotations of the pod's own text with its secrets masked: short ones, fit for an annotation (one line, at
//! most 120 characters), and whole command lines for a log.

const LENGTH: usize = 120;
const SECRET_NAMES: [&str; 10] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "API_KEY",
    "ACCESS_KEY",
    "APIKEY",
    "BEARER",
];
const SECRET_STARTS: [&str; 4] = ["hf_", "sk-", "ghp_", "nvapi-"];
const MASK: &str = "***";

/// `text` in one line, at most 120 characters long, with secrets masked.
pub fn excerpt(text: &str) -> String {
    let mut out = String::new();
    let mut mask_next = false;
    // Words beyond the quotation's length cannot matter.
    for word in text.split_whitespace().take(LENGTH) {
        if !out.is_empty() {
            out.push(' ');
        }
        if mask_next {
            out.push_str(MASK);
            mask_next = false;
        } else {
            mask_next = push(&mut out, word);
        }
        if out.chars().count() > LENGTH {
            break;
        }
    }
    if out.chars().count() > LENGTH {
        out = out.chars().take(LENGTH - 1).chain(['…']).collect();
    }
    out.retain(|character| !character.is_control());
    out
}

/// `words` for a log: as a POSIX shell would read them, with secrets masked. What follows a flag that is named after
/// a secret is masked up to the next flag.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    let mut secret = false;
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let shown = if word.starts_with("--") {
            secret = is_secret(name) && value.is_none();
            match value {
                Some(_) if is_secret(name) => format!("{name}={MASK}"),
                Some(value) => format!("{name}={}", without_secrets(value)),
                None => word.to_owned(),
            }
        } else if secret {
            MASK.to_owned()
        } else {
            without_secrets(word)
        };
        out.push_str(&shell_word(&shown));
    }
    out
}

/// Whether a flag or a member of an object is named after a secret: by its parts, so that `--hf-token` is one and
/// `--tokenizer` and `--max-num-batched-tokens` are none.
fn is_secret(name: &str) -> bool {
    const PARTS: [&str; 10] = [
        "token",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "credential",
        "credentials",
        "apikey",
        "bearer",
        "keyfilepassword",
    ];
    let name = name.to_ascii_lowercase();
    let parts: Vec<&str> = name.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    parts.iter().any(|part| PARTS.contains(part))
        || parts.windows(2).any(|pair| matches!(pair, ["api" | "access" | "private", "key"]))
}

/// One value: tokens, passwords in URLs, and members of objects that are named after a secret.
fn without_secrets(value: &str) -> String {
    let mut out = String::new();
    if !value.contains('"') {
        masked(&mut out, value);
        return out;
    }
    // `"name": "value"`: the pieces between quotes are names and values in turn.
    let mut mask = false;
    for (place, piece) in value.split('"').enumerate() {
        if place > 0 {
            out.push('"');
        }
        let quoted = place % 2 == 1;
        match (quoted, mask) {
            (true, true) => out.push_str(MASK),
            (true, false) => masked(&mut out, piece),
            (false, _) => out.push_str(piece),
        }
        // Between a name and its value stands a colon; anything else ends the pair.
        mask = if quoted { !mask && is_secret(piece) } else { mask && piece.trim() == ":" };
    }
    out
}

/// `value` as one word of a POSIX shell.
pub fn shell_word(value: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.,:=/@%+".contains(letter);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Adds `word`, masked where it holds a secret; true when the next word is one.
fn push(out: &mut String, word: &str) -> bool {
    let upper = word.to_ascii_uppercase().replace('-', "_");
    let secret = SECRET_NAMES.iter().filter_map(|name| upper.find(name).map(|at| at + name.len())).min();
    let Some(behind) = secret else {
        match word.split_once('=') {
            Some((name, value)) => {
                out.push_str(name);
                out.push('=');
                masked(out, value);
            }
            None => masked(out, word),
        }
        return false;
    };
    // `NAME=value`, `"name":"value"`, or a flag whose value is the next word. (Upper case and `_` for
    // `-` are ASCII, so that positions are the same.)
    if let Some(at) = word[behind..].find(['=', ':']) {
        out.push_str(&word[..=behind + at]);
        out.push_str(MASK);
        return word.ends_with(['=', ':']);
    }
    out.push_str(word);
    true
}

/// Adds a value, masked where it is a token or a URL with a password.
fn masked(out: &mut String, value: &str) {
    let password = value.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.split_once('@')?;
        (!user.contains('/')).then_some((scheme, host))
    });
    match password {
        _ if starts_secret(value) => out.push_str(MASK),
        Some((scheme, host)) => {
            for part in [scheme, "://", MASK, "@", host] {
                out.push_str(part);
            }
        }
        None => out.push_str(value),
    }
}

fn starts_secret(text: &str) -> bool {
    let text = text.trim_start_matches(['"', '\'']);
    SECRET_STARTS.iter().any(|start| text.starts_with(start) && text.len() > start.len() + 8)
}

#[cfg(test)]
mod tests {
    use super::{command_line, excerpt};

    #[test]
    fn secrets_are_masked() {
        for (text, want) in [
            ("export HF_TOKEN=hf_abcdefghijkl", "export HF_TOKEN=***"),
            ("export my_api_key=\"x y\"", "export my_api_key=*** y\""),
            ("vllm --api-key abc -tp 4", "vllm --api-key *** -tp 4"),
            ("pip install https://me:pw@host/x", "pip install https://***@host/x"),
            ("export https_proxy=http://me:pw@proxy:1", "export https_proxy=http://***@proxy:1"),
            ("curl -H Bearer abc", "curl -H Bearer ***"),
            (
                "x --ssl-keyfile-password s3 --env=HF_TOKEN=zzz",
                "x --ssl-keyfile-password *** --env=HF_TOKEN=***",
            ),
            ("{\"api_key\":\"QW\"}", "{\"api_key\":***"),
            ("echo sk-0123456789abcdef", "echo ***"),
            ("ulimit  -l\n unlimited", "ulimit -l unlimited"),
        ] {
            assert_eq!(excerpt(text), want);
        }
    }

    #[test]
    fn a_command_line_is_whole_but_for_its_secrets() {
        let words = [
            "vllm",
            "--max-num-batched-tokens",
            "8192",
            "--tokenizer",
            "/mnt/tok",
            "--enable-prompt-tokens-details",
            "--api-key",
            "k1",
            "k2",
            "--kv-transfer-config",
            r#"{"kv_connector": "X", "extra": {"password": "p4ss", "n": 1}}"#,
            "--hf-token=hf_abcdefghijkl",
            "a b",
        ];
        assert_eq!(
            command_line(words),
            "vllm --max-num-batched-tokens 8192 --tokenizer /mnt/tok --enable-prompt-tokens-details --api-key '***' '***' \
             --kv-transfer-config '{\"kv_connector\": \"X\", \"extra\": {\"password\": \"***\", \"n\": 1}}' \
             '--hf-token=***' 'a b'"
        );
    }

    #[test]
    fn at_most_120_characters() {
        let long = excerpt(&"é ".repeat(200));
        assert_eq!(long.chars().count(), 120);
        assert!(long.ends_with('…'));
    }
}
