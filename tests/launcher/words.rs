//! The user's words that look as if one replaced another, and the rank that looks as if it said nothing.

use crate::adopted::{kserve, named, start, value};
use crate::program::run;
use crate::stub::Stub;

const OFF: &str = "--disable-uvicorn-access-log";
const ON: &str = "--no-disable-uvicorn-access-log";
const EXCEPT: &str = "--disable-access-log-for-endpoints";

/// What vLLM is started with in pod `index` of what the policy wrote for a case.
fn started(case: &str, index: &str) -> Vec<String> {
    let stub = Stub::new();
    let answer = start(&stub, &named(case), index);
    assert_eq!(answer.code, 7, "{case}: {}", answer.stderr);
    stub.words()
}

/// What vLLM is started with by hand in a pod of a group of two; no index is a pod by itself.
fn by_hand(words: &[&str], index: &str, additional: &str) -> (Vec<String>, String) {
    let stub = Stub::new();
    let mut command = stub.command(words);
    command.env("VLLM_ADDITIONAL_ARGS", additional);
    if !index.is_empty() {
        command.env("LWS_WORKER_INDEX", index).env("LWS_GROUP_SIZE", "2");
        command.env("LWS_LEADER_ADDRESS", "10.0.0.1");
    }
    let answer = run(&mut command);
    assert_eq!(answer.code, 7, "{words:?}: {}", answer.stderr);
    (stub.words(), answer.stderr)
}

fn has(words: &[String], word: &str) -> bool {
    words.iter().any(|one| one == word)
}

#[test]
fn both_flags_of_the_access_log_reach_vllm() {
    let words = started("argv-both-access-log-flags", "0");
    assert_eq!(value(&words, EXCEPT), Some("/health,/metrics"), "{words:?}");
    assert!(has(&words, OFF) && !has(&words, ON), "{words:?}");
    let words = started("argv-no-uvicorn-access-log-last", "0");
    assert_eq!(value(&words, EXCEPT), Some("/health"), "{words:?}");
    assert!(has(&words, ON) && !has(&words, OFF), "{words:?}");
    let words = started("kserve-arguments-turn-the-access-log-off", "0");
    assert_eq!(value(&words, EXCEPT), Some("/health,/metrics,/ping"), "{words:?}");
    assert!(has(&words, OFF), "{words:?}");
}

#[test]
fn what_the_user_says_of_the_access_log_stands_beside_what_the_policy_does() {
    let told = "--access-log=except:/health";
    let additional = "--additional-arguments=env:VLLM_ADDITIONAL_ARGS";
    for (variable, behind) in [(OFF, "--"), ("", OFF), (ON, OFF)] {
        let words = ["--contract=1", "--model=m", told, additional, "--", behind];
        let words = if behind == "--" { &words[..5] } else { &words[..] };
        let (words, _) = by_hand(words, "", variable);
        assert_eq!(words[4..], [EXCEPT, "/health", OFF], "{variable} {behind}");
    }
    let (words, _) =
        by_hand(&["--contract=1", "--model=m", told, additional], "", "--no_disable-uvicorn_access_log");
    assert_eq!(words[4..], [EXCEPT, "/health", ON]);
}

/// From vLLM 0.28 on, pod 0 is what its peers are in every version.
#[test]
fn a_rank_that_the_pod_says_is_told_where_it_is_0() {
    let rank = "--data-parallel-start-rank";
    let words = started("argv-start-rank-0-is-hybrid", "0");
    assert_eq!(value(&words, rank), Some("0"), "{words:?}");
    for index in ["0", "1"] {
        let words = started("argv-start-rank-by-index-without-headless", index);
        assert_eq!(value(&words, rank), Some(index), "{words:?}");
        assert!(!has(&words, "--headless"), "{words:?}");
    }
    let words = started("kserve-arguments-say-start-rank-0", "0");
    assert_eq!(value(&words, rank), Some("0"), "{words:?}");
}

/// KServe's workers are headless, and vLLM 0.28 or newer would refuse them.
#[test]
fn the_0_of_kserves_leader_is_left_out() {
    let rank = "--data-parallel-start-rank";
    assert_eq!(value(&kserve("head-leader.sh", "0"), rank), Some("0"));
    for case in ["kserve-v0.9.0-leader", "kserve-v0.17-leader", "kserve-v0.4.0-leader"] {
        let words = started(case, "0");
        assert_eq!(value(&words, rank), None, "{words:?}");
    }
    // The user's variable comes behind the script's own flag.
    let stub = Stub::new();
    let plan = format!("--plan-file={}", stub.folder.path().join("plan.json").display());
    let leader = named("kserve-v0.9.0-leader");
    let mut words = vec![plan.as_str()];
    words.extend(leader.iter().skip(1).map(String::as_str));
    let mut command = stub.command(&words);
    command.env("LWS_WORKER_INDEX", "0").env("LWS_GROUP_SIZE", "2").env("LWS_LEADER_ADDRESS", "127.0.0.1");
    let answer = run(command.env("VLLM_ADDITIONAL_ARGS", "--data-parallel-start-rank 0"));
    assert_eq!(value(&stub.words(), rank), Some("0"), "{}", answer.stderr);
    assert!(answer.stderr.contains("vLLM 0.28 or newer takes it for hybrid"), "{}", answer.stderr);
}

#[test]
fn by_hand_a_group_is_completed_as_kserves_unless_it_keeps_rank_0() {
    let rank = "--data-parallel-start-rank";
    let few = ["--model=m", "--data=4", "--data-local=2"];
    for (additional, index, says, headless) in [
        ("", "0", None, false),
        ("", "1", Some("2"), true),
        ("-dpr 0", "0", None, false),
        ("-dpr 2", "1", Some("2"), true),
    ] {
        let (words, log) = by_hand(&few, index, additional);
        assert_eq!((value(&words, rank), has(&words, "--headless")), (says, headless), "{words:?}\n{log}");
    }
    let keeps = [&few[..], &["--keep-rank-0"]].concat();
    for (index, says) in [("0", "0"), ("1", "2")] {
        let (words, log) = by_hand(&keeps, index, "");
        assert_eq!((value(&words, rank), has(&words, "--headless")), (Some(says), false), "{words:?}\n{log}");
    }
    // Nothing is completed for a pod by itself: its words are vLLM's.
    let (words, _) = by_hand(&["--model=m", "--", "-dp", "4", "-dpl", "2", "-dpr", "0"], "", "");
    assert_eq!(value(&words, rank), Some("0"));
}
