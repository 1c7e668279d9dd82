//! Real starts: a leader and a headless worker, from the container's start to SIGTERM.

use crate::adopted::tests;
use crate::home::Home;
use crate::http;
use crate::pair::{ADDITIONAL, Pod, Ports, account, group, ours as launch, told};
use crate::report::Report;
use crate::stub::write_program;
use prefill_core::kubelet;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// KServe's: 60 s, of which its preStop hook may take 15. More than vLLM is told to drain for.
const GRACE: Duration = Duration::from_secs(45);
/// For a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// What vLLM takes to end where one of its processes died.
const END: Duration = Duration::from_secs(10);

/// Both pods through the launcher.
pub(crate) fn ours(home: &Home, report: &mut Report) {
    let ports = Ports::free();
    let mut leader = Pod::start(home, "leader", &mut launch(home, "dense", "0", ports));
    let mut worker = Pod::start(home, "worker", &mut launch(home, "dense", "1", ports));
    if !serves(&mut leader, &mut worker, ports, report) {
        return;
    }
    for (name, pod) in [("leader", &leader), ("worker", &worker)] {
        let words = pod.words();
        let vllm =
            words.iter().any(|word| word.ends_with("/bin/vllm")) && words.iter().any(|word| word == "serve");
        report.add(vllm, &format!("{name}: process {}, which was the launcher, is vLLM", pod.id()));
        report.add(
            !pod.log().contains("Unknown vLLM environment variable"),
            &format!("{name}: vLLM finds no variable that it does not know"),
        );
    }
    quiet_log(&leader, ports, report);
    end(leader, worker, ports, true, report);
}

/// `/health`, and a completion by each rank.
fn serves(leader: &mut Pod, worker: &mut Pod, ports: Ports, report: &mut Report) -> bool {
    let healthy = leader.healthy(ports.http, worker);
    match &healthy {
        Ok(after) => report.add(true, &format!("`/health` is 200 after {} s", after.as_secs())),
        Err(why) => report.add(false, why),
    }
    if healthy.is_err() {
        return false;
    }
    // What it says when it makes its engine. With bfloat16, the next would be up to the CPU's AMX.
    let says = |pod: &Pod| pod.log().contains("dtype=torch.float32");
    let float32 = says(leader) && says(worker);
    report.add(float32, "leader and worker say that they run in float32, which takes no AMX");
    for rank in 0..2 {
        let answer = http::complete(ports.http, rank, 8, PATIENCE);
        let status = answer.as_ref().map(|(status, _)| *status);
        let line = format!("a completion with `X-data-parallel-rank: {rank}`: {status:?}");
        if status != Some(200) {
            let body: String = answer.unwrap_or_default().1.replace('\n', " ").chars().take(200).collect();
            // Where a process of vLLM's died, the rest of it follows, with 0: only the logs tell.
            leader.end_within(END);
            worker.end_within(END);
            report.add(false, &format!("{line} {body}{}", account(leader, worker)));
            return false;
        }
        report.add(true, &line);
        let (_, metrics) = http::get(ports.http, "/metrics").unwrap_or_default();
        let counted = metrics.lines().any(|line| {
            line.starts_with("vllm:prompt_tokens_total")
                && line.contains(&format!("engine=\"{rank}\""))
                && !line.ends_with(" 0.0")
        });
        report.add(counted, &format!("`/metrics` counts it for engine {rank}"));
    }
    true
}

/// The access log leaves out what probes ask, and nothing else.
fn quiet_log(leader: &Pod, ports: Ports, report: &mut Report) {
    for _ in 0..3 {
        http::get(ports.http, "/health");
    }
    let log = leader.log();
    let lines =
        |path: &str| log.lines().filter(|line| line.contains("HTTP/1.1") && line.contains(path)).count();
    report.add(
        lines("/health") == 0 && lines("/metrics") == 0 && lines("/v1/completions") == 2,
        &format!(
            "the access log has {} lines of `/health`, {} of `/metrics`, {} of `/v1/completions`",
            lines("/health"),
            lines("/metrics"),
            lines("/v1/completions")
        ),
    );
}

/// SIGTERM while a request runs; then to the worker, which does not end by itself. With `far`, another request runs on
/// the worker's rank, for longer: what becomes of it is told, and is vLLM's.
fn end(mut leader: Pod, mut worker: Pod, ports: Ports, far: bool, report: &mut Report) {
    let request = |rank, tokens, patience| {
        std::thread::spawn(move || http::complete(ports.http, rank, tokens, patience))
    };
    let remote = far.then(|| request(1, 2000, Duration::from_secs(15)));
    let local = request(0, 1000, PATIENCE);
    std::thread::sleep(Duration::from_millis(500));
    let at_work = !local.is_finished();
    let since = Instant::now();
    leader.terminate();
    let status = leader.end_within(GRACE);
    let seconds = since.elapsed().as_secs_f32();
    let answered = local.join().unwrap().map(|(status, _)| status);
    report.add_with(
        at_work && answered == Some(200),
        &format!("a request that the leader's rank works on at SIGTERM (still at work: {at_work}) is answered: {answered:?}"),
        || leader.why(),
    );
    if let Some(remote) = remote {
        let answered = remote.join().unwrap().map(|(status, _)| status);
        Report::note(&format!(
            "a long one that the worker's rank works on: {answered:?} (vLLM does not wait for it; without an answer, its client gave up after 15 s)"
        ));
    }
    report.add_with(
        status.and_then(|status| status.code()) == Some(0),
        &format!("SIGTERM ends the leader after {seconds:.1} s of {} s: {}", GRACE.as_secs(), told(status)),
        || leader.why(),
    );
    Report::note(&format!("the worker is still there without its leader: {}", worker.ended().is_none()));
    let since = Instant::now();
    worker.terminate();
    let status = worker.end_within(GRACE);
    let seconds = since.elapsed().as_secs_f32();
    report.add_with(
        status.and_then(|status| status.code()) == Some(0),
        &format!("SIGTERM ends the worker after {seconds:.1} s of {} s: {}", GRACE.as_secs(), told(status)),
        || worker.why(),
    );
}

