//! What is a secret: judged by names here, found in text by [`Secrets`] and in a program's words by [`Words`], and
//! known by value to [`Values`].
//!
//! There is one judgement of names, and everything that quotes asks it. A name is read by its parts, so that
//! `HF_TOKEN`, `--hf-token` and `hfToken` are one name, and `--tokenizer` is another. Where in doubt, it is a secret:
//! a value that is masked costs a look into the pod, one that is shown costs the secret.

#[cfg(test)]
mod names;
#[cfg(test)]
mod properties;
mod recognise;
mod text;
mod values;
mod words;

pub use text::Secrets;
pub use values::Values;
pub use words::Words;

/// What stands in a secret's place.
pub const MASK: &str = "***";

/// Words that make a secret of any name, also where a name has no boundaries (`apikey`, `DBPASSWORD`).
const WITHIN: [&str; 15] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passkey",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "authorisation",
    "bearer",
    "apitokens",
    "accesstokens",
];
/// Parts that do so by themselves.
const PARTS: [&str; 12] = [
    "auth",
    "oauth",
    "jwt",
    "psk",
    "cred",
    "creds",
    "cookie",
    "cookies",
    "privkey",
    "pwd",
    "signature",
    "sas",
];
/// Parts that do so at the end of a name: what follows (`pass_config`, `PATH`) makes them something else.
const LAST: [&str; 3] = ["pass", "pat", "sig"];
/// What stands before `key` where it is one wherever it stands. At the end of a name `key` is a secret anyway.
const KEYS_OF: [&str; 16] = [
    "account",
    "auth",
    "client",
    "deploy",
    "encryption",
    "hmac",
    "host",
    "license",
    "master",
    "service",
    "session",
    "shared",
    "signing",
    "ssh",
    "storage",
    "wallet",
];
/// What stands before `key` at the end of a name where it is none.
const NO_KEYS_OF: [&str; 12] = [
    "cache",
    "foreign",
    "group",
    "hash",
    "index",
    "label",
    "partition",
    "primary",
    "pub",
    "public",
    "sort",
    "topology",
];
/// What a model's token has, and a secret has not: `eos_token_id`, `--long-prefill-token-threshold`.
const OF_TEXT: [&str; 8] = ["id", "ids", "threshold", "count", "limit", "budget", "length", "len"];
/// Words that end in `pass` and are none.
const NO_PASS: [&str; 3] = ["bypass", "compass", "multipass"];

/// Whether the value of what is called `name` is a secret: a variable, a flag, a member of an object, a header.
///
/// A path to a secret is none by itself. But `HF_TOKEN_PATH` counts: the token itself is put there by mistake, and
/// nobody misses the path. `--ssl-keyfile` does not count: its name says file in the same word.
pub fn is_secret(name: &str) -> bool {
    if abbreviates(name) {
        return true;
    }
    let parts = parts(name);
    let Some(last) = parts.last().map(String::as_str) else { return false };
    let pair = |first: &str, second: &[&str]| {
        parts.windows(2).any(|pair| pair[0] == first && second.contains(&pair[1].as_str()))
    };
    // A switch of CORS, and what the kubelet makes of Services, whose names may be any (`TOKEN_SERVICE_HOST`).
    if parts == ["allow", "credentials"]
        || pair("service", &["host", "port"])
        || pair("port", &["tcp", "udp", "sctp"])
    {
        return false;
    }
    let whole = parts.concat();
    WITHIN.iter().any(|word| whole.contains(word))
        || parts.iter().any(|part| PARTS.contains(&part.as_str()))
        || LAST.contains(&last)
        || (last.ends_with("pass") && !NO_PASS.contains(&last))
        || has_token(&parts)
        || has_key(&parts, last)
}

/// Flags of vLLM's whose value is a secret; its parser takes any beginning of a name.
const FLAGS: [&str; 3] = ["api-key", "hf-token", "ssl-keyfile-password"];

/// Whether `name` is the beginning of such a flag, and of no other that vLLM has.
fn abbreviates(name: &str) -> bool {
    let Some(name) = name.strip_prefix("--") else { return false };
    let name = name.replace('_', "-");
    let begins = |flag: &&str| flag.starts_with(name.as_str());
    name.len() > 4 && !"ssl-keyfile".starts_with(name.as_str()) && FLAGS.iter().any(begins)
}

/// Many tokens are a number, one is a secret, unless it is a model's.
fn has_token(parts: &[String]) -> bool {
    parts.iter().enumerate().any(|(at, part)| {
        let of_text = parts.get(at + 1).is_some_and(|next| OF_TEXT.contains(&next.as_str()));
        part.ends_with("token") && !of_text
    })
}

fn has_key(parts: &[String], last: &str) -> bool {
    let is_key = |part: &str| part == "key" || part == "keys";
    let of = |words: &[&str], at: usize| at > 0 && words.contains(&parts[at - 1].as_str());
    let end = parts.len() - 1;
    (last == "key" && !of(&NO_KEYS_OF, end))
        || (0..parts.len()).any(|at| is_key(&parts[at]) && of(&KEYS_OF, at))
}

/// The parts of `name` in lower case, without numbers: `awsSecretAccessKey2` is `aws`, `secret`, `access`, `key`.
fn parts(name: &str) -> Vec<String> {
    let bytes = name.as_bytes();
    let mut parts: Vec<String> = Vec::new();
    let mut open = false;
    for (at, byte) in bytes.iter().enumerate() {
        if !byte.is_ascii_alphabetic() {
            // A number ends no word of a name (`s3cret` is none), but does not belong to it either.
            open &= byte.is_ascii_digit();
            continue;
        }
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let lower_before =
            before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit());
        let lower_behind = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let upper_before = before.is_some_and(|before| before.is_ascii_uppercase());
        // `apiKey`, and the last capital of `HFToken`.
        let hump = byte.is_ascii_uppercase() && (lower_before || (upper_before && lower_behind));
        if !open || hump {
            parts.push(String::new());
            open = true;
        }
        if let Some(part) = parts.last_mut() {
            part.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    parts
}
