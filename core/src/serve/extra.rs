//! Words that a user gives vLLM beside what the launcher writes: `VLLM_ADDITIONAL_ARGS`, then what stands behind
//! `--`. Nothing is expanded. Flags among them that the launcher writes itself are lifted into the launch: theirs
//! are the last, which are the ones that vLLM takes, and what is checked must be what is started.

use crate::environment::VLLM_ADDITIONAL_ARGS;
use crate::excerpt::{command_line, excerpt, excerpt_of_word};
use crate::flags::{self, Given, Owned};
use crate::launch::{ApiServers, Launch, LeaderAddress, LoadBalancing, StartRank, Tls};
use std::fmt;
use std::str::FromStr;

/// The words, once the launcher's own flags are lifted out of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// Every word that stays, in order.
    pub words: Vec<String>,
    /// Whether one of them may stand for a flag of the launcher's: vLLM takes any beginning of a name.
    pub abbreviates: bool,
    /// What somebody may want to know.
    pub warnings: Vec<String>,
}

/// Words that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraError {
    /// What is wrong, and where.
    pub message: String,
}

impl fmt::Display for ExtraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExtraError {}

impl Extra {
    /// Reads `additional` (the variable's text) and `passthrough`. With `shell_words`, each word of `passthrough` is
    /// itself read as a shell would (KServe writes some of its arguments with quotes in them).
    pub fn read(
        additional: Option<&str>,
        passthrough: &[String],
        shell_words: bool,
    ) -> Result<Self, ExtraError> {
        let mut extra = Self::default();
        if let Some(text) = additional {
            let words = split(text, VLLM_ADDITIONAL_ARGS, || excerpt(text))?;
            extra.warn_of_variables(&words, VLLM_ADDITIONAL_ARGS);
            extra.words.extend(words);
        }
        for (at, word) in passthrough.iter().enumerate() {
            if shell_words && !is_json(word) {
                let shown = || excerpt_of_word(&texts(passthrough), at);
                extra.words.extend(split(word, "an argument behind `--`", shown)?);
            } else {
                extra.words.push(word.clone());
            }
        }
        extra.drop_empty();
        extra.abbreviates = extra.words.iter().any(|word| flags::abbreviated(word).is_some());
        Ok(extra)
    }

    /// An empty word by itself comes from an option that a template left out, and vLLM refuses it. Behind a flag it
    /// is that flag's value.
    fn drop_empty(&mut self) {
        let mut behind_flag = false;
        let before = self.words.len();
        self.words.retain(|word| {
            let stays = !word.is_empty() || behind_flag;
            behind_flag = word.starts_with("--") && !word.contains('=');
            stays
        });
        let dropped = before - self.words.len();
        if dropped > 0 {
            self.warnings.push(format!("{dropped} empty words for vLLM are left out: it would refuse them"));
        }
    }

    /// Moves the launcher's flags from the words into `launch`, the last of each.
    pub fn lift(&mut self, launch: &mut Launch) -> Result<(), ExtraError> {
        let words = texts(&self.words);
        let sorted = flags::sort(&words).map_err(|error| ExtraError {
            message: format!("`{}` {}", excerpt(error.word), error.problem),
        })?;
        let mut rest = sorted.rest;
        for given in &sorted.owned {
            if given.flag == Owned::Model {
                // The launch has a model; vLLM says itself which one it takes.
                rest.extend(
                    words
                        .iter()
                        .position(|word| *word == given.word)
                        .into_iter()
                        .chain(given.positions.iter().copied()),
                );
                continue;
            }
            apply(given, launch)?;
            let shown = command_line([given.word].into_iter().chain(given.values.iter().copied()));
            self.warnings.push(format!("`{shown}` is the user's and replaces what the launcher was told"));
        }
        rest.sort_unstable();
        rest.dedup();
        self.words = rest.into_iter().filter_map(|at| words.get(at)).map(|word| (*word).to_owned()).collect();
        self.drop_empty();
        Ok(())
    }

