//! Flags that belong together, in every order: from a pod's words through the contract to vLLM's.

use super::*;
use prefill_core::contract::{Reader, render};
use prefill_core::serve::{Extra, Features, Group, serve};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const INDEX: &str = "$(LWS_WORKER_INDEX)";

/// Words of a pod's `args`, as the policy reads them.
fn words<'a>(said: &[&'a str]) -> Vec<Word<'a>> {
    let text = |word: &'a str| match word {
        INDEX => Cow::Borrowed(WORKER_INDEX_MARK),
        word => Cow::Borrowed(word),
    };
    said.iter().map(|word| Word { raw: Cow::Borrowed(*word), text: text(word) }).collect()
}

fn launch(said: &[&str]) -> Launch {
    lift(&words(&[&["m"], said].concat())).unwrap().0
}

/// What vLLM is started with in pod `index` where a pod's own words are `said`.
fn started(said: &[&str], index: u32) -> Vec<String> {
    let (launch, _) = Reader::default().read(&render(&launch(said))).unwrap();
    let group = Group { index: Some(index), size: None };
    serve(&launch, group, None, None, Features::NEWEST, &Extra::default()).words.split_off(2)
}

/// What vLLM makes of `words` in pod `index`: of each flag the last.
#[derive(Debug, Default, PartialEq, Eq)]
struct Meaning {
    off: Option<bool>,
    except: Option<String>,
    rank: Option<u32>,
    headless: bool,
    hybrid: bool,
}

impl Meaning {
    fn of(words: &[&str], index: u32) -> Self {
        let mut meaning = Self::default();
        for given in flags::sort(words).unwrap().owned {
            match given.flag {
                Owned::AccessLogOff => meaning.off = Some(given.on),
                Owned::AccessLogExcept => meaning.except = Some(given.values[0].to_owned()),
                Owned::StartRank => meaning.rank = Some(given.values[0].parse().unwrap_or(index)),
                Owned::Headless => meaning.headless = true,
                Owned::HybridLoadBalancing => meaning.hybrid = given.on,
                _ => {}
            }
        }
        // vLLM 0.28 or newer; an older one does not see rank 0, and then there is nothing to keep.
        meaning.hybrid |= meaning.rank.is_some() && !meaning.headless;
        meaning
    }
}

#[test]
fn a_rank_that_the_pod_says_is_kept_where_it_is_0() {
    let sizes = ["--data-parallel-size", "4", "--data-parallel-size-local", "1"];
    for (said, kept) in [
        (&["--data-parallel-start-rank", "0"][..], true),
        (&["-dpr=0"], true),
        (&["-dpr", INDEX], true),
        (&["-dpr", "2", "-dpr", "0"], true),
        // These are written wherever they are: nothing is to be told.
        (&["-dpr", "2"], false),
        (&["-dpr", "0", "--headless"], false),
        (&["--data-parallel-hybrid-lb", "-dpr", INDEX], false),
        (&["--data-parallel-rank", "0"], false),
        (&["-dph", "-dpr", "0", "--no-data-parallel-hybrid-lb"], true),
        // KServe's leader, and a user behind it.
        (&["-dpr", LEADER_RANK_MARK], false),
        (&["-dpr", LEADER_RANK_MARK, "--data-parallel-start-rank=0"], true),
        (&["-dpr", "0", "-dpr", LEADER_RANK_MARK], false),
        (&[], false),
    ] {
        assert_eq!(launch(&[&sizes[..], said].concat()).keep_rank_0, kept, "{said:?}");
    }
}

#[test]
fn every_pod_of_a_template_that_says_its_index_is_the_same() {
    let said = ["-dp", "4", "-dpl", "1", "--data-parallel-start-rank", INDEX];
    for index in 0..4 {
        let words = started(&said, index).join(" ");
        assert!(words.ends_with(&format!("--data-parallel-start-rank {index}")), "{words}");
    }
}

#[test]
fn kserves_leader_names_no_rank() {
    let words = started(&["-dp", "4", "-dpl", "2", "-dpr", LEADER_RANK_MARK], 0).join(" ");
    assert!(!words.contains("start-rank"), "{words}");
}

const SAID: [&[&str]; 11] = [
    &["--disable-uvicorn-access-log"],
    &["--no-disable-uvicorn-access-log"],
    &["--disable-access-log-for-endpoints", "/a"],
    &["--disable_access_log_for_endpoints=/b,/c"],
    &["--data-parallel-start-rank", "0"],
    &["-dpr", "2"],
    &["-dpr", INDEX],
    &["--headless"],
    &["--data-parallel-hybrid-lb"],
    &["--no-data-parallel-hybrid-lb"],
    &["--seed", "7"],
];

proptest! {
    #[test]
    fn what_a_pod_says_is_what_vllm_is_told(said in vec(select(&SAID[..]), 0..7), index in 0_u32..3) {
        let said = [&["-dp", "4", "-dpl", "1"][..], &said.concat()].concat();
        let words = started(&said, index);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        prop_assert_eq!(Meaning::of(&words, index), Meaning::of(&said, index), "{:?}", words);
    }
}
