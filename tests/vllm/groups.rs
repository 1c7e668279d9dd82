//! Whole groups through vLLM's handshake: the leader's real loop, with engines that say what theirs would say. The
//! pods are those of the corpus, and the stand-ins for KServe's scripts.

use crate::adopted::{kserve, named, value};
use crate::corpus::{started, with_model};
use crate::home::Home;
use crate::oracle::Oracle;
use crate::report::Report;

/// Groups of which every pod is ours.
const OURS: [(&str, &str); 6] = [
    ("kserve-v0.9.0-leader", "kserve-v0.9.0-worker"),
    ("kserve-v0.17-leader", "kserve-v0.17-worker"),
    ("kserve-v0.4.0-leader", "kserve-v0.4.0-worker"),
    ("kserve-no-leader-template-leader", "kserve-no-leader-template-worker"),
    ("lws-argv-leader", "lws-argv-headless-worker"),
    ("wide-ep-hybrid-leader", "wide-ep-hybrid-worker"),
];

/// KServe's scripts, and the cases that were made of them.
const THEIRS: [(&str, &str); 3] =
    [("head", "kserve-v0.9.0"), ("v0.17", "kserve-v0.17"), ("v0.4.0", "kserve-v0.4.0")];

/// A leader that passes a start rank is, for vLLM 0.28 or newer, no leader of headless workers.
const REFUSED: &str = "must not use --headless in external or hybrid dp lb mode";

/// All pods of a group: `pod` gives the words for an index.
fn group(home: &Home, leader: Vec<String>, worker: &dyn Fn(&str) -> Vec<String>) -> Vec<Vec<String>> {
    let number = |flag: &str| value(&leader, flag).and_then(|text| text.parse().ok()).unwrap_or(1_u32);
    let pods = number("--data-parallel-size") / number("--data-parallel-size-local").max(1);
    let mut all = vec![leader];
    all.extend((1..pods).map(|index| worker(&index.to_string())));
    // One model for all of them.
    let experts = all.iter().any(|words| with_model(words, home).contains(&home.model("experts")));
    let model = home.model(if experts { "experts" } else { "dense" });
    for words in &mut all {
        words[1].clone_from(&model);
    }
    all
}

/// Every group.
pub(crate) fn run(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    let ours =
        |case: &str, index: &str| started(&named(case), index).unwrap_or_else(|why| panic!("{case}: {why}"));
    let mut ask = |what: &str, pods: &[Vec<String>], refused: Option<&str>| {
        let verdict = oracle.group(pods);
        let right = refused.map_or(verdict.accepted(), |text| verdict.says().contains(text));
        report.add(right, &format!("{what}, {} pods: {}", pods.len(), verdict.short()));
    };
    for (leader, worker) in OURS {
        let pods = group(home, ours(leader, "0"), &|index| ours(worker, index));
        ask(&format!("{leader} and {worker}"), &pods, None);
    }
    for (script, case) in THEIRS {
        let worker = |index: &str| ours(&format!("{case}-worker"), index);
        let theirs = |index: &str| kserve(&format!("{script}-worker.sh"), index);
        let leader = || kserve(&format!("{script}-leader.sh"), "0");
        ask(
            &format!("our {case}-leader and KServe's workers"),
            &group(home, ours(&format!("{case}-leader"), "0"), &theirs),
            None,
        );
        ask(
            &format!("KServe's leader of {case} and our workers"),
            &group(home, leader(), &worker),
            Some(REFUSED),
        );
        ask(
            &format!("KServe's leader of {case} and its own workers"),
            &group(home, leader(), &theirs),
            Some(REFUSED),
        );
    }
    Report::note("before 0.28 vLLM ignores a start rank of 0, says its source; that was not run here");
}
