//! `run` and what it leaves to vLLM: a stub notes down what it was started with.

use crate::program::{Unpacked, launcher, run};
use crate::stub::{Stub, write_program};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn vllm_takes_the_process_and_finds_it_clean() {
    let stub = Stub::new();
    let mut command = stub.command(&["--contract=1", "--model=/mnt/models"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let number = child.id();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stub.text("process"), format!("{number} {}\n", std::process::id()));
    // Standard input, output and error, and what the shell itself reads.
    let script = stub.folder.path().join("vllm").display().to_string();
    for file in stub.text("files").lines() {
        let known =
            file == "/dev/null" || file.starts_with("pipe:") || file == script || file.ends_with("/files");
        assert!(known, "{file}");
    }
}

/// Shells change signals for themselves; awk does not.
const SIGNALS: &str = r#"#!/usr/bin/awk -f
BEGIN { while ((getline line < "/proc/self/status") > 0) print line > (ENVIRON["STUB"] "/status"); exit }
"#;

#[test]
fn no_signal_stays_ignored_or_blocked() {
    let stub = Stub::new();
    write_program(&stub.folder.path().join("vllm"), SIGNALS);
    let launcher = env!("CARGO_BIN_EXE_prefill-launcher");
    let mut command = Command::new("/bin/sh");
    // env of coreutils blocks signals for what it starts.
    let script =
        "trap '' INT HUP CHLD USR1 ALRM TTOU VTALRM; exec env --block-signal=TERM,USR2 \"$0\" run --model=m";
    command.args(["-c", script]).arg(launcher);
    command.env_clear().env("STUB", stub.folder.path()).env("PREFILL_RDMA", "off");
    command.env("PATH", format!("{}:/usr/bin:/bin", stub.folder.path().display()));
    run(&mut command);
    let status = stub.text("status");
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
        // 32 and 33 are the C library's own; nobody can ask it for their disposition.
        u64::from_str_radix(line, 16).unwrap() & 0x7fff_ffff
    };
    assert_eq!((set("SigIgn:"), set("SigBlk:")), (0, 0), "{status}");
}

