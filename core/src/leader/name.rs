//! What was given as the leader: an IP address, or a name that can be looked up.

use crate::environment::{DP_ADDRESS_RESOLVE_ATTEMPTS, Environment};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Longest name of DNS, longest part of one, and how much of a wrong one is quoted.
const NAME: usize = 253;
const LABEL: usize = 63;
const QUOTED: usize = 120;

/// As many tries as KServe's script makes.
pub const ATTEMPTS: u32 = 30;

/// What was given.
#[derive(Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// The address itself.
    Address(IpAddr),
    /// A name that DNS may know.
    Name(&'a str),
}

/// What no DNS can ever know, or a number that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaderError {
    /// Where, what was found, what is allowed.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for LeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LeaderError {}

/// The address that `text` is. IPv6 may stand in brackets, as in a URL: vLLM puts them where they belong, and takes
/// an address with brackets for a name.
pub fn address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

/// Reads `text`, which was found in `source`. What no DNS can ever know is refused here, before anything waits for it.
pub fn read<'a>(text: &'a str, source: &str) -> Result<Named<'a>, LeaderError> {
    if let Some(address) = address(text) {
        return Ok(Named::Address(address));
    }
    if is_name(text) {
        return Ok(Named::Name(text));
    }
    let hint = if text.contains("$(") {
        "the kubelet fills in `$(NAME)` only where the container has a variable NAME"
    } else {
        "name the leader pod alone, without scheme and port: `NAME-0.SERVICE.NAMESPACE`"
    };
    let message = format!("{source} is `{}`, expected a host name or an IP address", quoted(text));
    Err(LeaderError { message, hint: hint.to_owned() })
}

/// How many tries stand one second apart: `DP_ADDRESS_RESOLVE_ATTEMPTS`, as KServe's script has it.
pub fn attempts(environment: &Environment) -> Result<u32, LeaderError> {
    let Some(value) = environment.get(DP_ADDRESS_RESOLVE_ATTEMPTS) else { return Ok(ATTEMPTS) };
    value.parse().map_err(|_| LeaderError {
        message: format!(
            "`{DP_ADDRESS_RESOLVE_ATTEMPTS}` is `{}`, expected a whole number from 0",
            quoted(value)
        ),
        hint: format!("unset it for {ATTEMPTS} tries, one second apart"),
    })
}

/// As much of a wrong value as a message shows.
fn quoted(text: &str) -> String {
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
    use super::{Named, address, read};

    #[test]
    fn addresses_are_taken_as_they_are_without_brackets() {
        for (text, want) in [
            ("10.244.1.5", "10.244.1.5"),
            ("fd00::5", "fd00::5"),
            ("[fd00::5]", "fd00::5"),
            ("FD00:0:0::5", "fd00::5"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"),
        ] {
            assert_eq!(read(text, "x").unwrap(), Named::Address(want.parse().unwrap()), "{text}");
            assert_eq!(address(text), Some(want.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn names_that_dns_may_know_are_names() {
        let long = format!("{}.x", "a".repeat(63));
        for text in ["d-0.d.llm", "leader", "d-0.d.llm.svc.cluster.local.", "3com", "a_b.c", &long] {
            assert_eq!(read(text, "x").unwrap(), Named::Name(text));
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
            assert!(failure.message.starts_with("`LWS_LEADER_ADDRESS` is `"), "{}", failure.message);
            assert!(failure.message.ends_with("`, expected a host name or an IP address"), "{text}");
            assert!(failure.message.len() < 240 && !failure.message.contains(['\n', '\0']), "{text}");
        }
        let unexpanded = read("$(LWS_LEADER_ADDRESS)", "`--leader-address`").unwrap_err();
        assert!(unexpanded.hint.contains("kubelet"));
    }
}
