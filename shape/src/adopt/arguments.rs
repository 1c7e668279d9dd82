//! The words behind `vllm serve`, as a [`Launch`]: owned flags are lifted, the rest passes through.

use crate::environment::{
    Environment, Known, LEADER_ADDRESS_MARK, LEADER_RANK_MARK, MARK, WORKER_INDEX_MARK,
};
use crate::reason::NotUnderstood;
use crate::reason::Reason;
use prefill_core::environment::{LWS_LEADER_ADDRESS, VLLM_API_SERVER_COUNT};
use prefill_core::excerpt::{excerpt, excerpt_of_word};
use prefill_core::flags::{self, Given, Owned};
use prefill_core::kubelet;
use prefill_core::launch::{ApiServers, Launch, LeaderAddress, LoadBalancing, StartRank, Tls};
use std::borrow::Cow;
use std::str::FromStr;

/// One argument: as it must be written into the pod again, and as vLLM would read it.
#[derive(Clone, Debug)]
pub(crate) struct Word<'a> {
    raw: Cow<'a, str>,
    text: Cow<'a, str>,
}

impl<'a> Word<'a> {
    /// A word of the pod's own `command` or `args`, which the kubelet expands.
    pub(crate) fn of_pod(word: &'a str, environment: &Environment<'a>) -> Self {
        let text = kubelet::expand(word, |name| match environment.get(name) {
            Known::Value(value) => Some(value),
            Known::Later | Known::Missing => None,
        });
        Self { raw: Cow::Borrowed(word), text }
    }

    /// A word that bash has read; the kubelet must not expand it a second time. Words of blanks
    /// only come from an option that KServe's template left out.
    pub(crate) fn of_shell(word: &'a str) -> Option<Self> {
        let trimmed = if word.trim_start().starts_with("--") { word.trim_start() } else { word };
        if trimmed.trim().is_empty() && !word.is_empty() {
            return None;
        }
        let mut raw = kubelet::escape(trimmed);
        if raw.contains(LEADER_ADDRESS_MARK) {
            raw = Cow::Owned(raw.replace(LEADER_ADDRESS_MARK, &format!("$({LWS_LEADER_ADDRESS})")));
        }
        Some(Self { raw, text: Cow::Borrowed(trimmed) })
    }
}

/// What the arguments say in a way that a [`Launch`] cannot show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    /// Expert parallelism is turned on or off.
    pub(crate) expert: bool,
    /// A whole argument is known only to the running pod, and may be any flag.
    pub(crate) opaque: bool,
}

