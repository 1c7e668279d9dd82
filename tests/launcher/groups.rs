//! What the policy writes, read by the real binary; and groups of which one half still runs KServe's script.

use crate::adopted::{kserve, named, rendered, start, tests, value};
use crate::stub::Stub;
use std::fs;

#[test]
fn every_pod_that_the_policy_adopts_is_started() {
    let mut count = 0;
    for entry in fs::read_dir(tests().join("cases/mutate")).unwrap() {
        let case = entry.unwrap().path();
        let Some(words) = rendered(&case) else { continue };
        let stub = Stub::new();
        let index = if words.iter().any(|word| word == "--headless") { "1" } else { "0" };
        // Certificates are the node's, and none are here.
        let words: Vec<String> = words.into_iter().filter(|word| !word.starts_with("--tls-")).collect();
        let answer = start(&stub, &words, index);
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(answer.code, 7, "{name}: {words:?}\n{}", answer.stderr);
        let started = stub.words();
        let empty = |pair: &[String]| pair[1].is_empty() && !pair[0].starts_with("--");
        assert!(!started.windows(2).any(empty), "{name}: {started:?}");
        // What passes through comes last, word for word.
        if let Some(end) = words.iter().position(|word| word == "--") {
            let through: Vec<&String> = words[end + 1..].iter().collect();
            assert!(
                started.iter().rev().take(through.len()).rev().eq(through.iter().copied()),
                "{name}: {started:?}"
            );
        }
        count += 1;
    }
    assert!(count > 100, "{count} cases");
}

/// A leader and a worker that find each other and share the ranks out.
#[track_caller]
fn fit(leader: &[String], worker: &[String]) {
    for flag in [
        "--data-parallel-size",
        "--data-parallel-size-local",
        "--data-parallel-address",
        "--data-parallel-rpc-port",
    ] {
        assert!(value(leader, flag).is_some(), "{flag}: {leader:?}");
        assert_eq!(value(leader, flag), value(worker, flag), "{flag}: {leader:?} {worker:?}");
    }
    assert!(!leader.contains(&"--headless".to_owned()), "{leader:?}");
    assert!(worker.contains(&"--headless".to_owned()), "{worker:?}");
    assert!(matches!(value(leader, "--data-parallel-start-rank"), None | Some("0")), "{leader:?}");
    assert_eq!(
        value(worker, "--data-parallel-start-rank"),
        value(worker, "--data-parallel-size-local"),
        "{worker:?}"
    );
    assert_eq!(leader[1], worker[1], "the model");
}

#[test]
fn half_a_group_may_run_kserves_script() {
    for (script, case) in [("head", "kserve-v0.9.0"), ("v0.17", "kserve-v0.17"), ("v0.4.0", "kserve-v0.4.0")]
    {
        let ours = |role: &str, index: &str| {
            let stub = Stub::new();
            let answer = start(&stub, &named(&format!("{case}-{role}")), index);
            assert_eq!(answer.code, 7, "{case}-{role}: {}", answer.stderr);
            stub.words()
        };
        let theirs = |role: &str, index: &str| kserve(&format!("{script}-{role}.sh"), index);
        fit(&ours("leader", "0"), &ours("worker", "1"));
        fit(&ours("leader", "0"), &theirs("worker", "1"));
        fit(&theirs("leader", "0"), &ours("worker", "1"));
    }
}
