//! The search for the leader, against a name server: what DNS does while a group starts, and what is made of it.

use crate::namespace::{Report, Scene, example, perform};
use crate::program::{Unpacked, run};
use crate::stub::Stub;
use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::fs::{self, File};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The leader as `LeaderWorkerSet` names it, and as the resolver asks for it.
const LEADER: &str = "d-0.d.llm";
const ASKED: &str = "d-0.d.llm.svc.cluster.local";

/// Pods, in the words of `tests/machines`.
const IPV4: &str = "netdev eth0 2\naddress eth0 10.244.1.5/24\nroute eth0 default via 10.244.1.1\n";
const IPV6: &str = "netdev eth0 2\naddress eth0 fd00::5/64\nroute eth0 default6 via fd00::1\n\
                    netdev rail0 3\naddress rail0 192.168.0.5/24\n";
const BOTH: &str = "netdev eth0 2\naddress eth0 10.244.1.5/24\nroute eth0 default via 10.244.1.1\n\
                    address eth0 fd00::5/64\nroute eth0 default6 via fd00::1\n";

/// One pod that looks for its leader.
struct Pod {
    name: &'static str,
    machine: &'static str,
    leads: bool,
    attempts: Option<&'static str>,
    budget: u32,
    scene: Scene,
}

/// A worker that looks for [`LEADER`], for whom DNS has `answers`: `A nxdomain 10.0.0.1`.
fn worker(answers: &[&str]) -> Pod {
    let zone: Vec<String> = answers.iter().map(|answers| format!("{ASKED} {answers}")).collect();
    let scene = Scene { zone: zone.join("\n"), ..Scene::default() };
    Pod { name: LEADER, machine: IPV4, leads: false, attempts: None, budget: 30, scene }
}

fn leader(answers: &[&str]) -> Pod {
    Pod { leads: true, ..worker(answers) }
}

impl Pod {
    fn on(self, machine: &'static str) -> Self {
        Self { machine, ..self }
    }

    fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn within(self, attempts: &'static str, budget: u32) -> Self {
        Self { attempts: Some(attempts), budget, ..self }
    }

    fn stopped_by(mut self, signal: &'static str, init: bool) -> Self {
        (self.scene.signal, self.scene.init) = (Some(signal), init);
        self
    }

    /// Looks. The command stands here and nowhere else.
    fn look(mut self) -> Option<Report> {
        let unpacked = Unpacked::new(self.machine);
        let inventory = run(unpacked.command("probe").arg("--format=json")).stdout;
        let inventory: Value = serde_json::from_str(&inventory).unwrap();
        let network = unpacked.root.path().join("network.json");
        fs::write(&network, inventory["network"].to_string()).unwrap();
        let role = if self.leads { "leader" } else { "worker" };
        let program = example("resolve").display().to_string();
        self.scene.command =
            [&program, self.name, &self.budget.to_string(), role].map(str::to_owned).to_vec();
        let mut set = |name: &str, value: &str| {
            self.scene.environment.insert(name.to_owned(), value.to_owned());
        };
        set("NETWORK", &network.display().to_string());
        if let Some(attempts) = self.attempts {
            set("DP_ADDRESS_RESOLVE_ATTEMPTS", attempts);
        }
        let report = perform(&self.scene)?;
        assert!(!report.stderr.contains("panicked"), "{report:?}");
        Some(report)
    }

    /// The address that it finds, and what it says meanwhile.
    #[track_caller]
    fn finds(self, address: &str) -> Option<Report> {
        let report = self.look()?;
        assert_eq!((report.code, report.stdout.trim()), (Some(0), address), "{report:?}");
        Some(report)
    }
}

impl Report {
    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no `{text}` in\n{}", self.stderr);
        self
    }

    fn lines(&self, text: &str) -> usize {
        self.stderr.lines().filter(|line| line.contains(text)).count()
    }

    /// How often DNS was asked for an IPv4 address.
    fn tries(&self) -> usize {
        self.questions.iter().filter(|one| one.starts_with(&format!("A {ASKED} "))).count()
    }
}