    fn warn_of_variables(&mut self, words: &[String], source: &str) {
        for (at, _) in words.iter().enumerate().filter(|(_, word)| names_variable(word)) {
            self.warnings.push(format!(
                "`{source}`: `{}` stays as it is, no variable is put in; hint: write `$(NAME)`, which the kubelet expands",
                excerpt_of_word(&texts(words), at)
            ));
        }
    }

    /// Whether the words give the long flag `name`, in any spelling, or a member of it (`--name.member`).
    pub fn names(&self, name: &str) -> bool {
        self.words.iter().any(|word| {
            let whole = word.split_once('=').map_or(word.as_str(), |(whole, _)| whole);
            flags::names(whole.split_once('.').map_or(whole, |(name, _)| name), name)
        })
    }
}

/// What one flag says, in the launch.
fn apply(given: &Given<'_>, launch: &mut Launch) -> Result<(), ExtraError> {
    let sizes = &mut launch.parallelism;
    let text = || given.values.first().copied().unwrap_or_default().to_owned();
    match given.flag {
        Owned::Model => {}
        Owned::ServedModelName => {
            launch.served_model_names = given.values.iter().map(|name| (*name).to_owned()).collect();
        }
        Owned::Port => launch.port = number(given)?,
        Owned::Tensor => sizes.tensor = Some(number(given)?),
        Owned::Pipeline => sizes.pipeline = Some(number(given)?),
        Owned::Data => sizes.data = Some(number(given)?),
        Owned::DataLocal => sizes.data_local = Some(number(given)?),
        Owned::DataRpcPort => sizes.data_rpc_port = Some(number(given)?),
        Owned::Expert => sizes.expert = given.on,
        Owned::StartRank => {
            launch.start_rank = StartRank::Fixed(number(given)?);
            launch.keep_rank_0 = true;
        }
        Owned::Rank => {
            launch.start_rank = StartRank::Fixed(number(given)?);
            launch.load_balancing = LoadBalancing::External;
        }
        Owned::LeaderAddress => launch.leader_address = LeaderAddress::Given(text()),
        Owned::HybridLoadBalancing | Owned::ExternalLoadBalancing => {
            let mode = match given.flag {
                Owned::HybridLoadBalancing => LoadBalancing::Hybrid,
                _ => LoadBalancing::External,
            };
            if given.on {
                launch.load_balancing = mode;
            } else if launch.load_balancing == mode {
                launch.load_balancing = LoadBalancing::Internal;
                // The rank that stood beside the flag stays, and vLLM makes of it what it makes of any.
                launch.keep_rank_0 = true;
            }
        }
        Owned::Headless => launch.headless = true,
        Owned::ApiServerCount => launch.api_servers = ApiServers::Fixed(number(given)?),
        Owned::AccessLogOff => launch.access_log.off = Some(given.on),
        Owned::AccessLogExcept => launch.access_log.except = Some(text()),
        Owned::ShutdownTimeout => launch.shutdown_timeout = Some(number(given)?),
        Owned::TlsCertificate | Owned::TlsKey | Owned::TlsRefresh => {
            let tls = launch.tls.get_or_insert_with(|| Tls {
                certificate: String::new(),
                key: String::new(),
                refresh: false,
            });
            match given.flag {
                Owned::TlsCertificate => tls.certificate = text(),
                Owned::TlsKey => tls.key = text(),
                _ => tls.refresh = given.on,
            }
        }
    }
    Ok(())
}

fn number<T: FromStr + PartialOrd + From<u16>>(given: &Given<'_>) -> Result<T, ExtraError> {
    given.number().ok_or_else(|| {
        let value = given.values.first().copied().unwrap_or_default();
        let (shown, least) = (excerpt(value), given.flag.least());
        ExtraError {
            message: format!("`{}` is `{shown}`, expected a whole number from {least}", excerpt(given.word)),
        }
    })
}

fn texts(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Words as a POSIX shell splits them.
fn split(text: &str, source: &str, shown: impl Fn() -> String) -> Result<Vec<String>, ExtraError> {
    shlex::split(text).ok_or_else(|| ExtraError {
        message: format!("`{source}` is `{}`, which has a quote or backslash without its end", shown()),
    })
}

/// JSON has quotes of its own, which belong to it; also behind `--flag=`.
fn is_json(word: &str) -> bool {
    let word = match word.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => value.trim(),
        _ => word.trim(),
    };
    (word.starts_with('{') && word.ends_with('}')) || (word.starts_with('[') && word.ends_with(']'))
}

