//! The words behind `run`: the contract's, which the policy writes; this program's own flags among them; and, behind
//! `--`, vLLM's. Every flag is one word, as in the contract.

use super::options::{FLAGS, option};
use super::words::{Given, HINT_HELP};
use crate::failure::Failure;
use crate::log::Format;
use prefill_core::contract::{Reader, SUBCOMMAND, VERSION};
use prefill_core::environment::Environment;
use prefill_core::excerpt::excerpt;
use prefill_core::launch::Launch;
use prefill_core::serve::{Group, as_in_kserve};
use std::path::PathBuf;

/// What `run` is asked for.
pub(crate) struct Arguments {
    author: Author,
    /// The RDMA flags among them, as written.
    pub(crate) said: Vec<String>,
    pub(crate) launch: Launch,
    pub(crate) group: Group,
    /// The RDMA flags, `--sysroot` and `--ibverbs`.
    pub(crate) given: Given,
    /// `--vllm`
    pub(crate) vllm: Option<PathBuf>,
    /// `--dry-run`, and with `--show-secrets` or without
    pub(crate) dry_run: Option<Shown>,
    /// `--log-format`
    pub(crate) log: Format,
    /// `--shell-words`
    pub(crate) shell_words: bool,
    /// `--plan-file`
    pub(crate) plan_file: PathBuf,
    /// What the contract's reader has to say.
    pub(crate) warnings: Vec<String>,
}

/// Who wrote them.
#[derive(Clone, Copy)]
enum Author {
    /// The policy, all of them.
    Policy,
    /// Somebody by hand, a few, with or without `--keep-rank-0`.
    Person { keep_rank_0: bool },
}

/// How much of what would be started is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All but secrets.
    Rest,
    /// All of it.
    Secrets,
}

/// Where the plan is left for `explain`, unless `--plan-file` says otherwise.
pub(crate) const PLAN_FILE: &str = "/tmp/prefill-launcher.json";

/// Reads `words`, which follow `run`; `given` holds what variables said already.
pub(crate) fn read(
    words: &[String],
    mut given: Given,
    environment: &Environment,
) -> Result<Arguments, Failure> {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (flags, passthrough) = words.split_at(end);
    let mut own = Own::default();
    let mut contract = vec![SUBCOMMAND.to_owned()];
    for word in flags {
        if !own.take(word, &mut given)? {
            contract.push(word.clone());
        }
    }
    let dry_run = own.shown()?;
    let rendered = contract.iter().any(|word| word.starts_with("--contract="));
    if !rendered {
        contract.insert(1, format!("--contract={VERSION}"));
    }
    contract.extend(passthrough.iter().cloned());
    let (mut launch, warnings) = Reader::default().read(&contract).map_err(|error| {
        Failure::usage(format!("`{}`: {}", excerpt(&error.option), error.message), error.hint)
    })?;
    let group = Group::read(environment).map_err(|error| {
        let hint = "LeaderWorkerSet sets this variable; unset it to start a pod by itself";
        Failure::usage(error.to_string(), hint)
    })?;
    // A person's few flags are read as KServe's script would.
    launch.additional_arguments |= !rendered;
    let author = if rendered { Author::Policy } else { Author::Person { keep_rank_0: launch.keep_rank_0 } };
    Ok(Arguments {
        author,
        said: own.said,
        launch,
        group,
        given,
        vllm: own.vllm,
        dry_run,
        log: own.log,
        shell_words: own.shell_words,
        plan_file: own.plan_file.unwrap_or_else(|| PathBuf::from(PLAN_FILE)),
        warnings,
    })
}

#[derive(Default)]
struct Own {
    vllm: Option<PathBuf>,
    dry_run: bool,
    show_secrets: bool,
    log: Format,
    shell_words: bool,
    plan_file: Option<PathBuf>,
    said: Vec<String>,
}

impl Own {
    /// Takes `word` where it is a flag of this program; false where it is the contract's.
    fn take(&mut self, word: &str, given: &mut Given) -> Result<bool, Failure> {
        let Some(body) = word.strip_prefix("--") else { return Ok(false) };
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        let needed = || {
            value.filter(|value| !value.is_empty()).ok_or_else(|| {
                Failure::usage(format!("`--{name}` needs a value"), "write it in one word: `--flag=value`")
            })
        };
        match name {
            "dry-run" | "show-secrets" | "shell-words" if value.is_some() => {
                return Err(Failure::usage(format!("`--{name}` takes no value"), HINT_HELP));
            }
            "dry-run" => self.dry_run = true,
            "show-secrets" => self.show_secrets = true,
            "shell-words" => self.shell_words = true,
            "vllm" => self.vllm = Some(needed()?.into()),
            "plan-file" => self.plan_file = Some(needed()?.into()),
            "sysroot" => given.machine.sysroot = Some(needed()?.into()),
            "ibverbs" => given.machine.ibverbs = Some(needed()?.into()),
            "log-format" => {
                self.log = match needed()? {
                    "text" => Format::Text,
                    "json" => Format::Json,
                    other => {
                        let message = format!("`--log-format` is `{other}`, expected `text` or `json`");
                        return Err(Failure::usage(message, HINT_HELP));
                    }
                };
            }
            // The contract has a leader's address of its own, which may be a name.
            "leader-address" => return Ok(false),
            name if FLAGS.contains(&name) => {
                option(given, name, needed()?, &format!("`--{name}`"))?;
                self.said.push(word.to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether is only shown what would be started, and how much of it.
    fn shown(&self) -> Result<Option<Shown>, Failure> {
        if self.show_secrets && !self.dry_run {
            let message =
                "`--show-secrets` belongs to `--dry-run`: what is started is logged without secrets";
            return Err(Failure::usage(message, "give `--dry-run` too, or leave it out"));
        }
        let shown = if self.show_secrets { Shown::Secrets } else { Shown::Rest };
        Ok(self.dry_run.then_some(shown))
    }
}

impl Arguments {
    /// Completes what a person left out, once the user's own flags are in the launch. What the policy wrote is whole.
    pub(crate) fn complete(&mut self, environment: &Environment) {
        if let Author::Person { keep_rank_0 } = self.author {
            as_in_kserve(&mut self.launch, self.group, keep_rank_0, environment);
        }
    }
}
