//! What `run` refuses before anything is started, and the exit codes of what cannot be.

use crate::program::{Answer, run};
use crate::stub::{Stub, write_program};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

#[track_caller]
fn refuses(answer: &Answer, code: i32, message: &str) {
    assert_eq!(answer.code, code, "{answer:?}");
    assert!(answer.stderr.contains(&format!("prefill-launcher: error: {message}")), "{}", answer.stderr);
    assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
}

/// Words, variables, exit code and the beginning of the message.
type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a str);

#[test]
fn wrong_input_is_refused_before_anything_is_started() {
    let stub = Stub::new();
    let with =
        |words: &[&str], variables: &[(&str, &str)]| run(stub.command(words).envs(variables.iter().copied()));
    let rows: [Row<'_>; 12] = [
        (&[], &[], 64, "`--model`: missing or empty"),
        (&["--model=m", "--tensor=zero"], &[], 64, "`--tensor=zero`: expected a whole number from 1"),
        (&["--model=m", "--tensr=1"], &[], 64, "`--tensr=1`: unknown option"),
        (&["--contract=9", "--model=m"], &[], 64, "`--contract=9`: this launcher reads contract 1"),
        (
            &["--model=m"],
            &[("LWS_WORKER_INDEX", "two")],
            64,
            "`LWS_WORKER_INDEX` is `two`, expected a whole number from 0",
        ),
        (
            &["--model=m", "--api-server-count=env:VLLM_API_SERVER_COUNT:8"],
            &[("VLLM_API_SERVER_COUNT", "many")],
            64,
            "`VLLM_API_SERVER_COUNT` is `many`",
        ),
        (
            &["--model=m"],
            &[("VLLM_ADDITIONAL_ARGS", "--a 'b")],
            64,
            "`VLLM_ADDITIONAL_ARGS` is `--a 'b`, which has a quote",
        ),
        (&["--model=m", "--log-format=yaml"], &[], 64, "`--log-format` is `yaml`, expected `text` or `json`"),
        (
            &["--model=m", "--data=8", "--data-local=3", "--start-rank=env:LWS_WORKER_INDEX"],
            &[],
            64,
            "`data` is 8, not a multiple",
        ),
        (
            &["--model=m", "--data=4", "--data-local=2", "--leader-address=env:LWS_LEADER_ADDRESS"],
            &[],
            64,
            "`LWS_LEADER_ADDRESS` is not set, but other pods",
        ),
        (&["--model=m", "--rdma=require"], &[], 1, "`--rdma=require`: no port at all can be used"),
        (
            &["--model=m", "--tls-certificate=/no.crt", "--tls-key=/no.key"],
            &[],
            64,
            "`/no.crt` cannot be read: No such file",
        ),
    ];
    for (words, variables, code, message) in rows {
        let answer = with(words, variables);
        refuses(&answer, code, message);
        assert_eq!(answer.stderr.matches("error: ").count(), 1, "the cause, once: {}", answer.stderr);
        assert!(!stub.started(), "{words:?}");
    }
    let json = with(&["--model=m", "--log-format=json", "--rdma=require"], &[]);
    for line in json.stderr.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(line["component"], "prefill-launcher");
    }
}

#[test]
fn what_cannot_be_started_has_the_exit_code_of_a_shell() {
    let stub = Stub::new();
    let vllm = stub.folder.path().join("vllm");
    fs::set_permissions(&vllm, fs::Permissions::from_mode(0o644)).unwrap();
    let answer = run(&mut stub.command(&["--model=m"]));
    assert_eq!(answer.code, 126, "{answer:?}");
    fs::remove_file(&vllm).unwrap();
    let mut command = stub.command(&["--model=m"]);
    assert_eq!(run(command.env("PATH", stub.folder.path())).code, 127);
    write_program(&vllm, "#!/nowhere/bin/python3\n");
    assert_eq!(run(&mut stub.command(&["--model=m"])).code, 127);
    let given = format!("--vllm={}", PathBuf::from("/nowhere/vllm").display());
    assert_eq!(run(&mut stub.command(&["--model=m", &given])).code, 127);
}
