//! No secret is in what the launcher says: log, error, termination message, dry run, plan, `explain`, `doctor`. vLLM
//! gets each of them as it was given.

use crate::namespace::{Scene, perform};
use crate::program::{Answer, Unpacked, launcher, run};
use crate::stub::Stub;
use std::fs;
use std::process::Command;

const MARKER: &str = "m4rk3r";

/// Words and variables that hold a secret each, and what vLLM must find of it.
const WORDS: [&str; 9] = [
    "--api-key",
    "m4rk3r-1",
    "m4rk3r-2 $x",
    "--ssl-keyfile-password=m4rk3r-3 m4rk3r-4",
    "--hf-overrides",
    r#"{"a": {"token": "m4rk3r-5", "apiKey": ["m4rk3r-6"]}}"#,
    // The kubelet has put the variable's value in.
    "--served-by=m4rk3r-7",
    "--otlp-traces-endpoint",
    "https://user:m4rk3r-8@host/x",
];
const VARIABLES: [(&str, &str); 5] = [
    ("HF_TOKEN", "m4rk3r-7"),
    ("PRIVATE_KEY", "m4rk3r-9 m4rk3r-10"),
    ("VLLM_ADDITIONAL_ARGS", "--api-key m4rk3r-11 '$m4rk3r-12' --seed 7"),
    ("NCCL_IB_HCA", "http://user:m4rk3r-13@host"),
    ("PWD", "/tmp"),
];

fn given(command: &mut Command) -> &mut Command {
    command.args(["--"]).args(WORDS).envs(VARIABLES)
}

#[track_caller]
fn says_no_secret(answer: &Answer) {
    assert!(!answer.stderr.contains(MARKER), "{}", answer.stderr);
    assert!(!answer.stdout.contains(MARKER), "{}", answer.stdout);
}

#[test]
fn vllm_gets_what_nobody_is_told() {
    let (stub, unpacked) = (Stub::new(), Unpacked::named("two-rails-standard-table"));
    let sysroot = format!("--sysroot={}", unpacked.root.path().display());
    let plan = format!("--plan-file={}", stub.folder.path().join("plan.json").display());
    for format in ["--log-format=text", "--log-format=json"] {
        let mut command = stub.command(&["--model=m", &sysroot, &plan, format]);
        let answer = run(given(&mut command).env("PREFILL_RDMA", "auto"));
        assert_eq!(answer.code, 7, "{}", answer.stderr);
        says_no_secret(&answer);
        assert!(answer.stderr.contains("--api-key '***'"), "{}", answer.stderr);
        let words = stub.words();
        assert_eq!(words[words.len() - WORDS.len()..], WORDS);
        assert!(words.join("|").contains("--api-key|m4rk3r-11|$m4rk3r-12|--seed|7|"), "{words:?}");
        assert_eq!(stub.environment()["HF_TOKEN"], "m4rk3r-7");
        assert!(!stub.text("plan.json").contains(MARKER));
    }
}

#[test]
fn a_dry_run_shows_secrets_only_where_it_is_asked_to() {
    let stub = Stub::new();
    let answer = run(given(&mut stub.command(&["--model=m", "--dry-run"])));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    says_no_secret(&answer);
    assert!(
        answer.stdout.contains("--port 8000 --api-key '***' '***' --seed 7 --api-key '***'"),
        "{}",
        answer.stdout
    );
    let answer = run(given(&mut stub.command(&["--model=m", "--dry-run", "--show-secrets"])));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(!answer.stderr.contains(MARKER), "{}", answer.stderr);
    for secret in ["--api-key m4rk3r-11", "--api-key m4rk3r-1 'm4rk3r-2 $x'", r#""token": "m4rk3r-5""#] {
        assert!(answer.stdout.contains(secret), "{secret}\n{}", answer.stdout);
    }
    assert!(!stub.started());
}

