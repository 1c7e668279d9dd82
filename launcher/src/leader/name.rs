//! What was given as the leader: an IP address, or a name that can be looked up.

use crate::failure::Failure;
use std::net::{IpAddr, Ipv6Addr};

/// Longest name of DNS, longest part of one, and how much of a wrong one is quoted.
const NAME: usize = 253;
const LABEL: usize = 63;
const QUOTED: usize = 120;

/// What was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given<'a> {
    Address(IpAddr),
    Name(&'a str),
}

/// Reads `text`, which was found in `source`. What no DNS can ever know is refused here, before anything waits for it.
pub(super) fn read<'a>(text: &'a str, source: &str) -> Result<Given<'a>, Failure> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // vLLM puts the brackets where they belong, and takes an address with brackets for a name.
        if let Ok(address) = inner.parse::<Ipv6Addr>() {
            return Ok(Given::Address(address.into()));
        }
    } else if let Ok(address) = text.parse() {
        return Ok(Given::Address(address));
    } else if is_name(text) {
        return Ok(Given::Name(text));
    }
    let hint = if text.contains("$(") {
        "the kubelet fills in `$(NAME)` only where the container has a variable NAME"
    } else {
        "name the leader pod alone, without scheme and port: `NAME-0.SERVICE.NAMESPACE`"
    };
    let shown = quoted(text);
    Err(Failure::usage(format!("{source} is `{shown}`, expected a host name or an IP address"), hint))
}

/// As much of a wrong value as a message shows.
pub(super) fn quoted(text: &str) -> String {
    text.chars().take(QUOTED).flat_map(char::escape_debug).collect()
}

/// Whether DNS may know it. A name that ends in a number is none: the C library reads `10.1` and `010.0.0.1` as
/// addresses that nobody meant.
fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= NAME && text.split('.').all(label) && !text.rsplit('.').next().is_none_or(number)
}

#[cfg(test)]
mod tests {
    use super::{Given, read};

    #[test]
    fn addresses_are_taken_as_they_are_without_brackets() {
        for (text, address) in [
            ("10.244.1.5", "10.244.1.5"),
            ("fd00::5", "fd00::5"),
            ("[fd00::5]", "fd00::5"),
            ("FD00:0:0::5", "fd00::5"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        ] {
            assert_eq!(read(text, "x").unwrap(), Given::Address(address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn names_that_dns_may_know_are_names() {
        let long = format!("{}.x", "a".repeat(63));
        for text in ["d-0.d.llm", "leader", "d-0.d.llm.svc.cluster.local.", "3com", "a_b.c", &long] {
            assert_eq!(read(text, "x").unwrap(), Given::Name(text));
        }
    }

    #[test]
    fn everything_else_is_refused_and_named() {
        let (label, whole) = ("a".repeat(64), "a.".repeat(127) + "a");
        let wrong = [
            "",
            ".",
            "a..b",
            "leader:5555",
            "tcp://leader",
            "[fd00::5]:5555",
            "[10.0.0.1]",
            "[leader]",
            "fe80::1%eth0",
            "a b",
            "a\0b",
            "leader\n",
            "ü.example",
            "10.1",
            "010.0.0.1",
            "10.0.0.256",
            &label,
            &whole,
        ];
        for text in wrong {
            let failure = read(text, "`LWS_LEADER_ADDRESS`").unwrap_err();
            assert_eq!(failure.code, 64, "{text}");
            assert!(failure.message.starts_with("`LWS_LEADER_ADDRESS` is `"), "{}", failure.message);
            assert!(failure.message.ends_with("`, expected a host name or an IP address"), "{text}");
            assert!(failure.message.len() < 240 && !failure.message.contains(['\n', '\0']), "{text}");
        }
        let unexpanded = read("$(LWS_LEADER_ADDRESS)", "`--leader-address`").unwrap_err();
        assert!(unexpanded.hint.is_some_and(|hint| hint.contains("kubelet")));
    }
}
