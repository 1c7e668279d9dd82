//! The user's words for which one replaced another: what is started must mean what argparse makes of them.

use super::{OLD, line, serve};
use crate::flags::{self, Owned};
use crate::launch::{AccessLog, Launch};
use crate::serve::{Extra, Features, Group};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const OFF: &str = "--disable-uvicorn-access-log";
const ON: &str = "--no-disable-uvicorn-access-log";
const EXCEPT: &str = "--disable-access-log-for-endpoints";
/// One flag each, in the spellings that people use.
const SAID: [&[&str]; 6] = [
    &[OFF],
    &["--disable_uvicorn_access_log"],
    &[ON],
    &["--no_disable_uvicorn_access_log"],
    &[EXCEPT, "/a"],
    &["--disable_access_log_for_endpoints=/b"],
];

/// What argparse makes of `words`: of each flag, the last.
fn meaning(words: &[&str]) -> AccessLog {
    let mut log = AccessLog::default();
    for given in flags::sort(words).unwrap().owned {
        match given.flag {
            Owned::AccessLogOff => log.off = Some(given.on),
            Owned::AccessLogExcept => log.except = Some(given.values[0].to_owned()),
            _ => {}
        }
    }
    log
}

/// What is started where the launch says `log` and the user `words`, partly in the variable.
fn started(log: &AccessLog, variable: &[&str], behind: &[&str], features: Features) -> Vec<String> {
    let mut launch = Launch::new("m");
    launch.access_log = log.clone();
    let behind: Vec<String> = behind.iter().map(|word| (*word).to_owned()).collect();
    let mut extra = Extra::read(Some(&variable.join(" ")), &behind, false).unwrap();
    extra.lift(&mut launch).unwrap();
    serve(&launch, Group::default(), None, None, features, &extra).words.split_off(2)
}

#[test]
fn both_flags_of_the_access_log_survive_in_every_order() {
    let except = format!("{EXCEPT} /a");
    for first in [OFF, ON, &except] {
        for second in [OFF, ON, &except] {
            for third in [OFF, ON, &except] {
                let all = [first, second, third].join(" ");
                let all: Vec<&str> = all.split(' ').collect();
                let words = started(&AccessLog::default(), &all, &[], Features::NEWEST);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                assert_eq!(meaning(&words), meaning(&all), "{all:?}: {words:?}");
            }
        }
    }
}

/// KServe's script chooses by the version of vLLM; what the user says comes behind that.
#[test]
fn a_vllm_that_cannot_leave_paths_out_logs_nothing_unless_told_to() {
    let script = AccessLog { off: None, except: Some("/health".to_owned()) };
    for (words, old, new) in [
        (&[][..], OFF, "--disable-access-log-for-endpoints /health"),
        (&[OFF], OFF, "--disable-access-log-for-endpoints /health --disable-uvicorn-access-log"),
        (&[ON], ON, "--disable-access-log-for-endpoints /health --no-disable-uvicorn-access-log"),
        (&[ON, OFF], OFF, "--disable-access-log-for-endpoints /health --disable-uvicorn-access-log"),
        (&[EXCEPT, "/x"], OFF, "--disable-access-log-for-endpoints /x"),
    ] {
        let behind_port = |features| started(&script, words, &[], features)[2..].join(" ");
        assert_eq!(
            (behind_port(OLD).as_str(), behind_port(Features::NEWEST).as_str()),
            (old, new),
            "{words:?}"
        );
    }
    let mut launch = Launch::new("m");
    launch.access_log = script;
    assert!(line(&launch, Group::default(), OLD, &Extra::default()).ends_with(OFF));
}

proptest! {
    #[test]
    fn of_each_flag_of_the_access_log_the_last_counts(
        launch in vec(select(&SAID[..]), 0..3),
        variable in vec(select(&SAID[..]), 0..4),
        behind in vec(select(&SAID[..]), 0..4),
    ) {
        let flat = |said: Vec<&'static [&'static str]>| said.concat();
        let (launch, variable, behind) = (flat(launch), flat(variable), flat(behind));
        let words = started(&meaning(&launch), &variable, &behind, Features::NEWEST);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        prop_assert_eq!(meaning(&words), meaning(&[launch, variable, behind].concat()));
    }
}
