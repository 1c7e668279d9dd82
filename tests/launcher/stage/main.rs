//! `stage DIR`, in a network and a mount namespace of its own: gives them a loopback, an `/etc` and a name server,
//! runs the command of `DIR/scene.json` there, and prints what it did as JSON. glibc's resolver asks at port 53
//! only, and reads `/etc/resolv.conf` only, so nothing less will do. Nothing leaves the namespace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tool that cannot go on stops")]
#![allow(clippy::print_stdout, reason = "the words are this program's output")]

mod loopback;
mod nameserver;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scene {
    /// What the name server answers.
    zone: String,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    /// `TERM` or `INT`, sent a moment after the first question.
    signal: Option<String>,
    /// Whether the command is process 1 of its namespace, as in a pod.
    init: bool,
    /// Seconds after which the command is killed.
    limit: u64,
}

/// A cluster's resolver, and a machine that knows no other way to find names.
const ETC: [(&str, &str); 3] = [
    (
        "resolv.conf",
        "nameserver 127.0.0.1\nsearch llm.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
    ),
    ("nsswitch.conf", "hosts: files dns\n"),
    ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
];

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("DIR"));
    isolate(&folder);
    let scene = fs::read_to_string(folder.join("scene.json")).expect("DIR/scene.json");
    let scene: Scene = serde_json::from_str(&scene).expect("a scene");
    let journal = nameserver::start(([127, 0, 0, 1], 53).into(), &scene.zone).expect("127.0.0.1:53");
    let start = Instant::now();
    let mut child = spawn(&scene, &folder);
    let mut signalled = None;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the command's state") {
            break Some(status);
        }
        if start.elapsed() > Duration::from_secs(scene.limit) {
            child.kill().expect("it is killed");
            let _ = child.wait();
            break None;
        }
        if let Some(signal) = scene.signal.as_deref().filter(|_| signalled.is_none())
            && !journal.lock().unwrap().is_empty()
        {
            sleep(Duration::from_millis(300));
            let signal = if signal == "INT" { Signal::INT } else { Signal::TERM };
            kill_process(target(&child, scene.init), signal).expect("the signal is sent");
            signalled = Some(Instant::now());
        }
        sleep(Duration::from_millis(2));
    };
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap();
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let report = json!({
        "code": status.and_then(|status| status.code()),
        "killedBy": status.and_then(|status| status.signal()),
        "stdout": text("stdout"),
        "stderr": text("stderr"),
        "milliseconds": milliseconds(start.elapsed()),
        "afterSignal": signalled.map(|then| milliseconds(then.elapsed())),
        "questions": *journal.lock().unwrap(),
    });
    println!("{report}");
}

fn isolate(folder: &Path) {
    loopback::up().expect("`lo` is brought up");
    let etc = folder.join("etc");
    fs::create_dir(&etc).expect("DIR/etc");
    for (name, text) in ETC {
        fs::write(etc.join(name), text).expect("DIR/etc is written");
    }
    rustix::mount::mount_bind(&etc, "/etc").expect("`/etc` is covered");
    // glibc asks the name service cache daemon first, by a socket that no network namespace hides.
    if Path::new("/var/run/nscd").exists() {
        let empty = folder.join("empty");
        fs::create_dir(&empty).expect("DIR/empty");
        rustix::mount::mount_bind(&empty, "/var/run/nscd").expect("`/var/run/nscd` is covered");
    }
}

fn spawn(scene: &Scene, folder: &Path) -> Child {
    let (program, arguments) = scene.command.split_first().expect("a command");
    let mut command = if scene.init {
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--kill-child", "--"]).arg(program);
        unshare
    } else {
        Command::new(program)
    };
    command.args(arguments).env_clear().envs(&scene.environment);
    command.stdout(File::create(folder.join("stdout")).unwrap());
    command.stderr(File::create(folder.join("stderr")).unwrap());
    command.spawn().expect("the command starts")
}

/// Whom the signal is for: `unshare` stays the parent of process 1.
fn target(child: &Child, init: bool) -> Pid {
    if !init {
        return Pid::from_child(child);
    }
    let parent = child.id().to_string();
    let found = fs::read_dir("/proc").unwrap().filter_map(Result::ok).find_map(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name stands in parentheses and may have spaces; behind it come the state and the parent.
        let behind = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
        (behind == parent).then(|| entry.file_name().to_string_lossy().parse().ok())?
    });
    Pid::from_raw(found.expect("a child of unshare")).expect("its number")
}