#[test]
fn a_record_that_comes_late_is_waited_for() {
    let answers = ["A nxdomain*2 10.244.1.9", "AAAA nxdomain*2 nodata"];
    let Some(report) = worker(&answers).finds("10.244.1.9") else { return };
    report
        .says("info: waiting for the leader `d-0.d.llm`: DNS has no such name (`Name or service not known`); 0 s of")
        .says("info: the leader `d-0.d.llm` is 10.244.1.9, found on try 3 after 2 s");
    assert_eq!(
        (report.tries(), report.lines("")),
        (3, 2),
        "one second apart, and one line for two tries: {report:?}"
    );
    assert!((2000..4000).contains(&report.milliseconds), "{report:?}");
}

#[test]
fn one_of_two_families_is_taken_and_the_other_is_named() {
    let answers = ["A 10.244.1.9", "AAAA fd00::9"];
    let rows = [
        (IPV4, "10.244.1.9", "`d-0.d.llm` also has fd00::9: this pod's default route is IPv4"),
        (IPV6, "fd00::9", "`d-0.d.llm` also has 10.244.1.9: this pod's default route is IPv6"),
        (BOTH, "10.244.1.9", "`d-0.d.llm` also has fd00::9: IPv4 is taken where nothing speaks against it"),
    ];
    for (machine, address, note) in rows {
        let Some(report) = worker(&answers).on(machine).finds(address) else { return };
        report.says(note);
        assert_eq!(report.lines("warning:"), 0, "{report:?}");
    }
}

#[test]
fn of_several_addresses_all_pods_take_the_same_in_whatever_order_they_come() {
    let orders = ["A 10.244.1.7,10.244.1.5,10.244.1.10", "A 10.244.1.10,10.244.1.7,10.244.1.5"];
    for answers in orders {
        let Some(report) = worker(&[answers]).finds("10.244.1.5") else { return };
        report
            .says("warning: `d-0.d.llm` also has 10.244.1.7, 10.244.1.10, and only one can be the leader's");
    }
    leader(&["A 10.244.1.4,10.244.1.5"]).finds("10.244.1.5");
}

#[test]
fn the_resolver_gives_what_is_left_of_two_families_and_the_pod_must_be_able_to_use_it() {
    let Some(report) = worker(&["A 10.244.1.9", "AAAA servfail"]).finds("10.244.1.9") else { return };
    assert_eq!(report.tries(), 1, "{report:?}");
    let waits = worker(&["A servfail 10.244.1.9", "AAAA fd00::9"]).finds("10.244.1.9").unwrap();
    waits.says("waiting for the leader `d-0.d.llm`: DNS says fd00::9, and this pod has no IPv6; 0 s of");
    let never = worker(&["AAAA fd00::9"]).within("2", 30).finds("fd00::9").unwrap();
    never.says(
        "warning: the leader's address is fd00::9, and this pod has no IPv6: vLLM cannot reach it; the pod's \
         addresses: 10.244.1.5\n",
    );
    worker(&["A servfail", "AAAA fd00::9"]).on(BOTH).finds("fd00::9").unwrap();
}

#[test]
fn a_name_that_never_comes_ends_with_the_budget() {
    let Some(report) = worker(&["A nxdomain", "AAAA nxdomain"]).within("2", 4).look() else { return };
    assert_eq!((report.code, report.stdout.as_str()), (Some(1), ""), "{report:?}");
    report
        .says("warning: the leader `d-0.d.llm` was not found in 2 tries (`DP_ADDRESS_RESOLVE_ATTEMPTS`): DNS has no")
        .says(
            "error: `LWS_LEADER_ADDRESS` is `d-0.d.llm`, for which no address was found in 4 s and 4 tries: \
             DNS has no such name (`Name or service not known`)\n",
        )
        .says("hint: see that the leader pod has an IP, and that its headless Service publishes addresses");
    assert!((4000..6000).contains(&report.milliseconds), "{report:?}");
}

