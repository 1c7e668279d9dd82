//! `make test-vllm`: real vLLM on a CPU says whether the launcher is right about it. `tests/vllm/README.md` tells how
//! to run it and what it takes. Parts are given by name; none means all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on fails; what it finds is printed"
)]

#[path = "../launcher/adopted.rs"]
#[allow(dead_code, reason = "shared with the launcher's tests, which use all of it")]
mod adopted;
#[path = "../launcher/archive.rs"]
#[allow(dead_code, reason = "shared with the launcher's tests, which use all of it")]
mod archive;
mod checks;
mod claims;
mod corpus;
mod ending;
mod groups;
mod home;
mod http;
mod oracle;
mod pair;
#[path = "../launcher/program.rs"]
#[allow(dead_code, reason = "shared with the launcher's tests, which use all of it")]
mod program;
mod report;
mod starts;
#[path = "../launcher/stub.rs"]
#[allow(dead_code, reason = "shared with the launcher's tests, which use all of it")]
mod stub;

use home::Home;
use oracle::Oracle;
use report::Report;
use std::process::ExitCode;

/// Something that the tests need is not there. 1 is a test that failed.
const MISSING: u8 = 69;
/// There is no part of that name.
const USAGE: u8 = 64;
/// In the order in which they run: what is quick comes first.
const PARTS: [(&str, &str); 6] = [
    ("checks", "each check code of the launcher against vLLM"),
    ("claims", "what else the launcher and these tests say of vLLM"),
    ("corpus", "every argument list that the corpus renders"),
    ("groups", "the handshake of whole groups, half of them with KServe's script"),
    ("start", "a real start of a leader and a headless worker"),
    ("kserve", "a real start with a leader from KServe's script"),
];

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = asked.iter().find(|part| !PARTS.iter().any(|(name, _)| part == name)) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        eprintln!("test-vllm: error: no part `{unknown}`, expected one of: {}", names.join(", "));
        return ExitCode::from(USAGE);
    }
    let home = match Home::find() {
        Ok(home) => home,
        Err(missing) => {
            eprintln!("test-vllm: error: {missing}\ntest-vllm: hint: `tests/vllm/setup` brings it");
            return ExitCode::from(MISSING);
        }
    };
    // Which kernels vLLM takes depends on them.
    let flags = ending::amx(&std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default());
    println!("\nvLLM {}, amx flags of this CPU in /proc/cpuinfo: {flags}", home.version());
    let mut report = Report::default();
    let mut oracle = None;
    for (name, about) in PARTS {
        if !asked.is_empty() && !asked.iter().any(|part| part == name) {
            report.not_run(name, "it was not asked for");
            continue;
        }
        report.part(name, about);
        if matches!(name, "start" | "kserve") {
            // Its memory is wanted.
            oracle = None;
            match name {
                "start" => starts::ours(&home, &mut report),
                _ => starts::kserve(&home, &mut report),
            }
            continue;
        }
        let oracle = oracle.get_or_insert_with(|| Oracle::start(&home));
        match name {
            "checks" => checks::run(&home, oracle, &mut report),
            "claims" => claims::run(&home, oracle, &mut report),
            "corpus" => corpus::run(&home, oracle, &mut report),
            _ => groups::run(&home, oracle, &mut report),
        }
    }
    report.end()
}
