//! The leader's name as one IP address, before vLLM starts.
//!
//! vLLM takes names, but ZMQ binds to them only in some versions, and connects to one that nobody knows without a
//! word: the worker then hangs until the handshake's five minutes are over. DNS has a pod's name a moment after the
//! pod has an address, so the first answers may well be that there is none.

mod glance;
mod lookup;
mod wait;

pub(crate) use glance::{Glance, glance};

use crate::failure::Failure;
use crate::stop::Stop;
use lookup::Trouble;
use prefill_core::environment::Environment;
use prefill_core::leader::{self, Choice, LeaderError, Named, Own, choose, doubt, list, locals};
use prefill_rdma::text::Level;
use std::net::IpAddr;
use std::time::Duration;
use wait::Wait;

/// How long is looked for the leader. The leader's address is there as soon as its sandbox is, before images are
/// pulled and models loaded, so what is waited for is a node (a cluster autoscaler takes minutes for one with GPUs),
/// the attaching of volumes, and DNS, which also remembers for up to 30 seconds that there was no such name. To give
/// up earlier is worse than to wait: `LeaderWorkerSet` then recreates the whole group, the leader with it, and all of
/// that begins anew. Without any end a group with a wrong name would hold its GPUs in silence.
pub(crate) const BUDGET: Duration = Duration::from_mins(10);

/// What is looked for.
pub(crate) struct Search<'a> {
    /// Host name or IP address.
    pub(crate) name: &'a str,
    /// Where it was found, in backticks, for messages.
    pub(crate) source: &'a str,
    /// Whether this pod is the leader, which must have the address itself.
    pub(crate) leads: bool,
    /// How many tries stand one second apart.
    pub(crate) attempts: u32,
    /// How long is looked for it. `attempts` seconds, where that is longer.
    pub(crate) budget: Duration,
}

/// How many quick tries the environment asks for.
pub(crate) fn attempts(environment: &Environment) -> Result<u32, Failure> {
    leader::attempts(environment).map_err(refused)
}

fn refused(error: LeaderError) -> Failure {
    Failure::usage(error.message, error.hint)
}

/// The one address of those that DNS gave.
fn choice_of(found: Vec<IpAddr>, own: &Own, leads: bool) -> Result<Choice, Trouble> {
    choose(found, own, leads).ok_or_else(|| Trouble::said(&"No address associated with hostname"))
}

/// The leader's address. What happens meanwhile goes to `log`.
pub(crate) fn resolve(
    search: &Search<'_>,
    own: &Own,
    stop: &Stop,
    log: &mut dyn FnMut(Level, String),
) -> Result<IpAddr, Failure> {
    let address = match leader::read(search.name, search.source).map_err(refused)? {
        Named::Address(address) => {
            log(Level::Info, format!("the leader is {address}, as {} says", search.source));
            address
        }
        Named::Name(name) => {
            let choice = Wait::begin(search, name, log).until_found(own, stop)?;
            tell(name, &choice, log);
            choice.address
        }
    };
    if let Some(why) = doubt(address, own, search.leads) {
        let locals = locals(own);
        let locals = if locals.is_empty() { "none".to_owned() } else { list(&locals) };
        let then = if search.leads { "vLLM cannot listen on it" } else { "vLLM cannot reach it" };
        let message =
            format!("the leader's address is {address}, {why}: {then}; the pod's addresses: {locals}");
        log(Level::Warning, message);
    }
    Ok(address)
}

/// What was chosen of what there was.
fn tell(name: &str, choice: &Choice, log: &mut dyn FnMut(Level, String)) {
    let Choice { address, family, same, other } = choice;
    if let Some(why) = family {
        let also = list(other);
        log(
            Level::Info,
            format!("`{name}` also has {also}: {why}, and every pod must take the same address"),
        );
    }
    if !same.is_empty() {
        let also = list(same);
        let message = format!(
            "`{name}` also has {also}, and only one can be the leader's: {address} is taken; hint: name the leader \
             pod, not a Service of several pods"
        );
        log(Level::Warning, message);
    }
    if address.is_loopback() {
        log(Level::Warning, format!("`{name}` is {address}, which no other pod can reach"));
    }
}
