//! Asking again until there is an answer, and what is said meanwhile.

use super::lookup::{self, PATIENCE, Trouble};
use super::{Search, choice_of};
use crate::failure::Failure;
use crate::stop::{Caught, Stop};
use prefill_core::environment::DP_ADDRESS_RESOLVE_ATTEMPTS;
use prefill_core::leader::{Choice, Own, doubt};
use prefill_rdma::text::Level;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How far apart the first tries are, as in KServe's script, and those behind them.
const PACE: Duration = Duration::from_secs(1);
const SLOW_PACE: Duration = Duration::from_secs(2);
/// How long nothing is said while nothing changes.
const QUIET: Duration = Duration::from_secs(30);

/// A search that goes on.
pub(super) struct Wait<'a> {
    search: &'a Search<'a>,
    name: &'a str,
    log: &'a mut dyn FnMut(Level, String),
    start: Instant,
    budget: Duration,
    tries: u32,
    said: Instant,
    trouble: Option<Trouble>,
}

impl<'a> Wait<'a> {
    pub(super) fn begin(
        search: &'a Search<'a>,
        name: &'a str,
        log: &'a mut dyn FnMut(Level, String),
    ) -> Self {
        let budget = search.budget.max(PACE * search.attempts);
        let start = Instant::now();
        Self { search, name, log, start, budget, tries: 0, said: start, trouble: None }
    }

    pub(super) fn until_found(mut self, own: &Own, stop: &Stop) -> Result<Choice, Failure> {
        let doing = format!("looking for the leader `{}`", self.name);
        let end = self.start + self.budget;
        loop {
            self.tries = self.tries.saturating_add(1);
            let answer = self.ask(stop, end).map_err(|caught| caught.while_doing(&doing))?;
            let trouble = match answer {
                Err(trouble) => trouble,
                Ok(found) => match choice_of(found, own, self.search.leads) {
                    Err(trouble) => trouble,
                    Ok(choice) => match doubt(choice.address, own, self.search.leads) {
                        Some(why) if self.may_change(end) => Trouble::Doubtful(choice.address, why),
                        _ => {
                            self.found(choice.address);
                            return Ok(choice);
                        }
                    },
                },
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.failure(trouble));
            }
            self.failed(trouble);
            let pace = if self.tries < self.search.attempts { PACE } else { SLOW_PACE };
            stop.sleep(pace.min(left)).map_err(|caught| caught.while_doing(&doing))?;
        }
    }

    /// One try, and a word about it where it takes long.
    fn ask(&mut self, stop: &Stop, end: Instant) -> Result<Result<Vec<IpAddr>, Trouble>, Caught> {
        let answer = match lookup::begin(self.name) {
            Ok(answer) => answer,
            // No thread now, perhaps one in a second.
            Err(error) => return Ok(Err(Trouble::said(&error))),
        };
        loop {
            let until = end.min(Instant::now() + PATIENCE);
            if let Some(answer) = stop.receive(&answer, until)? {
                return Ok(answer);
            }
            let now = Instant::now();
            if now < until || now >= end {
                return Ok(Err(Trouble::Silent));
            }
            self.failed(Trouble::Silent);
        }
    }

    /// Whether a doubtful address is asked for again. After a group was recreated DNS may still have the address of
    /// the leader's predecessor, which had the same name; and where DNS fails for one family only, the resolver gives
    /// the other without a word. After the quick tries it is taken, with a warning.
    fn may_change(&self, end: Instant) -> bool {
        self.tries < self.search.attempts && Instant::now() < end
    }

    fn found(&mut self, address: IpAddr) {
        let when = match self.tries {
            1 => String::new(),
            tries => format!(", found on try {tries} after {}", seconds(self.start.elapsed())),
        };
        (self.log)(Level::Info, format!("the leader `{}` is {address}{when}", self.name));
    }

    /// Says it where it is new, or has not been said for long.
    fn failed(&mut self, trouble: Trouble) {
        let (name, tries) = (self.name, self.tries);
        let new = match &self.trouble {
            Some(before) => trouble != Trouble::Silent && *before != trouble,
            None => true,
        };
        let (spent, budget) = (seconds(self.start.elapsed()), seconds(self.budget));
        if trouble != Trouble::Silent && tries == self.search.attempts.max(1) {
            let times = times(tries);
            let message = format!(
                "the leader `{name}` was not found in {times} (`{DP_ADDRESS_RESOLVE_ATTEMPTS}`): {trouble}; \
                 it is looked for until {budget} are over, because a restart would recreate the whole group"
            );
            self.say(Level::Warning, message);
        } else if new || self.said.elapsed() >= QUIET {
            self.say(
                Level::Info,
                format!("waiting for the leader `{name}`: {trouble}; {spent} of {budget}, try {tries}"),
            );
        }
        self.remember(trouble);
    }

    /// What was said before a silence is worth more than the silence.
    fn remember(&mut self, trouble: Trouble) {
        if self.trouble.is_none() || trouble != Trouble::Silent {
            self.trouble = Some(trouble);
        }
    }

    fn say(&mut self, level: Level, message: String) {
        self.said = Instant::now();
        (self.log)(level, message);
    }

    /// Time is up.
    fn failure(&mut self, last: Trouble) -> Failure {
        self.remember(last);
        let trouble = self.trouble.as_ref().unwrap_or(&Trouble::Silent);
        let (budget, times) = (seconds(self.budget), times(self.tries));
        let Search { source, .. } = self.search;
        let message = format!(
            "{source} is `{}`, for which no address was found in {budget} and {times}: {trouble}",
            self.name
        );
        Failure::failed(message).hint(trouble.hint())
    }
}

/// `2 s`
fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

/// `3 tries`
fn times(tries: u32) -> String {
    if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") }
}