/// Reads `words`, which follow `vllm serve`.
pub(crate) fn lift(words: &[Word<'_>]) -> Result<(Launch, Said), NotUnderstood> {
    let positional = words.first().filter(|word| !flags::is_flag(&word.text) && !word.text.is_empty());
    let words = if positional.is_some() { &words[1..] } else { words };
    let mut lift = Lift {
        words,
        has_positional: positional.is_some(),
        launch: Launch::new(positional.map(|word| word.raw.clone().into_owned()).unwrap_or_default()),
        said: Said::default(),
        certificate: None,
        key: None,
        refresh: false,
        rank_factor: None,
    };
    let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
    let sorted = flags::sort(&texts).map_err(|error| argument(error.word, error.problem))?;
    for given in &sorted.owned {
        lift.owned(given)?;
    }
    for at in sorted.rest {
        lift.pass(at)?;
    }
    lift.finish()
}

fn argument(word: &str, problem: &str) -> NotUnderstood {
    NotUnderstood::new(Reason::Argument, format!("argument `{}` {problem}", excerpt(&readable(word))))
}

/// The same of the word at `at`, which may be the value of a secret's flag.
fn argument_at(words: &[Word<'_>], at: usize, problem: &str) -> NotUnderstood {
    let texts: Vec<String> = words.iter().map(|word| readable(&word.text)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    NotUnderstood::new(Reason::Argument, format!("argument `{}` {problem}", excerpt_of_word(&texts, at)))
}

/// `text` with marks shown as the variables they stand for.
fn readable(text: &str) -> String {
    text.split(MARK)
        .enumerate()
        .map(|(at, part)| if at % 2 == 1 { format!("$({part})") } else { part.to_owned() })
        .collect()
}

struct Lift<'a> {
    words: &'a [Word<'a>],
    has_positional: bool,
    launch: Launch,
    said: Said,
    certificate: Option<String>,
    key: Option<String>,
    refresh: bool,
    /// By what the pod multiplies its index to get its first rank.
    rank_factor: Option<u32>,
}

impl Lift<'_> {
    fn owned(&mut self, given: &Given<'_>) -> Result<(), NotUnderstood> {
        let sizes = &mut self.launch.parallelism;
        match given.flag {
            // vLLM moves the first `--model` to the place behind `serve`; the second is another matter.
            Owned::Model if self.has_positional || !self.launch.model.is_empty() => {
                return Err(argument(
                    given.word,
                    "names a second model; hint: keep the one behind `vllm serve`",
                ));
            }
            Owned::Model => self.launch.model = self.text(given)?,
            Owned::ServedModelName => {
                // A reference behind the first name may turn out to be a flag.
                if let Some(value) = given.values.iter().skip(1).find(|value| value.starts_with("$(")) {
                    return Err(argument(value, "has a value that only the running pod knows"));
                }
                self.launch.served_model_names =
                    (0..given.values.len()).map(|at| self.raw(given, at)).collect::<Result<_, _>>()?;
            }
            Owned::Port => self.launch.port = number(given)?,
            Owned::Tensor => sizes.tensor = Some(number(given)?),
            Owned::Pipeline => sizes.pipeline = Some(number(given)?),
            Owned::Data => sizes.data = Some(number(given)?),
            Owned::DataLocal => sizes.data_local = Some(number(given)?),
            Owned::DataRpcPort => sizes.data_rpc_port = Some(number(given)?),
            Owned::Expert => {
                sizes.expert = given.on;
                self.said.expert = true;
            }
            Owned::StartRank => self.rank(given)?,
            Owned::Rank => {
                self.rank(given)?;
                // Here the pod has one rank, and its index is the rank.
                self.rank_factor = self.rank_factor.filter(|factor| *factor != 1);
                self.launch.load_balancing = LoadBalancing::External;
            }
            Owned::LeaderAddress => {
                self.launch.leader_address = if given.values == [LEADER_ADDRESS_MARK] {
                    LeaderAddress::Environment
                } else {
                    LeaderAddress::Given(self.text(given)?)
                };
            }
            Owned::HybridLoadBalancing => self.balance(given, LoadBalancing::Hybrid),
            Owned::ExternalLoadBalancing => self.balance(given, LoadBalancing::External),
            Owned::Headless => self.launch.headless = true,
            Owned::ApiServerCount => self.launch.api_servers = api_servers(given)?,
            Owned::AccessLogOff => self.launch.access_log.off = Some(given.on),
            Owned::AccessLogExcept => self.launch.access_log.except = Some(self.text(given)?),
            Owned::ShutdownTimeout => self.launch.shutdown_timeout = Some(number(given)?),
            Owned::TlsCertificate => self.certificate = Some(self.text(given)?),
            Owned::TlsKey => self.key = Some(self.text(given)?),
            Owned::TlsRefresh => self.refresh = given.on,
        }
        Ok(())
    }

    fn balance(&mut self, given: &Given<'_>, mode: LoadBalancing) {
        if given.on {
            self.launch.load_balancing = mode;
        } else if self.launch.load_balancing == mode {
            self.launch.load_balancing = LoadBalancing::Internal;
        }
    }

    fn rank(&mut self, given: &Given<'_>) -> Result<(), NotUnderstood> {
        let value = given.values.first().copied().unwrap_or_default();
        let as_in_kserve = value == LEADER_RANK_MARK;
        self.launch.keep_rank_0 = !as_in_kserve;
        let Some(factor) = value.strip_prefix(WORKER_INDEX_MARK) else {
            self.rank_factor = None;
            if as_in_kserve {
                self.launch.start_rank = StartRank::Fixed(0);
                return Ok(());
            }
            self.launch.start_rank = StartRank::Fixed(number(given)?);
            return Ok(());
        };
        let factor = match factor.strip_prefix(':') {
            None if factor.is_empty() => Some(1),
            None => None,
            Some(factor) => factor.parse().ok(),
        };
        self.rank_factor =
            Some(factor.ok_or_else(|| argument(value, "is not the worker index times a number"))?);
        self.launch.start_rank = StartRank::WorkerIndex;
        Ok(())
    }

    /// The value of a flag that takes one text, as it must be written into the pod.
    fn text(&self, given: &Given<'_>) -> Result<String, NotUnderstood> {
        self.raw(given, 0)
    }

    fn raw(&self, given: &Given<'_>, at: usize) -> Result<String, NotUnderstood> {
        let word = &self.words[given.positions[at]];
        let value = given.values[at];
        let raw = if value.len() == word.text.len() {
            word.raw.clone()
        } else {
            // `--flag=value` in one word.
            word.raw.split_once('=').map_or_else(|| kubelet::escape(value), |(_, raw)| Cow::Borrowed(raw))
        };
        if raw.contains(MARK) {
            return Err(argument(value, "has a value that only the running pod knows"));
        }
        Ok(raw.into_owned())
    }

    fn pass(&mut self, at: usize) -> Result<(), NotUnderstood> {
        let word = &self.words[at];
        let argument = |problem: &str| argument_at(self.words, at, problem);
        if word.text == "--" {
            return Err(argument("ends the options; hint: leave it out"));
        }
        if flags::names(&word.text, "config") {
            return Err(argument("names a file that may set any flag; hint: write the flags as arguments"));
        }
        if let Some(flag) = flags::abbreviated(&word.text) {
            return Err(argument(&format!("may stand for `--{flag}`; hint: write it in full")));
        }
        if word.raw.contains(MARK) {
            return Err(argument("has a value that only the running pod knows"));
        }
        self.said.opaque |= word.text.starts_with("$(");
        self.launch.passthrough.push(word.raw.clone().into_owned());
        Ok(())
    }

    fn finish(mut self) -> Result<(Launch, Said), NotUnderstood> {
        if self.launch.model.is_empty() {
            return Err(NotUnderstood::new(
                Reason::NoModel,
                "no model behind `vllm serve`, and no `--model`; hint: put the model first",
            ));
        }
        if self.rank_factor.is_some_and(|factor| self.launch.parallelism.data_local != Some(factor)) {
            return Err(NotUnderstood::new(
                Reason::StartRank,
                "the start rank is not LWS_WORKER_INDEX times --data-parallel-size-local; hint: make the two agree",
            ));
        }
        self.launch.keep_rank_0 &= keeps_rank_0(&self.launch);
        self.launch.tls = match (self.certificate, self.key, self.refresh) {
            (None, None, false) => None,
            (Some(certificate), Some(key), refresh) => Some(Tls { certificate, key, refresh }),
            _ => {
                return Err(NotUnderstood::new(
                    Reason::TlsIncomplete,
                    "TLS flags without both --ssl-certfile and --ssl-keyfile; hint: give both",
                ));
            }
        };
        Ok((self.launch, self.said))
    }
}

