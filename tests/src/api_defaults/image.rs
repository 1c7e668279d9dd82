//! Which pull policy an image reference brings: `pkg/util/parsers/parsers.go` (`ParseImageName`), which reads
//! the reference with github.com/distribution/reference.

/// `Always` for the tag `latest`, which is also what neither tag nor digest means; a reference that does not
/// parse has no tag.
pub(super) fn pull_policy(reference: &str) -> &'static str {
    if tag(reference) == Some("latest") { "Always" } else { "IfNotPresent" }
}

fn tag(reference: &str) -> Option<&str> {
    let (named, digest) = match reference.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (reference, None),
    };
    // A port belongs to the registry, so only the last path component can carry a tag.
    let last = named.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match named[last..].split_once(':') {
        Some((component, tag)) => (&named[..last + component.len()], Some(tag)),
        None => (named, None),
    };
    let valid = is_name(name) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
    if !valid {
        return None;
    }
    tag.or(if digest.is_none() { Some("latest") } else { None })
}

fn is_name(name: &str) -> bool {
    let is_domain = |first: &str| {
        first.contains(['.', ':']) || first == "localhost" || first.contains(|c: char| c.is_ascii_uppercase())
    };
    let path = match name.split_once('/') {
        Some((first, rest)) if is_domain(first) => {
            let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
            if !first.chars().all(allowed) {
                return false;
            }
            rest
        }
        _ => name,
    };
    // A bare image ID is refused: it would be taken for a name.
    let is_id = |name: &str| name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit());
    !is_id(name) && path.split('/').all(is_component)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(component: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let between =
        |run: &str| run.is_empty() || matches!(run, "." | "_" | "__") || run.chars().all(|c| c == '-');
    component.starts_with(word) && component.ends_with(word) && component.split(word).all(between)
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`
fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hash)| {
        let hexadecimal = hash.chars().all(|c| c.is_ascii_hexdigit());
        algorithm.starts_with(|c: char| c.is_ascii_alphabetic()) && hash.len() >= 32 && hexadecimal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_latest_is_always_pulled() {
        const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let digested = format!("ghcr.io/llm-d/llm-d-cuda@{DIGEST}");
        let tagged = format!("ghcr.io/llm-d/llm-d-cuda:v0.9.0@{DIGEST}");
        let latest = format!("ghcr.io/llm-d/llm-d-cuda:latest@{DIGEST}");
        for (reference, policy) in [
            ("vllm", "Always"),
            ("vllm:latest", "Always"),
            ("vllm/vllm-openai", "Always"),
            ("localhost:5000/vllm", "Always"),
            ("localhost:5000/vllm:v1", "IfNotPresent"),
            ("localhost:5000", "IfNotPresent"),
            ("ghcr.io/llm-d/llm-d-cuda:v0.9.0", "IfNotPresent"),
            ("Registry/vllm", "Always"),
            (&digested, "IfNotPresent"),
            (&tagged, "IfNotPresent"),
            (&latest, "Always"),
            // None of these parses.
            ("", "IfNotPresent"),
            ("vLLM", "IfNotPresent"),
            ("vllm:latest ", "IfNotPresent"),
            ("$(IMAGE)", "IfNotPresent"),
            ("a___b", "IfNotPresent"),
            (&DIGEST[7..], "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(reference), policy, "{reference}");
        }
    }
}