#[test]
fn a_server_that_fails_at_first_is_asked_again_and_every_change_is_said_once() {
    let answers = ["A servfail*2 nxdomain*2 10.244.1.9", "AAAA servfail*2 nxdomain*2 nodata"];
    // glibc asks a server that failed once more, before it says so.
    let Some(report) = worker(&answers).finds("10.244.1.9") else { return };
    report.says(
        "waiting for the leader `d-0.d.llm`: DNS failed, or did not answer (`Temporary failure in name",
    );
    report.says(
        "waiting for the leader `d-0.d.llm`: DNS has no such name (`Name or service not known`); 1 s of",
    );
    assert_eq!(report.lines("waiting for"), 2, "{report:?}");
    let mut refused = worker(&[]).within("1", 2);
    refused.scene.zone = "* A refused\n* AAAA refused".to_owned();
    let refused = refused.look().unwrap();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    refused.says("hint: see that this pod reaches the cluster's DNS");
}

#[test]
fn silence_ends_with_the_budget_though_the_resolver_still_waits() {
    let Some(report) = worker(&["A silence", "AAAA silence"]).within("1", 6).look() else { return };
    assert_eq!(report.code, Some(1), "{report:?}");
    assert!((6000..8000).contains(&report.milliseconds), "{report:?}");
    report
        .says("waiting for the leader `d-0.d.llm`: the resolver has not answered; 5 s of 6 s, try 1")
        .says("no address was found in 6 s and 1 try: the resolver has not answered\n");
}

#[test]
fn a_signal_ends_the_wait_at_once() {
    for (signal, code, init) in [("TERM", 143, false), ("TERM", 143, true), ("INT", 130, true)] {
        // Within the resolver, and between two tries.
        for answers in [["A silence", "AAAA silence"], ["A nxdomain", "AAAA nxdomain"]] {
            let Some(report) = worker(&answers).stopped_by(signal, init).look() else { return };
            assert_eq!(report.code, Some(code), "{report:?}");
            assert!(report.after_signal.is_some_and(|time| time < 500), "{report:?}");
            report.says(&format!("error: stopped by SIG{signal} while looking for the leader `d-0.d.llm`\n"));
        }
    }
}