#[test]
fn secrets_are_shown_by_a_dry_run_only() {
    let stub = Stub::new();
    let answer = stub.run(&["--model=m", "--show-secrets"]);
    assert_eq!(answer.code, 64);
    assert_eq!(
        answer.stderr,
        "prefill-launcher: error: `--show-secrets` belongs to `--dry-run`: what is started is logged without secrets\n\
         prefill-launcher: hint: give `--dry-run` too, or leave it out\n"
    );
    assert!(!stub.started());
}

#[test]
fn no_error_quotes_a_secret() {
    let stub = Stub::new();
    let secret = format!("{MARKER}-1");
    let open = format!("'{MARKER}-1");
    for words in [
        vec!["--model=m", "--api-key", secret.as_str()],
        vec!["--model=m", "--api-key=m4rk3r-1"],
        vec!["--model=m", "--port=m4rk3r-7"],
        vec!["--model=m", "--log-format=m4rk3r-7"],
        vec!["--model=m", "m4rk3r-7"],
        vec!["--model=m", "--rdma=m4rk3r-7"],
        vec!["--model=m", "--shell-words", "--", "--api-key", open.as_str()],
        vec!["--model=m", "--", "--port", "m4rk3r-7"],
        vec!["--model=m", "--", "--headless=m4rk3r-7"],
    ] {
        let answer = run(stub.command(&words).env("HF_TOKEN", "m4rk3r-7"));
        assert_eq!(answer.code, 64, "{words:?}: {}", answer.stderr);
        says_no_secret(&answer);
    }
    let mut command = stub.command(&["--model=m", "--additional-arguments=env:VLLM_ADDITIONAL_ARGS"]);
    let answer = run(command.env("VLLM_ADDITIONAL_ARGS", "--api-key 'm4rk3r"));
    assert_eq!(answer.code, 64);
    says_no_secret(&answer);
}

#[test]
fn what_explain_and_doctor_find_holds_no_secret() {
    let (stub, unpacked) = (Stub::new(), Unpacked::named("two-rails-standard-table"));
    let plan = stub.folder.path().join("plan.json");
    let sysroot = format!("--sysroot={}", unpacked.root.path().display());
    let run_plan = format!("--plan-file={}", plan.display());
    let answer =
        run(given(&mut stub.command(&["--model=m", &sysroot, &run_plan])).env("PREFILL_RDMA", "auto"));
    assert_eq!(answer.code, 7, "{}", answer.stderr);
    assert!(fs::read_to_string(&plan).is_ok_and(|text| !text.contains(MARKER)));
    for words in [
        vec!["explain", run_plan.as_str()],
        vec!["doctor"],
        vec!["doctor", "--format=json"],
        vec!["plan"],
        vec!["probe"],
    ] {
        let answer = run(launcher().args(&words).arg(&sysroot).envs(VARIABLES));
        assert!(!answer.stdout.is_empty(), "{words:?}: {}", answer.stderr);
        says_no_secret(&answer);
    }
}

/// The kubelet's file stands in `/dev`, so that this needs a `/dev` of its own.
#[test]
fn the_last_words_hold_no_secret() {
    let launcher = env!("CARGO_BIN_EXE_prefill-launcher");
    let script =
        "mount -t tmpfs none /dev && : > /dev/termination-log && \"$0\" run \"$@\"; cat /dev/termination-log";
    let words = ["sh", "-c", script, launcher, "--model=m", "--port=m4rk3r-7"];
    let scene = Scene {
        command: words.map(str::to_owned).to_vec(),
        environment: [("HF_TOKEN".to_owned(), "m4rk3r-7".to_owned())].into(),
        ..Scene::default()
    };
    let Some(report) = perform(&scene) else { return };
    assert!(report.stdout.starts_with("prefill-launcher: error: `--port=***`"), "{report:?}");
    assert!(!report.stdout.contains(MARKER) && !report.stderr.contains(MARKER), "{report:?}");
}
