//! The forms of names: `apimachinery/pkg/util/validation/validation.go`.

/// `IsDNS1123Label`
pub(super) fn is_dns_label(name: &str) -> bool {
    name.len() <= 63 && is_dns_word(name)
}

/// `IsDNS1123Subdomain`, which limits the whole and not its labels.
pub(super) fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_dns_word)
}

fn is_dns_word(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    word.starts_with(plain) && word.ends_with(plain) && word.chars().all(|c| plain(c) || c == '-')
}

/// `IsQualifiedName`: an optional DNS prefix and a name.
pub(super) fn is_qualified(name: &str) -> bool {
    match name.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_label_word(name),
        None => is_label_word(name),
    }
}

/// `IsValidLabelValue`
pub(super) fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_label_word(value)
}

fn is_label_word(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let inner = |c: char| plain(c) || "-_.".contains(c);
    word.len() <= 63 && word.starts_with(plain) && word.ends_with(plain) && word.chars().all(inner)
}

/// `IsValidPortName`
pub(super) fn is_port_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= 15
        && name.chars().all(allowed)
        && name.contains(|c: char| c.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// `IsRelaxedEnvVarName`, the rule since Kubernetes 1.32.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| (' '..='~').contains(&c) && c != '=')
}

/// `IsConfigMapKey`
pub(super) fn is_config_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !key.is_empty() && key.len() <= 253 && key.chars().all(allowed) && key != "." && !key.starts_with("..")
}

/// `IsHTTPHeaderName`
pub(super) fn is_header(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// `validateLocalDescendingPath`: relative, and without a step back.
pub(super) fn is_descending(path: &str) -> bool {
    !path.starts_with('/') && !steps_back(path)
}

/// `ValidateLocalNonReservedPath`: the kubelet keeps what starts with two dots for itself.
pub(super) fn is_unreserved(path: &str) -> bool {
    is_descending(path) && !path.starts_with("..")
}

/// `validatePathNoBacksteps`
pub(super) fn steps_back(path: &str) -> bool {
    path.split('/').any(|step| step == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let long = "a".repeat(64);
        for (rule, valid, invalid) in [
            (
                is_dns_label as fn(&str) -> bool,
                vec!["a", "0", "a-0", &long[..63]],
                vec!["", "-a", "a-", "A", "a.b", &long],
            ),
            (is_dns_subdomain, vec!["a", "a.b-c", &long], vec!["", "a..b", ".a", "a_b"]),
            (
                is_qualified,
                vec!["a", "A_b.c", "k8s.io/a", "a.b/C"],
                vec!["", "/a", "a/", "a/b/c", "A.b/c", "-a", &long],
            ),
            (is_label_value, vec!["", "a", "A.b_c-0"], vec!["-a", "a/b", &long]),
            (
                is_port_name,
                vec!["http", "8000-a", "vllm-grpc-port0"],
                vec!["", "8000", "a--b", "-a", "a-", "Http", "vllm-grpc-port00"],
            ),
            (is_variable, vec!["A", "0", "a b", "my.var-0"], vec!["", "A=B", "ä", "a\n"]),
            (is_config_key, vec!["a", ".a", "A_b-c"], vec!["", ".", "..", "..a", "a/b"]),
            (is_header, vec!["X-Header-Name"], vec!["", "X Header", "a:"]),
            (is_unreserved, vec!["a/b", "a..b"], vec!["/a", "a/../b", "..", "..a", "../a"]),
        ] {
            for name in valid {
                assert!(rule(name), "{name:?} is valid");
            }
            for name in invalid {
                assert!(!rule(name), "{name:?} is not valid");
            }
        }
    }
}
