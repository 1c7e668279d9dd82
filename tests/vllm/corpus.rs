//! Every argument list that the policy's corpus renders, through the launcher, to vLLM's parser and configuration.

use crate::adopted::{rendered, start, tests};
use crate::home::Home;
use crate::oracle::Oracle;
use crate::report::Report;
use crate::stub::Stub;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Cases that vLLM refuses on a CPU or for a tiny model, with what it says and why this is so.
const REFUSED: [(&str, &str, &str); 2] = [
    (
        "argument-known-only-to-the-pod",
        "unrecognized arguments: $(PORT_FLAG)",
        "the reference is to an object that only the cluster has",
    ),
    ("probes-withheld-ray", "No module named 'ray'", "Ray is not installed beside the vLLM of this test"),
];

/// What the launcher starts for a case. Certificates are the node's, so empty ones stand below a root of their own.
pub(crate) fn started(words: &[String], index: &str) -> Result<Vec<String>, String> {
    let (stub, root) = (Stub::new(), tempfile::tempdir().unwrap());
    let mut words = words.to_vec();
    let files = |word: &String| {
        word.strip_prefix("--tls-certificate=").or_else(|| word.strip_prefix("--tls-key=")).map(PathBuf::from)
    };
    for file in words.iter().filter_map(files) {
        let place = root.path().join(file.strip_prefix("/").unwrap_or(&file));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, "-").unwrap();
    }
    words.insert(1, format!("--sysroot={}", root.path().display()));
    let answer = start(&stub, &words, index);
    if answer.code == 7 { Ok(stub.words()) } else { Err(format!("exit {}: {}", answer.code, answer.stderr)) }
}

/// The same words with a tiny model in the place of the pod's, which is not here: one with experts where the words
/// are about them, or where vLLM allows the load balancing to no other.
pub(crate) fn with_model(words: &[String], home: &Home) -> Vec<String> {
    let name = |word: &String| word.split('=').next().unwrap_or_default().replace('_', "-");
    let experts = words.iter().any(|word| {
        let flags = [
            "--enable-expert-parallel",
            "-ep",
            "--data-parallel-hybrid-lb",
            "-dph",
            "--data-parallel-external-lb",
            "--data-parallel-rank",
            "--enable-eplb",
        ];
        flags.contains(&name(word).as_str())
    });
    let model = home.model(if experts { "experts" } else { "dense" });
    let mut words = words.to_vec();
    match words.get_mut(1) {
        Some(word) if word.starts_with("--model=") => *word = format!("--model={model}"),
        Some(word) => *word = model,
        None => {}
    }
    words
}

fn cases() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(tests().join("cases/mutate")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// Every case.
pub(crate) fn run(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    Report::note(
        "models of the pods are not here: `dense` or, where experts are meant, `experts` stands in their place",
    );
    let (mut accepted, mut known) = (0, BTreeMap::new());
    for case in cases() {
        let name = Path::new(&case).file_name().unwrap().to_string_lossy().into_owned();
        let Some(words) = rendered(&case) else { continue };
        let worker = name.ends_with("worker") || words.iter().any(|word| word == "--headless");
        let index = if worker { "1" } else { "0" };
        let words = match started(&words, index) {
            Ok(words) => with_model(&words, home),
            Err(why) => {
                report.add(false, &format!("{name}: the launcher does not start it: {why}"));
                continue;
            }
        };
        let verdict = known.entry(words.clone()).or_insert_with(|| oracle.serve(&words)).clone();
        let expected = REFUSED.iter().find(|(case, ..)| *case == name);
        match expected {
            None => {
                report.count(verdict.accepted(), &format!("{name}: {}: {words:?}", verdict.short()));
                accepted += usize::from(verdict.accepted());
            }
            Some((_, says, why)) => report.add(
                !verdict.accepted() && verdict.says().contains(says),
                &format!("{name}: refused here, as expected: {}; {why}", verdict.short()),
            ),
        }
    }
    report
        .add(accepted > 100, &format!("{accepted} cases accepted, {} different argument lists", known.len()));
}
