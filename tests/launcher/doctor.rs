//! `doctor`: what it finds on machines, what it finds by trying, and what it must never say.

use crate::program::{Answer, Unpacked, all, folder, launcher, run};
use crate::verbs::{Stage, says};
use prefill_rdma::doctor::Code;
use rustix::process::{Resource, getrlimit};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const LIMITED: &str = "doctor-non-root-64k-memlock-closed-driver";
const SOUND: &str = "doctor-sound-two-rails-two-gpus";

fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn known_codes() -> BTreeSet<String> {
    Code::ALL.iter().map(|code| code.name().to_owned()).collect()
}

fn findings(answer: &Answer) -> Vec<Value> {
    let report: Value =
        serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
    report["findings"].as_array().unwrap().clone()
}

fn codes(findings: &[Value]) -> BTreeSet<String> {
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

fn doctor(command: &mut Command) -> Answer {
    run(command.arg("--format=json"))
}

#[track_caller]
fn finding(answer: &Answer, code: &str) -> Value {
    let findings = findings(answer);
    findings
        .iter()
        .find(|one| one["code"] == code)
        .unwrap_or_else(|| panic!("no {code} in {findings:#?}"))
        .clone()
}

#[test]
fn machines_get_findings_that_are_whole_and_an_exit_code_that_fits() {
    let known = known_codes();
    for (name, text) in all() {
        let unpacked = Unpacked::new(&text);
        let answer = doctor(&mut unpacked.command("doctor"));
        let findings = findings(&answer);
        let mut worst = "info";
        for finding in &findings {
            for part in ["evidence", "message", "fix"] {
                let text = finding[part].as_str().unwrap();
                assert!(!text.is_empty() && !text.ends_with('.'), "{name}: {part}: {text}");
                assert!(!text.starts_with(char::is_lowercase) || !text.contains("hint:"), "{name}: {text}");
            }
            assert!(known.contains(finding["code"].as_str().unwrap()), "{name}: {finding}");
            let severity = finding["severity"].as_str().unwrap();
            let rank = |severity: &str| ["error", "warning", "info"].iter().position(|one| *one == severity);
            assert!(rank(severity).is_some(), "{name}: {severity}");
            worst = if rank(severity) < rank(worst) { severity } else { worst };
        }
        assert_eq!(answer.code, i32::from(worst == "error"), "{name}: {answer:?}");
        for want in unpacked.machine.wants.iter().filter_map(|want| want.strip_prefix("findings")) {
            let wanted: BTreeSet<String> = want.split_whitespace().map(str::to_owned).collect();
            assert_eq!(codes(&findings), wanted, "{name}: {findings:#?}");
        }
    }
}

#[test]
fn machines_are_told_as_when_that_was_last_read() {
    let doctored = all().into_iter().filter(|(name, _)| name.starts_with("doctor-"));
    for (name, text) in doctored {
        let unpacked = Unpacked::new(&text);
        let answer = run(&mut unpacked.command("doctor"));
        let golden = format!("{}--- {}\n{}", answer.stdout, answer.code, answer.stderr);
        assert!(!golden.contains(&unpacked.root.path().display().to_string()), "{name}: {golden}");
        let path = folder().join(format!("{name}.doctor"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, golden).unwrap();
        } else {
            let hint = "hint: `make golden` writes it anew";
            assert_eq!(fs::read_to_string(&path).unwrap_or_default(), golden, "{name}: {hint}");
        }
    }
}

#[test]
fn a_saved_machine_has_the_findings_of_the_machine() {
    for (name, text) in all().into_iter().filter(|(name, _)| name.starts_with("doctor-")) {
        let unpacked = Unpacked::new(&text);
        let saved = tempfile::tempdir().unwrap();
        assert_eq!(run(unpacked.command("probe").arg("--save").arg(saved.path())).code, 0);
        let mut command = launcher();
        command.args(["doctor", "--sysroot"]).arg(saved.path()).args(&unpacked.machine.options);
        let again = doctor(command.envs(unpacked.machine.environment.iter().cloned()));
        assert_eq!(findings(&again), findings(&doctor(&mut unpacked.command("doctor"))), "{name}");
    }
}

#[test]
fn memory_is_registered_on_every_device_that_is_used_and_let_go_again() {
    let stage = Stage::named(SOUND);
    let answer = doctor(&mut stage.command("doctor"));
    assert_eq!((answer.code, findings(&answer)), (0, Vec::new()), "{answer:?}");
    let calls =
        ["ibv_alloc_pd", "ibv_reg_mr", "ibv_dereg_mr", "ibv_dealloc_pd"].map(|call| stage.calls(call));
    assert_eq!(calls, [2; 4]);
    let log = fs::read_to_string(stage.calls_file()).unwrap();
    assert!(log.contains("ibv_reg_mr mlx5_0 67108864\n"), "{log}");
    assert!(log.contains("ibv_reg_mr mlx5_1 67108864\n"), "{log}");
    assert_eq!(stage.calls("ibv_open_device"), stage.calls("ibv_close_device"));
}

#[test]
fn only_what_is_used_is_registered() {
    let mut stage = Stage::named("h100-8x-roce-front-end-pair");
    run(&mut stage.command("doctor"));
    assert_eq!(stage.calls("ibv_reg_mr"), 8);
    fs::remove_file(stage.calls_file()).unwrap();
    stage.scene["faults"] = json!({ "mlx5_0": { "open": 13 } });
    let answer = doctor(&mut stage.command("doctor"));
    assert_eq!(finding(&answer, "uverbs-node-unopenable")["severity"], "warning");
    assert_eq!(stage.calls("ibv_reg_mr"), 7);
    // Nothing can be used, but links are all that is missing: memory is tried all the same.
    let stage = Stage::named("require-with-all-ports-down-exits");
    run(&mut stage.command("doctor"));
    assert_eq!(stage.calls("ibv_reg_mr"), 2);
}

#[test]
fn a_refusal_says_errno_limit_capability_and_namespace() {
    let mut stage = Stage::named(LIMITED);
    stage.scene["faults"] = json!({ "mlx5_0": { "regMr": 12 } });
    let answer = doctor(&mut stage.command("doctor"));
    assert_eq!(answer.code, 1);
    let failed = finding(&answer, "memory-registration-failed");
    assert_eq!(failed["severity"], "error");
    let evidence = failed["evidence"].as_str().unwrap();
    for part in [
        "`mlx5_0`: `ibv_reg_mr` failed: ENOMEM (12)",
        "`RLIMIT_MEMLOCK` soft 64 KiB, hard 64 KiB",
        "`CapEff` has no `IPC_LOCK`",
        "`/proc/self/uid_map` is the first user namespace",
    ] {
        assert!(evidence.contains(part), "{part}: {evidence}");
    }
    assert!(!evidence.contains("mlx5_1"), "{evidence}");
    assert!(failed["fix"].as_str().unwrap().contains("LimitMEMLOCK"), "{failed}");
    let calls =
        ["ibv_alloc_pd", "ibv_reg_mr", "ibv_dereg_mr", "ibv_dealloc_pd"].map(|call| stage.calls(call));
    assert_eq!(calls, [2, 2, 1, 2], "the other device is tried too");
    stage.scene["faults"] = json!({ "*": { "allocPd": 28 } });
    let answer = doctor(&mut stage.command("doctor"));
    let evidence = finding(&answer, "memory-registration-failed")["evidence"].to_string();
    assert!(evidence.contains("`mlx5_1`: `ibv_alloc_pd` failed: ENOSPC (28)"), "{evidence}");
}

#[test]
fn a_library_that_cannot_register_leaves_it_unknown() {
    let mut stage = Stage::named(SOUND);
    stage.build = "fake_ibverbs_old";
    let answer = run(&mut stage.command("doctor"));
    says(&answer, "not known: whether memory can be registered: this libibverbs has no `ibv_reg_mr`\n");
    says(&answer, "0 errors, 0 warnings, 0 infos");
    assert_eq!(answer.code, 0);
}

#[test]
fn a_library_that_is_not_there_is_an_error_where_rails_are() {
    let answer = doctor(Unpacked::named(SOUND).command("doctor").arg("--ibverbs=/nowhere/libibverbs.so.1"));
    assert_eq!(answer.code, 1);
    let missing = finding(&answer, "verbs-library-missing");
    assert!(missing["evidence"].as_str().unwrap().contains("`/nowhere/libibverbs.so.1` could not be loaded"));
}

#[test]
fn errors_are_told_by_the_exit_code_in_both_formats() {
    let unpacked = Unpacked::named("doctor-nodes-not-in-the-pod");
    let text = run(&mut unpacked.command("doctor"));
    assert_eq!(text.code, 1);
    assert!(text.stdout.starts_with("error: uverbs-node-missing\n"), "{}", text.stdout);
    assert!(text.stdout.ends_with("2 errors, 0 warnings, 0 infos\n"), "{}", text.stdout);
    assert!(text.stderr.starts_with("prefill-launcher: error: `doctor` found 2 errors"), "{}", text.stderr);
    assert_eq!(doctor(&mut unpacked.command("doctor")).code, 1);
    let warned = run(&mut Unpacked::named("doctor-user-namespace-and-image-volume").command("doctor"));
    assert_eq!(warned.code, 1, "{}", warned.stdout);
    let unasked = run(unpacked.command("doctor").env("KSERVE_INFER_ROCE", ""));
    assert_eq!((unasked.code, unasked.stderr.as_str()), (0, ""), "warnings only: {}", unasked.stdout);
}

#[test]
fn no_value_but_of_rdma_variables_is_said() {
    let secrets = [
        ("HF_TOKEN", "hf_secret"),
        ("VLLM_API_KEY", "sk-secret"),
        ("LWS_LEADER_ADDRESS", "secret-leader.example"),
        ("PREFILL_LEADER_ADDRESS", "203.0.113.77"),
        ("VLLM_NIXL_SIDE_CHANNEL_HOST", "127.9.8.7"),
        ("VLLM_ADDITIONAL_ARGS", "--api-key secret-key '{\"kv_connector\":\"NixlConnector\"}'"),
        ("NCCL_SOCKET_IFNAME", "shown0"),
    ];
    for (name, text) in all().into_iter().filter(|(name, _)| name.starts_with("doctor-")) {
        let unpacked = Unpacked::new(&text);
        for format in ["text", "json"] {
            let answer = run(unpacked.command("doctor").args(["--format", format]).envs(secrets));
            let all = format!("{}{}", answer.stdout, answer.stderr);
            for hidden in ["secret", "203.0.113.77", "127.9.8.7"] {
                assert!(!all.contains(hidden), "{name}: {hidden}: {all}");
            }
            assert!(all.contains("shown0"), "{name}: {all}");
        }
    }
}

#[test]
fn an_inventory_says_less_and_nothing_wrong() {
    let unpacked = Unpacked::named(LIMITED);
    let file = unpacked.root.path().join("inventory.json");
    let mut inventory: Value =
        serde_json::from_str(&run(unpacked.command("probe").arg("--format=json")).stdout).unwrap();
    fs::write(&file, inventory.to_string()).unwrap();
    let replay = || {
        let mut command = launcher();
        command.args(["doctor", "--inventory"]).arg(&file).env("NCCL_IB_DISABLE", "1");
        command
    };
    let answer = doctor(&mut replay());
    assert_eq!(
        codes(&findings(&answer)),
        ["nccl-ib-disabled", "sys-rawio-not-effective"].map(str::to_owned).into()
    );
    says(&run(&mut replay()), "not known: what an inventory does not say");
    // More devices than NVSHMEM has places for, as libibverbs lists them in a privileged pod.
    let device = inventory["devices"][0].clone();
    let many = (0..49).map(|number| {
        let mut device = device.clone();
        device["name"] = format!("mlx5_{number}").into();
        device
    });
    inventory["devices"] = many.collect();
    inventory["verbs"] = json!({ "library": "libibverbs.so.1" });
    fs::write(&file, inventory.to_string()).unwrap();
    let answer = doctor(&mut replay());
    finding(&answer, "more-than-32-hcas");
    finding(&answer, "more-than-48-hcas");
}

/// This process's own limit and its own names, so not below a `--sysroot`.
#[test]
fn the_soft_limit_is_raised_and_a_name_is_resolved() {
    let mut here = Command::new("/bin/sh");
    here.args([
        "-c",
        "ulimit -S -l 1 && exec \"$0\" doctor --format=json",
        env!("CARGO_BIN_EXE_prefill-launcher"),
    ]);
    here.env_clear().env("LWS_LEADER_ADDRESS", "no..such..leader");
    let answer = run(&mut here);
    if getrlimit(Resource::Memlock).maximum.is_none_or(|bytes| bytes > 1024) {
        let raised = finding(&answer, "memlock-raised");
        assert!(raised["evidence"].as_str().unwrap().starts_with("`RLIMIT_MEMLOCK` was 1 KiB"), "{raised}");
    }
    let unresolved = finding(&answer, "leader-unresolved");
    assert!(!unresolved.to_string().contains("such"), "{unresolved}");
    let found = run(launcher().args(["doctor", "--format=json"]).env("LWS_LEADER_ADDRESS", "localhost"));
    let codes = codes(&findings(&found));
    assert!(!codes.contains("leader-unresolved") && !codes.contains("no-route-to-leader"), "{codes:?}");
}

#[test]
fn the_page_has_every_code_and_no_other() {
    let page = page("docs/doctor.md");
    let row = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    let rows: Vec<String> = page.lines().filter_map(row).collect();
    assert_eq!(rows.iter().cloned().collect::<BTreeSet<_>>(), known_codes());
    assert_eq!(rows.len(), known_codes().len(), "a code has one row");
}