fn names_variable(word: &str) -> bool {
    let mut rest = word;
    while let Some((_, behind)) = rest.split_once('$') {
        if behind.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == '{') {
            return true;
        }
        rest = behind;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::Extra;
    use crate::launch::{Launch, LeaderAddress, LoadBalancing};

    fn words(text: &str) -> Vec<String> {
        Extra::read(Some(text), &[], false).unwrap().words
    }

    #[test]
    fn words_are_a_shells_and_nothing_is_expanded() {
        assert_eq!(
            words(r#"--kv_transfer_config '{"kv_role":"kv_both"}' --x $(touch x) `id` ; $HOME "a b""#),
            [
                "--kv_transfer_config",
                r#"{"kv_role":"kv_both"}"#,
                "--x",
                "$(touch",
                "x)",
                "`id`",
                ";",
                "$HOME",
                "a b"
            ]
        );
        let extra = Extra::read(Some("--a $HOME --b ${X} --c 5$"), &[], false).unwrap();
        assert_eq!(extra.warnings.len(), 2, "{:?}", extra.warnings);
    }

    #[test]
    fn an_open_quote_is_an_error_that_quotes_it() {
        let error = Extra::read(Some("--a 'b"), &[], false).unwrap_err();
        assert_eq!(
            error.message,
            "`VLLM_ADDITIONAL_ARGS` is `--a 'b`, which has a quote or backslash without its end"
        );
    }

    #[test]
    fn a_word_that_is_json_stays_whole() {
        let passthrough =
            ["'--lora-modules'".to_owned(), r#"{"name": "a"}"#.to_owned(), "'{\"b\": 1}'".to_owned()];
        let extra = Extra::read(None, &passthrough, true).unwrap();
        assert_eq!(extra.words, ["--lora-modules", r#"{"name": "a"}"#, r#"{"b": 1}"#]);
        assert_eq!(Extra::read(None, &passthrough, false).unwrap().words, passthrough);
    }

    #[test]
    fn flags_of_the_launcher_are_lifted_in_any_spelling() {
        let passthrough = ["--port=9".to_owned(), "-dph".to_owned(), "--seed".to_owned(), "7".to_owned()];
        let mut extra =
            Extra::read(Some("-tp 4 --tensor_parallel_size=8 -dpa 10.0.0.9"), &passthrough, false).unwrap();
        let mut launch = Launch::new("m");
        extra.lift(&mut launch).unwrap();
        assert_eq!((launch.parallelism.tensor, launch.port), (Some(8), 9));
        assert_eq!(launch.load_balancing, LoadBalancing::Hybrid);
        assert_eq!(launch.leader_address, LeaderAddress::Given("10.0.0.9".to_owned()));
        assert_eq!(extra.words, ["--seed", "7"]);
        let mut extra = Extra::read(Some("--port nine"), &[], false).unwrap();
        assert_eq!(
            extra.lift(&mut launch).unwrap_err().message,
            "`--port` is `nine`, expected a whole number from 1"
        );
    }

    #[test]
    fn an_empty_word_is_a_value_behind_a_flag_only() {
        let passthrough = ["", "--root-path", "", "--seed=1", "", "x"].map(str::to_owned);
        let extra = Extra::read(None, &passthrough, false).unwrap();
        assert_eq!(extra.words, ["--root-path", "", "--seed=1", "x"]);
    }

    #[test]
    fn a_flag_is_known_by_its_members_too() {
        for text in
            ["--kv-transfer-config x", "--kv_transfer_config=x", "--kv-transfer-config.kv_role kv_both"]
        {
            assert!(Extra::read(Some(text), &[], false).unwrap().names("kv-transfer-config"), "{text}");
        }
        assert!(!Extra::read(Some("--kv-transfer x"), &[], false).unwrap().names("kv-transfer-config"));
    }
}