#[test]
fn a_signal_ends_what_is_no_wait_too() {
    let folder = tempfile::tempdir().unwrap();
    let network = folder.path().join("network.json");
    assert!(Command::new("mkfifo").arg(&network).status().unwrap().success());
    let mut command = Command::new(example("resolve"));
    let mut child = command.args(["::1", "1", "worker"]).env("NETWORK", &network).spawn().unwrap();
    // Opens when the other side does, and keeps it waiting for words until this one is closed.
    let quiet = File::options().write(true).open(&network).unwrap();
    rustix::process::kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_millis(500) {
        sleep(Duration::from_millis(2));
    }
    drop(quiet);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

#[test]
fn an_address_is_taken_as_it_is_and_nobody_is_asked() {
    for (text, address) in
        [("10.244.1.9", "10.244.1.9"), ("fd00::9", "fd00::9"), ("[fd00::9]", "fd00::9"), ("::1", "::1")]
    {
        let Some(report) = worker(&[]).named(text).on(BOTH).finds(address) else { return };
        assert_eq!((report.questions.len(), report.lines("")), (0, 1), "{report:?}");
        report.says(&format!("info: the leader is {address}, as `LWS_LEADER_ADDRESS` says"));
    }
}

#[test]
fn what_cannot_be_looked_up_is_refused_before_anybody_waits() {
    let allowed = "expected a host name or an IP address";
    for name in ["d-0.d.llm:5555", "tcp://d-0.d.llm", "[10.0.0.1]", "fe80::1%eth0", "10.0.0.256", "$(HOST)"] {
        let Some(report) = worker(&[]).named(name).look() else { return };
        assert_eq!((report.code, report.questions.len()), (Some(64), 0), "{report:?}");
        report.says(&format!("error: `LWS_LEADER_ADDRESS` is `{name}`, {allowed}\n")).says("hint: ");
    }
    for attempts in ["thirty", "-1", "1.5", "4294967296"] {
        let report = worker(&["A 10.0.0.1"]).within(attempts, 1).look().unwrap();
        assert_eq!((report.code, report.questions.len()), (Some(64), 0), "{report:?}");
        report.says(&format!(
            "error: `DP_ADDRESS_RESOLVE_ATTEMPTS` is `{attempts}`, expected a whole number from 0\n"
        ));
    }
    // Empty counts as unset, and no quick tries are no fault.
    worker(&["A 10.244.1.9"]).within("", 1).finds("10.244.1.9");
    worker(&["A 10.244.1.9"]).within("0", 1).finds("10.244.1.9");
}

#[test]
fn a_leader_without_the_address_is_warned_and_one_whose_name_is_stale_waits_for_dns() {
    let Some(stale) = leader(&["A 10.244.1.9*2 10.244.1.5"]).finds("10.244.1.5") else { return };
    stale.says("waiting for the leader `d-0.d.llm`: DNS says 10.244.1.9, which this pod does not have");
    assert_eq!((stale.tries(), stale.lines("warning:")), (3, 0), "{stale:?}");
    let foreign = leader(&["A 10.244.1.9"]).within("2", 30).finds("10.244.1.9").unwrap();
    foreign.says(
        "warning: the leader's address is 10.244.1.9, which this pod does not have, though it is the leader: vLLM \
         cannot listen on it; the pod's addresses: 10.244.1.5\n",
    );
    assert_eq!(foreign.tries(), 2, "{foreign:?}");
    let given = leader(&[]).named("10.244.1.9").on(BOTH).finds("10.244.1.9").unwrap();
    given.says("the pod's addresses: 10.244.1.5, fd00::5\n");
    leader(&[]).named("[fd00::5]").on(BOTH).finds("fd00::5").unwrap();
}

#[test]
fn a_name_that_is_loopback_is_no_meeting_place() {
    let Some(report) = worker(&[]).named("localhost").on(IPV4).finds("127.0.0.1") else { return };
    report.says("warning: `localhost` is 127.0.0.1, which no other pod can reach");
}

/// The whole entrypoint, for a worker whose leader DNS has `answers` for.
fn entrypoint(stub: &Stub, answers: &[&str]) -> Scene {
    let mut scene = worker(answers).scene;
    let words = ["run", "--model=m", "--data=2", "--data-local=1", "--rdma=off", "--log-format=json"];
    let plan = format!("--plan-file={}", stub.folder.path().join("plan.json").display());
    let vllm = format!("--vllm={}", stub.folder.path().join("vllm").display());
    scene.command =
        [env!("CARGO_BIN_EXE_prefill-launcher")].into_iter().chain(words).map(str::to_owned).collect();
    scene.command.extend([plan, vllm]);
    let stub = stub.folder.path().display().to_string();
    for (name, value) in [
        ("LWS_LEADER_ADDRESS", LEADER),
        ("LWS_WORKER_INDEX", "1"),
        ("LWS_GROUP_SIZE", "2"),
        ("STUB", stub.as_str()),
        ("PATH", "/usr/bin:/bin"),
    ] {
        scene.environment.insert(name.to_owned(), value.to_owned());
    }
    scene
}

#[test]
fn vllm_is_started_with_the_address_that_came_late() {
    let stub = Stub::new();
    let Some(report) = perform(&entrypoint(&stub, &["A nxdomain 127.0.0.1", "AAAA nxdomain nodata"])) else {
        return;
    };
    assert_eq!(report.code, Some(7), "{report:?}");
    let words = stub.words();
    let at = words.iter().position(|word| word == "--data-parallel-address").unwrap();
    assert_eq!(words[at + 1], "127.0.0.1");
}

#[test]
fn a_signal_ends_the_entrypoint_while_it_waits_and_vllm_is_not_started() {
    let stub = Stub::new();
    let mut scene = entrypoint(&stub, &["A nxdomain", "AAAA nxdomain"]);
    (scene.signal, scene.init) = (Some("TERM"), true);
    let Some(report) = perform(&scene) else { return };
    assert_eq!(report.code, Some(143), "{report:?}");
    assert!(report.after_signal.is_some_and(|time| time < 500), "{report:?}");
    report.says("stopped by SIGTERM while looking for the leader `d-0.d.llm`");
    assert!(!stub.started());
}
