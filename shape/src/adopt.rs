//! What the pod's own entrypoint says, as a [`Launch`]. All or nothing: one word or statement that
//! is not understood, and the whole pod is left alone.

mod arguments;
mod script;
mod words;

use crate::annotations::{MODEL, NETWORKS, PARALLELISM};
use crate::environment::{Additional, Environment, Known, MARK};
use crate::json;
use crate::reason::{NotUnderstood, Reason};
use crate::serving;
use crate::settings::Settings;
use crate::settings::read::parallelism_from_annotation;
use arguments::Word;
use prefill_core::launch::{Launch, Parallelism};
use prefill_core::{flags, kubelet};
use serde_json::Value;
use std::borrow::Cow;

use prefill_core::excerpt::excerpt;
use prefill_core::excerpt::{excerpt_of_word, excerpt_of_words};

/// Which kind of entrypoint a launch was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `KServe`'s start script.
    KserveScript,
    /// `vllm serve` and its arguments.
    VllmServe,
    /// The pod names no command.
    AnnotationsAndSettings,
}

impl Source {
    /// Its name in a verdict.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Source::KserveScript => "kserve-script",
            Source::VllmServe => "vllm-serve",
            Source::AnnotationsAndSettings => "annotations-and-settings",
        }
    }
}

/// A launch, and which kind of entrypoint it was read from.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) launch: Launch,
    pub(crate) source: Source,
    /// Whether an argument that only the running pod knows may be any flag.
    pub(crate) opaque: bool,
}

/// Reads the entrypoint of the serving container.
pub(crate) fn adopt(pod: &Value, container: usize, settings: &Settings) -> Result<Adopted, NotUnderstood> {
    let environment = Environment::new(pod, container);
    let container = &pod["spec"]["containers"][container];
    let said = |key: &str| container[key].as_array().map_or(&[][..], Vec::as_slice);
    let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
    let all: Vec<String> = said("command").iter().chain(said("args")).map(text).collect();
    if let Some(at) = all.iter().position(|word| word.contains(MARK)) {
        let found = excerpt_of_word(&texts(&all), at);
        return Err(NotUnderstood::new(
            Reason::ControlCharacter,
            format!("`{found}` holds the control character U+0001"),
        ));
    }
    let (mut adopted, said) = match all
        .first()
        .map(|word| (word.rsplit('/').next().unwrap_or_default(), &all[1..]))
    {
        None => (bare(pod, container, settings)?, arguments::Said::default()),
        Some(_) if said("command").is_empty() => {
            return Err(NotUnderstood::new(
                Reason::ImageEntrypoint,
                "command is empty, so that `args` go to the image's own entrypoint; hint: name it, as `command: [vllm, serve]`",
            ));
        }
        Some(("vllm", rest)) if all[0] != "vllm" && rest.first().is_some_and(|word| word == "serve") => {
            let found = excerpt(&all[0]);
            return Err(NotUnderstood::new(
                Reason::VllmPath,
                format!(
                    "`{found}` may not be the `vllm` on PATH, which the launcher starts; hint: set `command: [vllm, serve]`"
                ),
            ));
        }
        Some(("vllm", rest)) if rest.first().is_some_and(|word| word == "serve") => {
            let words: Vec<Word<'_>> =
                rest[1..].iter().map(|word| Word::of_pod(word, &environment)).collect();
            let (launch, said) = arguments::lift(&words)?;
            (Adopted { launch, source: Source::VllmServe, opaque: said.opaque }, said)
        }
        Some(("bash", rest)) if rest.len() >= 2 && rest[0] == "-c" => {
            if let Some(name) = environment.changes_bash() {
                let detail = format!("`{name}` changes what bash does; hint: leave it out");
                return Err(NotUnderstood::new(Reason::BashEnvironment, detail));
            }
            let (launch, said) = from_script(&rest[1], &rest[2..], &environment)?;
            (Adopted { launch, source: Source::KserveScript, opaque: said.opaque }, said)
        }
        Some(_) => {
            let found = excerpt_of_words(texts(&all));
            return Err(NotUnderstood::new(
                Reason::OtherEntrypoint,
                format!(
                    "found `{found}`, expected `vllm serve …` or KServe's script; hint: set `command: [vllm, serve]`"
                ),
            ));
        }
    };
    fill(&mut adopted.launch, pod, said, settings)?;
    hints(&mut adopted.launch, pod, container);
    Ok(adopted)
}

