#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::*;
use crate::kubelet;
use crate::launch::{
    AccessLog, ApiServers, Launch, LeaderAddress, LoadBalancing, Parallelism, StartRank, Tls,
};
use proptest::option::of;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    // Everything that words of a pod can hold: expansions, shell metacharacters, JSON, newlines.
    "[a-z$(){}\"' ;=:/,\n-]{1,16}"
}

prop_compose! {
    fn parallelism()(
        tensor in of(1u32..), pipeline in of(1u32..), data in of(1u32..), data_local in of(0u32..),
        data_rpc_port in of(1u16..), expert: bool,
    ) -> Parallelism {
        Parallelism { tensor, pipeline, data, data_local, data_rpc_port, expert }
    }
}

prop_compose! {
    fn ranks()(
        parallelism in parallelism(),
        start_rank in prop_oneof![
            Just(StartRank::Unset), Just(StartRank::WorkerIndex), any::<u32>().prop_map(StartRank::Fixed)
        ],
        keep_rank_0: bool,
        leader_address in prop_oneof![
            Just(LeaderAddress::Unset), Just(LeaderAddress::Environment),
            "[a-z0-9.:-]{1,12}".prop_map(LeaderAddress::Given)
        ],
        load_balancing in prop_oneof![
            Just(LoadBalancing::Internal), Just(LoadBalancing::Hybrid), Just(LoadBalancing::External)
        ],
        api_servers in prop_oneof![
            Just(ApiServers::Unset), any::<u32>().prop_map(ApiServers::Fixed),
            any::<u32>().prop_map(ApiServers::Environment)
        ],
    ) -> Launch {
        Launch { parallelism, start_rank, keep_rank_0, leader_address, load_balancing, api_servers, ..Launch::new("m") }
    }
}

prop_compose! {
    fn launches()(
        ranks in ranks(), model in text(), served_model_names in prop::collection::vec(text(), 0..3),
        port in 1u16.., headless: bool,
        tls in of((text(), text(), any::<bool>())), shutdown_timeout in of(any::<u32>()),
        off in of(any::<bool>()), except in of(text()),
        kv_transfer_default in of(text()), additional_arguments: bool,
        rdma_resources in prop::collection::vec(text(), 0..3), networks in of(text()),
        passthrough in prop::collection::vec(prop_oneof![Just("--".to_owned()), text()], 0..4),
    ) -> Launch {
        Launch {
            model, served_model_names, port, headless, shutdown_timeout,
            access_log: AccessLog { off, except },
            tls: tls.map(|(certificate, key, refresh)| Tls { certificate, key, refresh }),
            kv_transfer_default, additional_arguments, rdma_resources, networks, passthrough, ..ranks
        }
    }
}

proptest! {
    #[test]
    fn reading_gives_back_what_was_rendered(launch in launches()) {
        let words: Vec<String> = render(&launch).iter().map(|word| kubelet::escape(word).into_owned()).collect();
        let arrived: Vec<String> =
            words.iter().map(|word| kubelet::expand(word, |_| None).into_owned()).collect();
        prop_assert_eq!(Reader::default().read(&arrived), Ok((launch, Vec::new())));
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec("(run|--[a-z-]{0,12}=?[a-z0-9:]{0,6}|--)", 0..6)) {
        let _ = Reader::default().read(&words);
    }
}

#[test]
fn only_what_differs_from_the_default_is_rendered() {
    assert_eq!(render(&Launch::new("/mnt/models")), ["run", "--contract=1", "--model=/mnt/models"]);
}

#[test]
fn what_is_said_of_the_access_log() {
    let read = |value: &str| {
        let word = format!("--access-log={value}");
        Reader::default()
            .read(&["run", "--contract=1", "--model=m", &word])
            .map(|(launch, _)| launch.access_log)
    };
    let log = |off, except: Option<&str>| Ok(AccessLog { off, except: except.map(str::to_owned) });
    assert_eq!(read("off"), log(Some(true), None));
    assert_eq!(read("on"), log(Some(false), None));
    assert_eq!(read("except:/a,/b"), log(None, Some("/a,/b")));
    assert_eq!(read("except:"), log(None, Some("")));
    assert_eq!(read("off,except:/a,/b"), log(Some(true), Some("/a,/b")));
    assert_eq!(read("on,except:/a"), log(Some(false), Some("/a")));
    for value in ["", "no", "off,", "off,/a", "on,off", "/a,except:/b"] {
        assert!(read(value).is_err(), "{value}");
    }
}

#[test]
fn neighbouring_versions_work_together() {
    let words = ["run", "--contract=2", "--model=m", "--hint-new=x"];
    let (launch, warnings) = Reader { version: 1 }.read(&words).unwrap();
    assert_eq!(launch, Launch::new("m"));
    assert_eq!(warnings, ["`--hint-new` is unknown to this launcher and was left out"]);
    let older = render(&Launch::new("m"));
    assert_eq!(Reader { version: 2 }.read(&older), Ok((Launch::new("m"), Vec::new())));
}

#[test]
fn refusals_name_the_option_and_say_what_to_do() {
    let read = |words: &[&str]| Reader::default().read(words).unwrap_err().to_string();
    let with = |word| read(&["run", "--contract=1", "--model=m", word]);
    let version = "use a launcher of the policy's release, or one release beside it";
    let rendered = "the policy writes these arguments; pass them on unchanged";
    assert_eq!(with("--new=1"), format!("`--new=1`: unknown option; hint: {version}"));
    assert_eq!(
        read(&["run", "--contract=3", "--model=m"]),
        format!("`--contract=3`: this launcher reads contract 1 and its neighbours; hint: {version}")
    );
    assert_eq!(with("--tensor=0"), format!("`--tensor=0`: expected a whole number from 1; hint: {rendered}"));
    assert_eq!(with("--headless=yes"), format!("`--headless=yes`: takes no value; hint: {rendered}"));
    assert_eq!(with("--model=n"), "`--model=n`: given twice; hint: keep one of the two");
    assert_eq!(with("word"), "`word`: not an option; hint: put words for vLLM behind `--`");
    assert_eq!(
        with("--tls-key=k"),
        format!("`--tls-…`: needs `--tls-certificate` and `--tls-key` together; hint: {rendered}")
    );
    assert_eq!(read(&["run", "--contract=1"]), format!("`--model`: missing or empty; hint: {rendered}"));
    assert_eq!(read(&[]), format!("`run`: missing as first argument; hint: {rendered}"));
}