/// Whether rank 0 could be left out of what is said here: elsewhere every rank is written.
fn keeps_rank_0(launch: &Launch) -> bool {
    let may_be_0 = matches!(launch.start_rank, StartRank::WorkerIndex | StartRank::Fixed(0));
    may_be_0 && !launch.headless && launch.load_balancing == LoadBalancing::Internal
}

fn number<T: FromStr + PartialOrd + From<u16>>(given: &Given<'_>) -> Result<T, NotUnderstood> {
    given.number().ok_or_else(|| {
        let value = given.values.first().copied().unwrap_or_default();
        let shown =
            if given.word.contains('=') { given.word.to_owned() } else { format!("{} {value}", given.word) };
        let least = given.flag.least();
        argument(&shown, &format!("has a value that is not known here as a whole number from {least}"))
    })
}

fn api_servers(given: &Given<'_>) -> Result<ApiServers, NotUnderstood> {
    let value = given.values.first().copied().unwrap_or_default();
    let inner = value.strip_prefix(MARK).and_then(|value| value.strip_suffix(MARK));
    if let Some((VLLM_API_SERVER_COUNT, default)) = inner.and_then(|inner| inner.split_once(':'))
        && let Ok(default) = default.parse()
    {
        return Ok(ApiServers::Environment(default));
    }
    number(given).map(ApiServers::Fixed)
}

#[cfg(test)]
mod tests;