fn texts(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// A pod without command and arguments: what it serves must be said elsewhere.
fn bare(pod: &Value, container: &Value, settings: &Settings) -> Result<Adopted, NotUnderstood> {
    let image = json::text(container, "image").unwrap_or_default();
    // The settings speak of all pods; what runs in this one is for its image to say.
    let serves = serving::holds_vllm(container) || settings.image.as_deref() == Some(image);
    let of_settings = settings.model.as_deref().filter(|_| serves);
    let model = crate::pod::annotation(pod, MODEL).or(of_settings).ok_or_else(|| {
        NotUnderstood::new(
            Reason::NoModel,
            format!(
                "no command and no args, and nothing names the model; hint: annotate the pod with `{MODEL}`"
            ),
        )
    })?;
    Ok(Adopted {
        launch: Launch::new(kubelet::escape(model)),
        source: Source::AnnotationsAndSettings,
        opaque: false,
    })
}

/// Annotations, then settings, for what the entrypoint does not say.
fn fill(
    launch: &mut Launch,
    pod: &Value,
    said: arguments::Said,
    settings: &Settings,
) -> Result<(), NotUnderstood> {
    let annotated = match crate::pod::annotation(pod, PARALLELISM) {
        None => Parallelism::default(),
        Some(text) => parallelism_from_annotation(text).map_err(|problems| {
            NotUnderstood::new(
                Reason::Annotation,
                format!("metadata.annotations[{PARALLELISM}]: {}", problems.join("; ")),
            )
        })?,
    };
    let sizes = &mut launch.parallelism;
    for other in [&annotated, &settings.parallelism] {
        sizes.tensor = sizes.tensor.or(other.tensor);
        sizes.pipeline = sizes.pipeline.or(other.pipeline);
        // One without the other would be a size that nobody asked for.
        if sizes.data.is_none() && sizes.data_local.is_none() {
            (sizes.data, sizes.data_local) = (other.data, other.data_local);
        }
        sizes.data_rpc_port = sizes.data_rpc_port.or(other.data_rpc_port);
        sizes.expert |= other.expert && !said.expert;
    }
    Ok(())
}

/// What admission knows of RDMA, for the launcher's messages.
fn hints(launch: &mut Launch, pod: &Value, container: &Value) {
    let is_rdma =
        |key: &str| ["rdma", "roce", "infiniband", "sriov", "hca"].iter().any(|word| key.contains(word));
    let limits = container["resources"]["limits"].as_object();
    for (key, value) in limits.into_iter().flatten().filter(|(key, _)| is_rdma(key)) {
        let amount = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        launch.rdma_resources.push(kubelet::escape(&format!("{key}={amount}")).into_owned());
    }
    launch.networks =
        crate::pod::annotation(pod, NETWORKS).map(|networks| kubelet::escape(networks).into_owned());
}

/// KServe's script, read in the order the pod reads it: kubelet, bash, vLLM.
fn from_script(
    script: &str,
    positional: &[String],
    environment: &Environment<'_>,
) -> Result<(Launch, arguments::Said), NotUnderstood> {
    let text = expand(script, environment)?;
    let found = script::read(&text)?;
    let mut arguments = Vec::new();
    // The first word behind the script is bash's `$0`.
    for word in positional.iter().skip(1) {
        arguments.push(expand(word, environment)?);
    }
    if !found.reads_arguments && !arguments.is_empty() {
        return Err(NotUnderstood::new(
            Reason::ArgumentsNotRead,
            format!(
                "args `{}` are not read by the script; hint: leave them out",
                excerpt_of_words(arguments.iter().map(|word| &**word))
            ),
        ));
    }
    let words = words::split(&found.command, &arguments)?;
    let serve = words.iter().position(|word| word != "exec").unwrap_or(words.len());
    let [vllm, verb, rest @ ..] = &words[serve..] else {
        return Err(NotUnderstood::new(
            Reason::ScriptCommand,
            "the script does not end in `vllm serve MODEL`",
        ));
    };
    if serve > 1 || vllm != "vllm" || verb != "serve" {
        let found = excerpt_of_words(texts(&words));
        return Err(NotUnderstood::new(
            Reason::ScriptCommand,
            format!("the script ends in `{found}`, expected `vllm serve`"),
        ));
    }
    let mark = rest.iter().position(|word| word == words::ADDITIONAL_MARK);
    if let Some(mark) = mark {
        additional_arguments_mean_the_same(environment, &rest[..mark], &rest[mark + 1..])?;
    }
    let others = rest.iter().enumerate().filter(|(at, _)| Some(*at) != mark);
    let words: Vec<Word<'_>> = others.filter_map(|(_, word)| Word::of_shell(word)).collect();
    let (mut launch, said) = arguments::lift(&words)?;
    launch.additional_arguments = mark.is_some();
    launch.kv_transfer_default = found.kv_transfer.as_deref().map(|json| kubelet::escape(json).into_owned());
    Ok((launch, said))
}

/// What the kubelet makes of `text`. A value that is not known cannot be read by bash's rules.
fn expand<'a>(text: &'a str, environment: &Environment<'a>) -> Result<Cow<'a, str>, NotUnderstood> {
    let mut unknown = None;
    let expanded = kubelet::expand(text, |name| match environment.get(name) {
        Known::Value(value) => Some(value),
        Known::Later => {
            unknown.get_or_insert_with(|| name.to_owned());
            None
        }
        Known::Missing => None,
    });
    match unknown {
        // With `envFrom`, anything that looks like a name may be one; a command line is none.
        Some(name) if !name.contains([' ', '(', '\n']) => Err(NotUnderstood::new(
            Reason::ValueNotKnown,
            format!(
                "`{}` in the script or its arguments has a value that only the running pod knows; hint: write the value",
                excerpt(&format!("$({name})"))
            ),
        )),
        _ => Ok(expanded),
    }
}

/// `VLLM_ADDITIONAL_ARGS` is read by bash today and by the launcher tomorrow, which expands nothing:
/// text in which bash would expand something must stay with bash. The launcher writes what it owns
/// first, then this variable, then the rest; where the script has another order, the same flag on
/// both sides would change its winner.
fn additional_arguments_mean_the_same(
    environment: &Environment<'_>,
    before: &[String],
    after: &[String],
) -> Result<(), NotUnderstood> {
    let (_, passed_before) = flag_names(before);
    let (owned_after, _) = flag_names(after);
    let contends = match environment.additional_arguments() {
        Additional::None => false,
        // From `envFrom`: the variable may not even be there.
        Additional::Perhaps => !owned_after.is_empty() || !passed_before.is_empty(),
        Additional::Later => {
            return Err(NotUnderstood::new(
                Reason::ValueNotKnown,
                "VLLM_ADDITIONAL_ARGS has a value that only the running pod knows; hint: write the value",
            ));
        }
        Additional::Text(text) => {
            let words = words::split(&text, &[]).map_err(|problem| {
                NotUnderstood::new(problem.code, format!("VLLM_ADDITIONAL_ARGS: {}", problem.detail))
            })?;
            let (owned, passed) = flag_names(&words);
            owned.iter().any(|flag| owned_after.contains(flag))
                || passed.iter().any(|flag| passed_before.contains(flag))
        }
    };
    if contends {
        return Err(NotUnderstood::new(
            Reason::ContendingArguments,
            "the script's arguments and VLLM_ADDITIONAL_ARGS may both set the same flag; hint: keep it in one of the two",
        ));
    }
    Ok(())
}

/// The owned flags and the names of all others among `words`.
fn flag_names(words: &[String]) -> (Vec<flags::Owned>, Vec<String>) {
    let words = texts(words);
    let sorted = flags::sort(&words).unwrap_or_default();
    let name = |at: &usize| {
        let word = words[*at];
        flags::is_flag(word).then(|| word.split('=').next().unwrap_or_default().replace('_', "-"))
    };
    (sorted.owned.iter().map(|given| given.flag).collect(), sorted.rest.iter().filter_map(name).collect())
}

/// The words of `VLLM_ADDITIONAL_ARGS`; `None` where only the running pod knows them.
pub(crate) fn additional_words(environment: &Environment<'_>) -> Option<Vec<String>> {
    match environment.additional_arguments() {
        Additional::None => Some(Vec::new()),
        Additional::Perhaps | Additional::Later => None,
        Additional::Text(text) => words::split(&text, &[]).ok(),
    }
}