/// A leader from KServe's script and a worker of ours: as it is, which vLLM 0.32 refuses, and with the start rank
/// taken out, as vLLM before 0.28 reads it, says its source.
pub(crate) fn kserve(home: &Home, report: &mut Report) {
    let given = std::env::var_os("PREFILL_KSERVE_SCRIPT").filter(|path| !path.is_empty()).map(PathBuf::from);
    if given.is_none() {
        report.not_run(
            "kserve with KServe's own text",
            "PREFILL_KSERVE_SCRIPT names no rendered leader's script; its stand-in in tests/scripts was started",
        );
    }
    let path = given.unwrap_or_else(|| tests().join("scripts/head-leader.sh"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return report.add(false, &format!("`{}` cannot be read: {error}", path.display())),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    refused(home, &name, &text, report);
    works(home, &name, &text, report);
}

fn refused(home: &Home, name: &str, text: &str, report: &mut Report) {
    let ports = Ports::free();
    let (mut script, _folder) = theirs(home, text, ports, false);
    let mut leader = Pod::start(home, "kserve-leader", &mut script);
    let mut worker = Pod::start(home, "kserve-worker", &mut launch(home, "dense", "1", ports));
    let why = "must not use --headless in external or hybrid dp lb mode";
    let status = leader.end_within(Duration::from_mins(20));
    let said = leader.log().contains(why);
    report.add_with(
        said && status.is_some_and(|status| !status.success()),
        &format!(
            "the leader of `{name}` with its `--data-parallel-start-rank 0` refuses the worker after {} s (`{why}`: {said}), {}",
            leader.since.elapsed().as_secs(),
            told(status)
        ),
        || leader.why(),
    );
    Report::note(&format!("the worker is still there without its leader: {}", worker.ended().is_none()));
}

fn works(home: &Home, name: &str, text: &str, report: &mut Report) {
    let ports = Ports::free();
    let (mut script, _folder) = theirs(home, text, ports, true);
    let mut leader = Pod::start(home, "kserve-leader-without-rank", &mut script);
    let mut worker = Pod::start(home, "kserve-worker-without-rank", &mut launch(home, "dense", "1", ports));
    Report::note(&format!(
        "the leader of `{name}` without that flag, as vLLM before 0.28 reads it, says its source:"
    ));
    if serves(&mut leader, &mut worker, ports, report) {
        let words = leader.words();
        report.add(
            words.iter().any(|word| word.ends_with("/bin/vllm")),
            &format!("the leader's process {}, which was bash, is vLLM", leader.id()),
        );
        end(leader, worker, ports, false, report);
    }
}

/// The script in bash, as its container runs it. A `vllm` in front of the real one gives it the tiny model and,
/// because the last of two flags counts, sizes and ports of this machine.
fn theirs(home: &Home, text: &str, ports: Ports, without_rank: bool) -> (Command, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let dropped = if without_rank { "--data-parallel-start-rank" } else { "(none)" };
    let wrapper = format!(
        r#"#!/bin/bash
# The version is asked for on the way, which would take half a minute.
if [ "$*" = --version ]; then echo 0.32.0; exit; fi
words=(serve '{model}')
shift 2
while [ $# -gt 0 ]; do
    case $1 in
    --enable-expert-parallel) shift ;;
    '{dropped}') shift 2 ;;
    *) words+=("$1"); shift ;;
    esac
done
exec '{vllm}' "${{words[@]}}" --served-model-name tiny --tensor-parallel-size 1 --data-parallel-size 2 \
    --data-parallel-size-local 1 --port {http} --data-parallel-rpc-port {handshake}
"#,
        model = home.model("dense"),
        vllm = home.programs().join("vllm").display(),
        http = ports.http,
        handshake = ports.handshake,
    );
    write_program(&folder.path().join("vllm"), &wrapper);
    // The kubelet reads it first.
    let text = kubelet::expand(text, |name| match name {
        "LWS_LEADER_ADDRESS" => Some("127.0.0.1".into()),
        "LWS_WORKER_INDEX" => Some("0".into()),
        _ => None,
    });
    let mut command = Command::new("bash");
    group(home, &mut command, "0");
    let path = format!("{}:{}:/usr/bin:/bin", folder.path().display(), home.programs().display());
    command.args(["-c", text.as_ref(), "--"]).env("PATH", path).env("VLLM_ADDITIONAL_ARGS", ADDITIONAL);
    (command, folder)
}