#[test]
fn the_policys_words_become_vllms() {
    let stub = Stub::new();
    let answer = run(stub
        .command(&[
            "--contract=1",
            "--model=/mnt/models",
            "--served-model-name=m",
            "--tensor=2",
            "--data=16",
            "--data-local=8",
            "--data-rpc-port=5555",
            "--start-rank=env:LWS_WORKER_INDEX",
            "--leader-address=env:LWS_LEADER_ADDRESS",
            "--headless",
            "--shutdown-timeout=40",
            "--additional-arguments=env:VLLM_ADDITIONAL_ARGS",
            "--hint-of-tomorrow=x",
            "--",
            "--trust-remote-code",
        ])
        .env("LWS_WORKER_INDEX", "1")
        .env("LWS_GROUP_SIZE", "2")
        .env("LWS_LEADER_ADDRESS", "[fd00::1]")
        .env("VLLM_API_SERVER_COUNT", "4")
        .env("VLLM_PORT", "tcp://10.0.0.9:8000")
        .env("VLLM_ADDITIONAL_ARGS", "--max-model-len 4096 --hf-overrides '{\"a\": 1}'"));
    assert_eq!(answer.code, 7, "{}", answer.stderr);
    assert_eq!(
        stub.words().join("|"),
        "serve|/mnt/models|--served-model-name|m|--port|8000|--tensor-parallel-size|2|--data-parallel-size|16|\
         --data-parallel-size-local|8|--data-parallel-address|fd00::1|--data-parallel-rpc-port|5555|\
         --data-parallel-start-rank|8|--headless|--shutdown-timeout|40|--max-model-len|4096|--hf-overrides|{\"a\": 1}|\
         --trust-remote-code"
    );
    let environment = stub.environment();
    for name in ["VLLM_ADDITIONAL_ARGS", "VLLM_API_SERVER_COUNT", "VLLM_PORT"] {
        assert!(!environment.contains_key(name), "{name}");
    }
    assert_eq!(environment["LWS_WORKER_INDEX"], "1");
    assert!(
        answer.stderr.contains("warning: `--hint-of-tomorrow` is unknown to this launcher"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_few_flags_are_completed_as_kserve_would() {
    let start = |index: &str| {
        let stub = Stub::new();
        let mut command = stub.command(&["--model=m", "--data=4", "--data-local=2", "--", "--enforce-eager"]);
        command
            .env("LWS_WORKER_INDEX", index)
            .env("LWS_GROUP_SIZE", "2")
            .env("LWS_LEADER_ADDRESS", "10.0.0.1");
        run(command.env("VLLM_API_SERVER_COUNT", "3"));
        stub.words().join(" ")
    };
    let common = "--data-parallel-size 4 --data-parallel-size-local 2 --data-parallel-address 10.0.0.1";
    assert_eq!(start("0"), format!("serve m --port 8000 --api-server-count 3 {common} --enforce-eager"));
    assert_eq!(
        start("1"),
        format!("serve m --port 8000 {common} --data-parallel-start-rank 2 --headless --enforce-eager")
    );
}

/// The plan warns of it, and doctor has a finding: one line of the log is enough.
#[test]
fn nothing_is_logged_twice() {
    for (name, value, said) in [
        ("NCCL_SOCKET_IFNAME", "bond7", "`bond7`"),
        ("GLOO_SOCKET_IFNAME", "^docker0", "`^docker0`"),
        ("NCCL_IB_GID_INDEX", "77", "entry 77"),
    ] {
        let (stub, unpacked) = (Stub::new(), Unpacked::named("two-rails-standard-table"));
        let sysroot = format!("--sysroot={}", unpacked.root.path().display());
        let mut command = stub.command(&["--model=m", &sysroot]);
        let answer = run(command.env("PREFILL_RDMA", "auto").env(name, value));
        let warnings = answer.stderr.lines().filter(|line| line.contains("warning: "));
        let about = warnings.filter(|line| line.contains(name) && line.contains(said)).count();
        // An index is judged for each port.
        let ports = if name == "NCCL_IB_GID_INDEX" { 2 } else { 1 };
        assert_eq!(about, ports, "{name}={value}: {}", answer.stderr);
    }
}

#[test]
fn the_nics_come_with_it_and_the_plan_stays() {
    let (stub, unpacked) = (Stub::new(), Unpacked::named("two-rails-standard-table"));
    let sysroot = format!("--sysroot={}", unpacked.root.path().display());
    let plan = stub.folder.path().join("plan.json");
    let mut command = stub.command(&["--model=m", &sysroot, &format!("--plan-file={}", plan.display())]);
    let answer =
        run(command.env("PREFILL_RDMA", "auto").env("NVSHMEM_HCA_PREFIX", "").env("HF_TOKEN", "hf_secret"));
    assert_eq!(answer.code, 7, "{}", answer.stderr);
    let environment = stub.environment();
    assert_eq!(environment["NCCL_IB_HCA"], "=mlx5_0,mlx5_1");
    assert_eq!(environment["UCX_IB_GID_INDEX"], "3");
    for line in [
        "prefill-launcher: use `mlx5_0:1`",
        "prefill-launcher: set NCCL_IB_HCA==mlx5_0,mlx5_1",
        "prefill-launcher: exec ",
    ] {
        assert!(answer.stderr.contains(line), "{line}\n{}", answer.stderr);
    }
    assert!(!fs::read_to_string(&plan).unwrap().contains("hf_secret"));
    let explain = |state: &str| {
        fs::write(unpacked.root.path().join("sys/class/infiniband/mlx5_1/ports/1/state"), state).unwrap();
        let mut command = launcher();
        command.args(["explain", &sysroot, &format!("--plan-file={}", plan.display())]);
        run(command.env("NVSHMEM_HCA_PREFIX", "")).stdout
    };
    assert!(explain("4: ACTIVE\n").ends_with("now: the same\n"));
    let changed = explain("1: DOWN\n");
    assert!(changed.contains("\n+ skip `mlx5_1:1`: port state is DOWN"), "{changed}");
}

/// One flag of `run` must not make the pod's variables, or what is asked of `explain` itself, forgotten.
#[test]
fn explain_decides_with_the_flags_of_run_and_the_pods_variables() {
    let (stub, unpacked) = (Stub::new(), Unpacked::named("two-rails-standard-table"));
    let sysroot = format!("--sysroot={}", unpacked.root.path().display());
    let plan = format!("--plan-file={}", stub.folder.path().join("plan.json").display());
    let mut command = stub.command(&["--model=m", "--ucx-tcp=none", &sysroot, &plan]);
    let answer = run(command.env("PREFILL_RDMA", "auto").env("PREFILL_RDMA_EXCLUDE", "mlx5_1"));
    assert_eq!(answer.code, 7, "{}", answer.stderr);
    assert_eq!(stub.environment()["NCCL_IB_HCA"], "=mlx5_0");
    let explain = |words: &[&str]| {
        let mut command = launcher();
        command.args(["explain", &sysroot, &plan]).args(words);
        run(command.env("PREFILL_RDMA", "auto").env("PREFILL_RDMA_EXCLUDE", "mlx5_1")).stdout
    };
    let same = explain(&[]);
    assert!(same.ends_with("now: the same\n"), "{same}");
    let other = explain(&["--rdma-exclude=mlx5_0"]);
    assert!(other.contains("\n+ set NCCL_IB_HCA==mlx5_1"), "{other}");
}

#[test]
fn what_the_user_says_in_vllms_words_counts() {
    let start = |words: &[&str], variables: &[(&str, &str)]| {
        let stub = Stub::new();
        let mut command = stub.command(words);
        command.env("LWS_WORKER_INDEX", "1").env("LWS_GROUP_SIZE", "2").envs(variables.iter().copied());
        let answer = run(&mut command);
        assert_eq!(answer.code, 7, "{words:?}: {}", answer.stderr);
        stub.words().join(" ")
    };
    // An address that is given is not waited for, whatever the variable says.
    let words = [
        "--contract=1",
        "--model=m",
        "--data=2",
        "--data-local=1",
        "--start-rank=env:LWS_WORKER_INDEX",
        "--headless",
        "--leader-address=env:LWS_LEADER_ADDRESS",
        "--additional-arguments=env:VLLM_ADDITIONAL_ARGS",
        "--",
        "-dpa",
        "10.0.0.1",
    ];
    let line = start(&words, &[("VLLM_ADDITIONAL_ARGS", "--api-server-count 8 --root-path ''")]);
    assert_eq!(
        line,
        "serve m --port 8000 --data-parallel-size 2 --data-parallel-size-local 1 --data-parallel-address 10.0.0.1 \
         --data-parallel-start-rank 1 --headless --root-path "
    );
    // Hybrid load balancing: the worker serves.
    let line = start(
        &["--model=m", "--", "-dp", "4", "-dpl", "2", "--data-parallel-hybrid-lb"],
        &[("LWS_LEADER_ADDRESS", "10.0.0.1")],
    );
    assert_eq!(
        line,
        "serve m --port 8000 --data-parallel-size 4 --data-parallel-size-local 2 --data-parallel-address 10.0.0.1 \
         --data-parallel-hybrid-lb --data-parallel-start-rank 2"
    );
}

#[test]
fn dry_run_prints_what_would_be_started_and_starts_nothing() {
    let stub = Stub::new();
    let mut command = stub.command(&["--model=a b", "--dry-run", "--", "--seed", "7", "--x=$(id)"]);
    let answer = run(command.env("VLLM_API_SERVER_COUNT", "2"));
    let program = stub.folder.path().join("vllm");
    assert_eq!(answer.code, 0, "{answer:?}");
    assert_eq!(
        answer.stdout,
        format!(
            "env -u VLLM_API_SERVER_COUNT {} serve 'a b' --port 8000 --seed 7 '--x=$(id)'\n",
            program.display()
        )
    );
    assert!(!stub.started());
}

#[test]
fn every_input_stays_text() {
    let evil = ["$(touch x)", "`touch x`", "; touch x", "a\nb", "'", "\"", "\\", "*", "--model=b", "$HOME"];
    for text in evil {
        let stub = Stub::new();
        let model = format!("--model={text}");
        let quoted = format!("--served-model-name={text}");
        let mut command = stub.command(&["--contract=1", &model, &quoted, "--", "--trust-remote-code", text]);
        let answer = run(command.current_dir(stub.folder.path()));
        assert!(!stub.folder.path().join("x").exists(), "{text}");
        if text == "--model=b" {
            continue;
        }
        assert_eq!(answer.code, 7, "{text}: {}", answer.stderr);
        let words = stub.words();
        assert_eq!(words[1], text);
        assert_eq!(words.last().map(String::as_str), Some(text));
    }
    let stub = Stub::new();
    let mut command = stub.command(&["--model=m"]);
    command.current_dir(stub.folder.path());
    run(command.env("VLLM_ADDITIONAL_ARGS", "--a $(touch x) `touch x` ; touch x"));
    assert!(!stub.folder.path().join("x").exists());
    assert_eq!(stub.words()[4..], ["--a", "$(touch", "x)", "`touch", "x`", ";", "touch", "x"]);
}

#[test]
fn a_side_channel_is_the_pods_address() {
    let unpacked = Unpacked::named("two-rails-standard-table");
    let sysroot = format!("--sysroot={}", unpacked.root.path().display());
    let nixl = r#"--kv_transfer_config={"kv_connector":"NixlConnector","kv_role":"kv_producer"}"#;
    let stub = Stub::new();
    stub.run(&["--model=m", &sysroot, "--", nixl]);
    assert_eq!(stub.environment().get("VLLM_NIXL_SIDE_CHANNEL_HOST").map(String::as_str), Some("10.244.3.7"));
    let mut command = stub.command(&["--model=m", &sysroot, "--", nixl]);
    run(command.env("VLLM_NIXL_SIDE_CHANNEL_HOST", "10.1.1.1"));
    assert_eq!(stub.environment()["VLLM_NIXL_SIDE_CHANNEL_HOST"], "10.1.1.1");
}
