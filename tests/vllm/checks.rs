//! One row for each check of the launcher: a launch that shows it, what the launcher says, and what shows that it is
//! right about vLLM: vLLM's own answer, or, where a CPU cannot show it, the line of its source.

use crate::home::Home;
use crate::oracle::{Oracle, Verdict};
use crate::program::{Answer, launcher, run as answer};
use crate::report::Report;
use serde_json::json;
use std::collections::BTreeSet;

/// What shows that a check is right.
enum Shown {
    /// vLLM refuses these words, and says this.
    Refuses(&'static str, &'static str),
    /// vLLM takes these words, so that nobody but the launcher says anything; its summary has this in it.
    Takes(&'static str, &'static str),
    /// A leader and its workers; vLLM's handshake says this.
    Group(&'static [&'static str], &'static str),
    /// The leader's HTTP port and handshake port are the same.
    OnePort(&'static str),
    /// A certificate that is not there.
    NoCertificate(&'static str),
    /// A phrase of a file of vLLM's, and why a CPU cannot show it.
    Source(&'static str, &'static str, &'static str),
}

struct Row {
    code: &'static str,
    model: &'static str,
    /// For the launcher, behind `run --model=…`.
    launch: &'static str,
    /// `NAME=value …`
    variables: &'static str,
    /// 64 where it is an error, 0 where it is a warning.
    exit: i32,
    says: &'static str,
    shown: &'static [Shown],
}

use Shown::{Group, NoCertificate, OnePort, Refuses, Source, Takes};

const UNIFORM: &str = "--start-rank=env:LWS_WORKER_INDEX";
const FIRST_OF_TWO: &str = "LWS_WORKER_INDEX=0 LWS_GROUP_SIZE=2";
const SECOND_OF_TWO: &str = "LWS_WORKER_INDEX=1 LWS_GROUP_SIZE=2";

#[rustfmt::skip]
const ROWS: [Row; 17] = [
    Row { code: "data-local-too-large", model: "dense", launch: "--data=2 --data-local=4", variables: "",
        exit: 64, says: "`dataLocal` is 4, more than `data`",
        shown: &[Refuses("-dp 2 -dpl 4", "data_parallel_size_local (4) must be <= data_parallel_size (2)")] },
    Row { code: "data-not-a-multiple", model: "dense", launch: "--data=3 --data-local=2 UNIFORM", variables: "LWS_WORKER_INDEX=0",
        exit: 64, says: "`data` is 3, not a multiple of `dataLocal`",
        shown: &[Takes("-dp 3 -dpl 2", "ranks 0 to 1 of 3"), Group(&["-dp 3 -dpl 2"], "no end: Waiting for 0 local, 1 remote"),
            Group(&["-dp 3 -dpl 2", "-dp 3 -dpl 2 -dpr 2 --headless"], "unexpected data parallel rank: 3")] },
    Row { code: "data-not-a-multiple", model: "dense", launch: "--data=3 --data-local=2 --start-rank=0", variables: "",
        exit: 0, says: "warning: `data` is 3, not a multiple of `dataLocal`",
        shown: &[Group(&["-dp 3 -dpl 2", "-dp 3 -dpl 1 -dpr 2 --headless"], "all 3 ranks are there")] },
    Row { code: "rank-out-of-range", model: "dense", launch: "--data=4 --data-local=2 --start-rank=3 --headless", variables: "",
        exit: 64, says: "the ranks of this pod are 3 to 4, but `data` is 4",
        shown: &[Takes("-dp 4 -dpl 2 -dpr 3 --headless", "ranks 3 to 4 of 4"),
            Group(&["-dp 4 -dpl 2", "-dp 4 -dpl 2 -dpr 3 --headless"], "unexpected data parallel rank: 4")] },
    Row { code: "data-local-unset", model: "dense", launch: "--data=2 UNIFORM", variables: FIRST_OF_TWO,
        exit: 64, says: "the group has 2 pods and `data` is 2, but `dataLocal` is not given",
        shown: &[Takes("-dp 2", "ranks 0 to 1 of 2"), Takes("-dp 2 -dpr 1 --headless", "ranks 0 to 1 of 2"),
            Source("vllm/v1/engine/utils.py", "handshake_local_only = offline_mode or local_engine_count == dp_size", "the leader then binds no port that the worker could reach")] },
    Row { code: "group-size", model: "dense", launch: "--data=6 --data-local=2 UNIFORM", variables: FIRST_OF_TWO,
        exit: 64, says: "the group has 2 pods with 2 ranks each, which is 4, but `data` is 6",
        shown: &[Group(&["-dp 6 -dpl 2", "-dp 6 -dpl 2 -dpr 2 --headless"], "no end: Waiting for 0 local, 2 remote")] },
    Row { code: "headless-rank-0", model: "dense", launch: "--data=4 --data-local=2 --headless UNIFORM", variables: FIRST_OF_TWO,
        exit: 64, says: "this pod is headless and has rank 0",
        shown: &[Takes("-dp 4 -dpl 2 -dpr 0 --headless", "ranks 0 to 1 of 4, internal, headless")] },
    Row { code: "headless-rank-0", model: "dense", launch: "--data=4 --data-local=2 --headless --start-rank=0", variables: SECOND_OF_TWO,
        exit: 0, says: "warning: this pod is headless and has rank 0",
        shown: &[Group(&["-dp 4 -dpl 2", "-dp 4 -dpl 2 -dpr 0 --headless"], "no end"),
            Group(&["-dp 2 -dpl 0", "-dp 2 -dpl 2 -dpr 0 --headless"], "all 2 ranks are there")] },
    Row { code: "too-few-gpus", model: "dense", launch: "--tensor=2 --data=2 --data-local=2", variables: "CUDA_VISIBLE_DEVICES=0,1",
        exit: 64, says: "tensor 2 × pipeline 1 × dataLocal 2 needs 4 GPUs, this pod sees 2",
        shown: &[Takes("-tp 2 -dp 2 -dpl 2", "ranks 0 to 1 of 2"),
            Source("vllm/config/parallel.py", "World size ({self.world_size}) is larger than the number of", "the parent counts GPUs, and tensor × pipeline only"),
            Source("vllm/v1/worker/gpu_worker.py", "DP adjusted local rank {self.local_rank} is out of", "a worker on a GPU finds the rest")] },
    Row { code: "heads-not-divisible", model: "dense", launch: "--tensor=3", variables: "",
        exit: 64, says: "the model has 8 attention heads, which tensor 3 does not divide",
        shown: &[Refuses("-tp 3", "Total number of attention heads (8) must be divisible by tensor parallel size (3)")] },
    Row { code: "no-experts", model: "dense", launch: "--expert", variables: "",
        exit: 0, says: "warning: expert parallelism is on",
        shown: &[Refuses("-ep", "Number of experts in the model must be greater than 0")] },
    Row { code: "port-twice", model: "dense", launch: "--data=2 --data-local=2 --port=5555 --data-rpc-port=5555", variables: "",
        exit: 0, says: "exec",
        shown: &[Source("vllm/v1/engine/utils.py", "handshake_local_only = offline_mode or local_engine_count == dp_size", "all ranks are here, and shake hands without a port")] },
    Row { code: "port-twice", model: "dense", launch: "--data=2 --data-local=1 --port=5555 --data-rpc-port=5555", variables: "",
        exit: 64, says: "port 5555 is to serve HTTP and the data-parallel handshake",
        shown: &[Takes("-dp 2 -dpl 1 --port 5555 -dpp 5555", "ranks 0 to 0 of 2"), OnePort("Address already in use")] },
    Row { code: "external-ranks", model: "experts", launch: "--data=2 --data-local=2 --load-balancing=external --start-rank=0", variables: "",
        exit: 64, says: "external load balancing has one rank for each server, but `dataLocal` is 2",
        shown: &[Refuses("-dp 2 -dpl 2 -dpn 0", "requires `--data-parallel-size-local 1`; got 2")] },
    Row { code: "external-without-rank", model: "experts", launch: "--data=2 --load-balancing=external", variables: "",
        exit: 64, says: "external load balancing among 2 servers, but this one has no rank",
        shown: &[Refuses("-dp 2 --data-parallel-external-lb", "`--data-parallel-external-lb` requires a data-parallel rank")] },
    Row { code: "no-api-server", model: "dense", launch: "--api-server-count=0", variables: "",
        exit: 0, says: "warning: no API server is started",
        shown: &[Takes("--api-server-count 0", "headless")] },
    Row { code: "certificate", model: "dense", launch: "--tls-certificate=/nowhere/tls.crt --tls-key=/nowhere/tls.key", variables: "",
        exit: 64, says: "`/nowhere/tls.crt` cannot be read",
        shown: &[Takes("--ssl-certfile /nowhere/tls.crt --ssl-keyfile /nowhere/tls.key", "internal"),
            Takes("-dp 2 -dpl 1 -dpr 1 --headless --ssl-certfile /nowhere/tls.crt --ssl-keyfile /nowhere/tls.key", "headless"),
            NoCertificate("No such file or directory")] },
];

/// `vllm serve MODEL WORDS`.
pub(crate) fn serve(model: &str, words: &str) -> Vec<String> {
    ["serve", model].into_iter().chain(words.split_whitespace()).map(str::to_owned).collect()
}

/// `prefill-launcher run --dry-run` with the real vLLM, on a machine without NICs.
pub(crate) fn dry_run(home: &Home, words: &[String], variables: &str) -> Answer {
    let mut command = launcher();
    command.args(["run", "--dry-run", "--rdma=off"]).args(words);
    command.env("PATH", home.programs()).env("LWS_LEADER_ADDRESS", "127.0.0.1");
    command.envs(variables.split_whitespace().filter_map(|one| one.split_once('=')));
    answer(&mut command)
}

/// Whether vLLM said what the row wants, and what it said.
fn show(shown: &Shown, home: &Home, model: &str, oracle: &mut Oracle) -> (bool, String) {
    let has = |verdict: &Verdict, accepted: bool, text: &str| {
        verdict.accepted() == accepted && verdict.short().contains(text)
    };
    match shown {
        Refuses(words, text) => {
            let verdict = oracle.serve(&serve(model, words));
            (has(&verdict, false, text), format!("vLLM, `{words}`: {}", verdict.short()))
        }
        Takes(words, text) => {
            let verdict = oracle.serve(&serve(model, words));
            (has(&verdict, true, text), format!("vLLM, `{words}`: {}", verdict.short()))
        }
        Group(pods, text) => {
            let words: Vec<Vec<String>> = pods.iter().map(|words| serve(model, words)).collect();
            let says = oracle.group(&words).short();
            (says.contains(text), format!("vLLM's handshake, `{}`: {says}", pods.join("` and `")))
        }
        OnePort(text) => {
            let verdict = oracle.other(&json!({"ask": "ports", "port": free_port()}));
            (
                has(&verdict, false, text),
                format!("vLLM's sockets, when HTTP is to listen: {}", verdict.short()),
            )
        }
        NoCertificate(text) => {
            let verdict = oracle.other(&json!({"ask": "certificate", "path": "/nowhere/tls.crt"}));
            (has(&verdict, false, text), format!("uvicorn, which vLLM gives it to: {}", verdict.short()))
        }
        Source(file, phrase, why) => cite(home, file, phrase, why),
    }
}

/// Whether `phrase` is still in the installed source, and where.
pub(crate) fn cite(home: &Home, file: &str, phrase: &str, why: &str) -> (bool, String) {
    let line = home.source(file).lines().position(|line| line.contains(phrase)).map(|at| at + 1);
    let place = line.map_or_else(|| "not found any more".to_owned(), |line| format!("{file}:{line}"));
    (line.is_some(), format!("vLLM's source, {place}: `{phrase}`; not run: {why}"))
}

fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// The codes that `docs/run.md` lists, which is where users look them up.
fn documented() -> BTreeSet<String> {
    let text = std::fs::read_to_string(crate::adopted::tests().join("../docs/run.md")).unwrap();
    let table = text.split("## What is refused").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let codes = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    codes.map(|(code, _)| code.to_owned()).collect()
}

/// Every row, and every code.
pub(crate) fn run(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    for row in &ROWS {
        let model = home.model(row.model);
        let launch = row.launch.replace("UNIFORM", UNIFORM);
        let mut words = vec!["--contract=1".to_owned(), format!("--model={model}")];
        words.extend(launch.split_whitespace().map(str::to_owned));
        let said = dry_run(home, &words, row.variables);
        let line = said.stderr.lines().find(|line| line.contains(row.says));
        let text = line.unwrap_or(&said.stderr).trim_start_matches("prefill-launcher: ");
        report.add(
            said.code == row.exit && line.is_some(),
            &format!("{} | `{launch}` {} | launcher, exit {}: {text}", row.code, row.variables, said.code),
        );
        for shown in row.shown {
            let (right, what) = show(shown, home, &model, oracle);
            report.add(right, &format!("{} | {what}", row.code));
        }
    }
    let shown: BTreeSet<String> = ROWS.iter().map(|row| row.code.to_owned()).collect();
    report.add(shown == documented(), "every code of docs/run.md has a row, and no other");
}
