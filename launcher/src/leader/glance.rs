//! One look for the leader, for commands that show what `run` would decide, and do not wait.

use super::choice_of;
use super::lookup::{self, PATIENCE, Trouble};
use prefill_core::environment::{Environment, LWS_LEADER_ADDRESS};
use prefill_core::leader::{Named, Own, read};
use prefill_core::serve::Group;
use std::net::IpAddr;

/// What one look shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Glance {
    /// Nobody named a leader.
    Unnamed,
    /// It is there.
    At(IpAddr),
    /// It has a name, which another machine may resolve otherwise.
    Elsewhere,
    /// It has no address, for this reason, which does not quote what was given.
    Unresolved(String),
}

/// Where `LWS_LEADER_ADDRESS` leads. A name is resolved `here` only, and of its addresses the one is taken that `run`
/// takes, with the same knowledge of this pod's `own` network.
pub(crate) fn glance(here: bool, environment: &Environment, own: impl FnOnce() -> Own) -> Glance {
    let Some(text) = environment.get(LWS_LEADER_ADDRESS) else { return Glance::Unnamed };
    let name = match read(text, "") {
        Err(_) => return Glance::Unresolved("it is neither a host name nor an IP address".to_owned()),
        Ok(Named::Address(address)) => return Glance::At(address),
        Ok(Named::Name(_)) if !here => return Glance::Elsewhere,
        Ok(Named::Name(name)) => name,
    };
    let answer = lookup::begin(name).map_err(|error| Trouble::said(&error));
    let answer = answer.and_then(|answer| answer.recv_timeout(PATIENCE).unwrap_or(Err(Trouble::Silent)));
    let leads = !Group::read(environment).unwrap_or_default().is_worker();
    match answer.and_then(|found| choice_of(found, &own(), leads)) {
        Ok(choice) => Glance::At(choice.address),
        Err(trouble) => Glance::Unresolved(trouble.to_string()),
    }
}
