//! A leader and a headless worker on the loopback interface, each started as its container would be.

use crate::ending;
use crate::home::Home;
use crate::http;
use crate::program::launcher;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Minutes where two cores are busy with something else.
const START: Duration = Duration::from_mins(20);

/// The ports of a pair.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) http: u16,
    pub(crate) handshake: u16,
}

impl Ports {
    /// Two that are free now.
    pub(crate) fn free() -> Self {
        let sockets = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let [http, handshake] = sockets.map(|socket| socket.local_addr().unwrap().port());
        Self { http, handshake }
    }
}

/// How it ended, in words.
pub(crate) fn told(status: Option<ExitStatus>) -> String {
    let code = status.and_then(|status| status.code().or_else(|| status.signal().map(|number| -number)));
    code.map_or_else(|| "it has not ended".to_owned(), |code| format!("exit code {}", ending::code(code)))
}

/// One of them. What it started goes with it.
pub(crate) struct Pod {
    child: Child,
    log: PathBuf,
    pub(crate) since: Instant,
}

impl Pod {
    /// Starts `command` in a process group of its own; what it prints goes to `NAME.log`.
    pub(crate) fn start(home: &Home, name: &str, command: &mut Command) -> Self {
        let log = home.logs().join(format!("{name}.log"));
        let file = File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).process_group(0);
        Self { child: command.spawn().unwrap(), log, since: Instant::now() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it printed.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    /// For a failure: the processes of vLLM's that its log calls dead, then the lines that tell most.
    pub(crate) fn why(&self) -> String {
        format!("{}\n{}", ending::died(&self.log()), self.last_words())
    }

    fn last_words(&self) -> String {
        format!("`{}` ends with:\n{}", self.log.display(), ending::lines(&self.log()))
    }

    /// The words of the process that has this ID now.
    pub(crate) fn words(&self) -> Vec<String> {
        let bytes = fs::read(format!("/proc/{}/cmdline", self.id())).unwrap_or_default();
        bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits so long for its end.
    pub(crate) fn end_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            sleep(Duration::from_millis(100));
        }
        None
    }

    /// What the kubelet sends first.
    pub(crate) fn terminate(&self) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    /// Until `/health` answers 200, or it cannot any more: how long it took.
    pub(crate) fn healthy(&mut self, port: u16, other: &mut Pod) -> Result<Duration, String> {
        while self.since.elapsed() < START {
            if http::get(port, "/health").is_some_and(|(status, _)| status == 200) {
                return Ok(self.since.elapsed());
            }
            for (name, pod) in [("leader", &mut *self), ("worker", &mut *other)] {
                if let Some(status) = pod.ended() {
                    return Err(format!(
                        "the {name} ended before `/health` answered, {}{}",
                        told(Some(status)),
                        pod.why()
                    ));
                }
            }
            sleep(Duration::from_secs(1));
        }
        Err(format!("`/health` does not answer after {} s{}", START.as_secs(), account(self, other)))
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}

/// For a failure that may be of either: how both stand, then the lines that tell most of each.
pub(crate) fn account(leader: &mut Pod, worker: &mut Pod) -> String {
    let fate = |pod: &mut Pod| told(pod.ended()) + &ending::died(&pod.log());
    format!(
        "; leader: {}; worker: {}\n{}\n{}",
        fate(leader),
        fate(worker),
        leader.last_words(),
        worker.last_words()
    )
}

/// What the user gives in `VLLM_ADDITIONAL_ARGS`. The type is said although the models have it: `auto` turns float32
/// into the first type that the platform names (`vllm/config/model.py:2423`), which on a CPU is bfloat16, and that
/// takes AMX (`vllm/v1/attention/backends/cpu_attn.py:544`) wherever the CPU says that it has it.
pub(crate) const ADDITIONAL: &str = "--enforce-eager --max-model-len 4096 --dtype float32";

/// The group's variables, as `LeaderWorkerSet` sets them.
pub(crate) fn group(home: &Home, command: &mut Command, index: &str) {
    home.prepare(command);
    command.env("LWS_LEADER_ADDRESS", "127.0.0.1").env("LWS_GROUP_SIZE", "2").env("LWS_WORKER_INDEX", index);
    // More would be killed with the leader's memory.
    command.env("VLLM_API_SERVER_COUNT", "1");
}

/// The launcher with the words that the policy writes for KServe's pods, and a small model.
pub(crate) fn ours(home: &Home, model: &str, index: &str, ports: Ports) -> Command {
    let mut command = launcher();
    group(home, &mut command, index);
    command.env("VLLM_ADDITIONAL_ARGS", ADDITIONAL).env("PREFILL_RDMA", "off");
    command.args([
        "run",
        "--contract=1",
        &format!("--model={}", home.model(model)),
        "--served-model-name=tiny",
        "--served-model-name=publishers/llm/models/tiny",
        &format!("--port={}", ports.http),
        "--data=2",
        "--data-local=1",
        &format!("--data-rpc-port={}", ports.handshake),
        "--start-rank=env:LWS_WORKER_INDEX",
        "--leader-address=env:LWS_LEADER_ADDRESS",
        "--api-server-count=env:VLLM_API_SERVER_COUNT:8",
        "--access-log=except:/health,/metrics,/ping",
        "--shutdown-timeout=30",
        "--additional-arguments=env:VLLM_ADDITIONAL_ARGS",
        &format!("--plan-file={}", home.logs().join(format!("plan-{index}.json")).display()),
    ]);
    if model == "experts" {
        command.arg("--expert");
    }
    if index != "0" {
        command.arg("--headless");
    }
    command
}
