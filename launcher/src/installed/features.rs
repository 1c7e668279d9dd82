//! What an installed vLLM can do. Its sources are asked first, because a version says nothing of a build
//! between releases, of a fork, or of a clone without tags (`0.1.dev1+g51f799c1a`).

use super::files::{names, quoted, text};
use pep440_rs::Version;
use prefill_core::serve::Features;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How many folders deep `cli_args.py` is looked for; it was moved once already.
const DEEP: usize = 4;
/// Most folders that are looked into for it.
const MOST: usize = 512;

/// A file of vLLM.
struct Source {
    path: PathBuf,
    text: String,
}

/// Whether the sources have something, and the file that shows it. None where the file that would is not
/// there: then it was moved, or these are not the sources.
type Seen<'a> = Option<(bool, &'a Source)>;

/// Decides each feature, and notes why.
pub(super) fn decide(sources: Option<&Path>, version: Option<&str>, notes: &mut Vec<String>) -> Features {
    let file = |name| Source::read(sources?.join(name));
    let engine = file("engine/arg_utils.py");
    let frontend = sources.map(|sources| frontend(sources.join("entrypoints"))).unwrap_or_default();
    let specs = file("v1/kv_offload/factory.py");
    let tiers = file("v1/kv_offload/tiering/factory.py");

    let arguments: Vec<&Source> = engine.iter().chain(&frontend).collect();
    let mut lacks = None;
    let mut decide = |name, since, seen| decide_one(name, since, seen, version, &mut lacks, notes);
    // In the order in which they came, because what came after a missing one is missing too.
    Features {
        access_log_for_endpoints: decide(
            "`--disable-access-log-for-endpoints`",
            [0, 16, 0],
            flag("disable-access-log-for-endpoints", &arguments, frontend.first()),
        ),
        shutdown_timeout: decide(
            "`--shutdown-timeout`",
            [0, 18, 0],
            flag("shutdown-timeout", &arguments, engine.as_ref()),
        ),
        // By these names vLLM looks both up; it ends where one is not in its registry.
        offloading_connector: decide(
            "`TieringOffloadingSpec`",
            [0, 22, 0],
            registered("TieringOffloadingSpec", specs.as_ref()),
        ),
        file_tier: decide("its tier `fs`", [0, 23, 0], registered("fs", tiers.as_ref().or(specs.as_ref()))),
    }
}

/// What the sources say of a name that is put into a registry.
fn registered<'a>(name: &str, registry: Option<&'a Source>) -> Seen<'a> {
    registry.map(|source| (source.quotes(name), source))
}

/// What the sources say of a flag. It may move from file to file, and is missing only where its `home` is
/// there without it.
fn flag<'a>(name: &str, files: &[&'a Source], home: Option<&'a Source>) -> Seen<'a> {
    let found = files.iter().find(|source| source.has_flag(name)).map(|source| (true, *source));
    found.or_else(|| home.map(|source| (false, source)))
}

/// `lacks` is the first feature that the sources do not have.
fn decide_one(
    name: &'static str,
    since: [u64; 3],
    seen: Seen<'_>,
    version: Option<&str>,
    lacks: &mut Option<&'static str>,
    notes: &mut Vec<String>,
) -> bool {
    let [major, minor, patch] = since;
    let gate = format!("{major}.{minor}.{patch}");
    let recent = version.and_then(age).map(|version| version >= Version::new(since));
    let (decision, reason) = match (seen, recent, version) {
        (Some((true, source)), ..) => (true, format!("it is in {}", quoted(&source.path))),
        // A flag too many ends vLLM, one too few does not.
        (Some((false, source)), Some(true), _) => {
            (false, format!("it is not in {}, although vLLM has it since {gate}", quoted(&source.path)))
        }
        (Some((false, source)), ..) => (false, format!("it is not in {}", quoted(&source.path))),
        (None, Some(true), Some(version)) => (true, format!("vLLM {version} is not older than {gate}")),
        (None, Some(false), Some(version)) => (false, format!("vLLM {version} is older than {gate}")),
        // Either the file was moved since, or this vLLM is from before there was one.
        (None, None, _) if lacks.is_some() => {
            (false, format!("it came after {}, which this vLLM does not have", lacks.unwrap_or_default()))
        }
        (None, _, Some(version)) => (true, format!("version `{version}` does not say how old this vLLM is")),
        (None, _, None) => (true, "nothing says how old this vLLM is".to_owned()),
    };
    if let Some((false, _)) = seen {
        lacks.get_or_insert(name);
    }
    notes.push(format!("{name}: {}, {reason}", if decision { "yes" } else { "no" }));
    decision
}

/// A version that says how old a vLLM is. setuptools-scm gives 0.1.dev… to a clone without tags, and
/// no vLLM before 0.2 had a program `vllm`.
fn age(version: &str) -> Option<Version> {
    Version::from_str(version).ok().filter(|version| *version >= Version::new([0, 2]))
}

impl Source {
    fn read(path: PathBuf) -> Option<Self> {
        text(&path).map(|text| Self { path, text })
    }

    /// Whether it declares the flag `--name`: as a string, or as a field of a class whose fields are flags.
    fn has_flag(&self, name: &str) -> bool {
        let field = format!("{}:", name.replace('-', "_"));
        self.quotes(&format!("--{name}"))
            || self.text.lines().any(|line| line.trim_start().starts_with(&field))
    }

    /// Whether it has `word` as a whole string.
    fn quotes(&self, word: &str) -> bool {
        self.text.contains(&format!("\"{word}\"")) || self.text.contains(&format!("'{word}'"))
    }
}

/// Every `cli_args.py` in `entrypoints`.
fn frontend(entrypoints: PathBuf) -> Vec<Source> {
    let mut found = Vec::new();
    let mut level = vec![entrypoints];
    let mut left = MOST;
    for _ in 0..DEEP {
        found.extend(level.iter().filter_map(|folder| Source::read(folder.join("cli_args.py"))));
        let below = level.iter().flat_map(|folder| names(folder).into_iter().map(|name| folder.join(name)));
        level = below.filter(|path| path.is_dir()).take(left).collect();
        left = left.saturating_sub(level.len());
    }
    found
}
