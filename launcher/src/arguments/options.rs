//! The flags that decide about NICs. Each may also come as a variable (`--rdma-expect` as `PREFILL_RDMA_EXPECT`),
//! because the arguments of a pod are the policy's; the flag wins.

use super::words::{Given, HINT_HELP, text};
use crate::failure::Failure;
use lexopt::Parser;
use prefill_core::environment::Environment;
use prefill_rdma::options::{Expect, Functions, GidScope, Pattern, Rdma, UcxTcp};
use std::time::Duration;

const WAIT: &str = "rdma-wait";

/// Flags that may also come as variables.
pub(crate) const FLAGS: [&str; 9] = [
    "rdma",
    "rdma-include",
    "rdma-exclude",
    "rdma-functions",
    "rdma-gids",
    "rdma-expect",
    WAIT,
    "ucx-tcp",
    "leader-address",
];

/// `rdma-expect` is `PREFILL_RDMA_EXPECT`.
pub(super) fn variable(flag: &str) -> String {
    format!("PREFILL_{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// Flags as they were said, in their order.
#[derive(Clone, Default)]
pub(super) struct Said(Vec<(String, String)>);

impl Said {
    /// Takes `flag` where it decides about NICs at once.
    pub(super) fn take(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
        let ours = flag != WAIT && FLAGS.contains(&flag);
        if ours {
            self.0.push((flag.to_owned(), text(parser)?));
        }
        Ok(ours)
    }

    /// Takes `--rdma-wait`, for those who can wait.
    pub(super) fn wait(&mut self, flag: &str, parser: &mut Parser) -> Result<bool, Failure> {
        if flag == WAIT {
            self.0.push((flag.to_owned(), text(parser)?));
        }
        Ok(flag == WAIT)
    }

    /// The same behind `flags` (`--rdma-exclude=mlx5_4`), so that the last decides.
    pub(super) fn behind(&self, flags: &[String]) -> Self {
        let parts = flags.iter().filter_map(|flag| flag.strip_prefix("--")?.split_once('='));
        let first = parts.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(first.chain(self.0.iter().cloned()).collect())
    }

    /// What they come to, and what variables say of the others.
    pub(super) fn given(&self, environment: &Environment) -> Result<Given, Failure> {
        let mut given = Given::default();
        for (flag, value) in &self.0 {
            option(&mut given, flag, value, &format!("`--{flag}`"))?;
        }
        let seen: Vec<&str> = self.0.iter().map(|(flag, _)| flag.as_str()).collect();
        variables(&mut given, &seen, environment)?;
        Ok(given)
    }
}

/// What variables say of flags that were not given.
pub(super) fn variables(given: &mut Given, seen: &[&str], environment: &Environment) -> Result<(), Failure> {
    for flag in FLAGS.iter().filter(|flag| !seen.contains(flag)) {
        if let Some(value) = environment.get(&variable(flag)) {
            option(given, flag, value, &format!("`{}`", variable(flag)))?;
        }
    }
    Ok(())
}

/// Variables that look like this program's and are not.
pub(crate) fn misspelt(environment: &Environment) -> Vec<String> {
    let ours = |name: &str| {
        ["PREFILL_RDMA", "PREFILL_UCX", "PREFILL_LEADER"].iter().any(|start| name.starts_with(start))
    };
    let unknown = environment
        .iter()
        .filter(|(name, _)| ours(name) && !FLAGS.iter().any(|flag| variable(flag) == *name));
    let all: Vec<String> = FLAGS.iter().map(|flag| format!("`{}`", variable(flag))).collect();
    unknown.map(|(name, _)| format!("`{name}` is not read, expected one of {}", all.join(", "))).collect()
}

/// Sets what `flag` stands for; `source` is where `value` was found.
pub(crate) fn option(given: &mut Given, flag: &str, value: &str, source: &str) -> Result<(), Failure> {
    let options = &mut given.options;
    match flag {
        "rdma" => {
            options.rdma = match value {
                "auto" => Rdma::Auto,
                "require" => Rdma::Require,
                "off" => Rdma::Off,
                _ => return Err(one_of(source, value, "`auto`, `require` or `off`")),
            };
        }
        "rdma-include" => options.include = patterns(value, source)?,
        "rdma-exclude" => options.exclude = patterns(value, source)?,
        "rdma-functions" => {
            options.functions = match value {
                "any" => Functions::Any,
                "physical" => Functions::Physical,
                "virtual" => Functions::Virtual,
                _ => return Err(one_of(source, value, "`any`, `physical` or `virtual`")),
            };
        }
        "rdma-gids" => {
            options.gids = match value {
                "local" => GidScope::Local,
                "any" => GidScope::Any,
                _ => return Err(one_of(source, value, "`local` or `any`")),
            };
        }
        "rdma-expect" => {
            options.expect = Some(match (value, value.parse()) {
                ("all", _) => Expect::All,
                (_, Ok(count)) => Expect::Ports(count),
                _ => return Err(one_of(source, value, "a whole number from 0, or `all`")),
            });
        }
        WAIT => {
            let seconds: u32 =
                value.parse().map_err(|_| one_of(source, value, "seconds, a whole number from 0"))?;
            given.wait = Some(Duration::from_secs(u64::from(seconds)));
        }
        "ucx-tcp" => {
            options.ucx_tcp = match value {
                "loopback" => UcxTcp::Loopback,
                "interface" => UcxTcp::Interface,
                "none" => UcxTcp::None,
                _ => return Err(one_of(source, value, "`loopback`, `interface` or `none`")),
            };
        }
        _ => {
            let address = prefill_core::leader::address(value);
            options.leader = Some(address.ok_or_else(|| one_of(source, value, "an IPv4 or IPv6 address"))?);
        }
    }
    Ok(())
}

fn patterns(value: &str, source: &str) -> Result<Vec<Pattern>, Failure> {
    let parts: Vec<&str> = value.split(',').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(one_of(source, value, "patterns such as `mlx5_*` or `mlx5_0:1`, separated by commas"));
    }
    Ok(parts.into_iter().map(Pattern::new).collect())
}

pub(super) fn one_of(source: &str, value: &str, allowed: &str) -> Failure {
    Failure::usage(format!("{source} is `{value}`, expected {allowed}"), HINT_HELP)
}
