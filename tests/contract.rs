//! The pages say what the code has: every option of the contract and its version, and no more cases
//! than there are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use prefill_conformance::corpus;
use prefill_core::contract;
use prefill_core::serve::Contradiction;
use std::fs;

fn read(path: &str) -> String {
    fs::read_to_string(corpus::folder().join("..").join(path)).unwrap()
}

#[test]
fn every_option_is_in_the_reference() {
    let page = read("docs/contract.md");
    for option in contract::option::ALL {
        assert!(page.contains(&format!("`--{option}`")), "docs/contract.md does not have `--{option}`");
    }
    assert!(page.contains(&format!("--contract={}", contract::VERSION)));
}

#[test]
fn every_contradiction_is_in_the_reference() {
    let page = read("docs/run.md");
    for contradiction in Contradiction::ALL {
        let row = format!("| `{contradiction}` |");
        assert!(page.contains(&row), "docs/run.md has no row for `{contradiction}`");
    }
}

#[test]
fn the_corpus_is_as_large_as_the_changelog_says() {
    let requests = corpus::requests().unwrap().len() + corpus::cases("settings").unwrap().len();
    assert!(requests > 270, "{requests}");
}
