//! Runs a command in a network of its own, with a name server there (`tests/launcher/stage`). Root can make one, and
//! so can everybody where user namespaces are allowed. Elsewhere what needs one cannot run: that is said on stderr,
//! and in CI it is a failure.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// What to run, and what happens to it.
#[derive(Clone, Default)]
pub(crate) struct Scene {
    /// What the name server answers; the format is told in `tests/launcher/stage/nameserver.rs`.
    pub(crate) zone: String,
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// `TERM` or `INT`, sent a moment after the first question.
    pub(crate) signal: Option<&'static str>,
    /// Whether it is process 1, as in a pod.
    pub(crate) init: bool,
}

/// What it did.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) code: Option<i64>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) milliseconds: u64,
    /// From the signal to its end.
    pub(crate) after_signal: Option<u64>,
    /// `A leader.llm nxdomain`
    pub(crate) questions: Vec<String>,
}

/// Seconds after which a command is killed; no case takes half of that.
const LIMIT: u64 = 60;

/// Ways into a namespace, the one without privileges first.
const WAYS: [&[&str]; 2] =
    [&["--user", "--map-root-user", "--mount", "--net", "--"], &["--mount", "--net", "--"]];

/// Runs it; nothing where this machine does not allow that, which is said.
pub(crate) fn perform(scene: &Scene) -> Option<Report> {
    static WAY: OnceLock<Result<&'static [&'static str], String>> = OnceLock::new();
    match WAY.get_or_init(find_way) {
        Ok(way) => Some(enter(way, scene).unwrap_or_else(|reason| panic!("{reason}"))),
        Err(reason) => {
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let line = format!(
                "NOT RUN: `{test}`, because no network namespace can be made here ({reason}); hint: run the tests \
                 as root, or allow user namespaces"
            );
            assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "{line}");
            // Not by `eprintln!`, which is hidden where a test passes.
            let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
            None
        }
    }
}

/// A whole scene with a command that does nothing: every step of it must be allowed.
fn find_way() -> Result<&'static [&'static str], String> {
    let nothing = Scene { command: vec!["/bin/true".to_owned()], ..Scene::default() };
    let mut reasons = Vec::new();
    for way in WAYS {
        match enter(way, &nothing) {
            Ok(_) => return Ok(way),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(reasons.join("; "))
}

/// What `unshare`, or the program in there, says where it fails.
fn enter(way: &[&str], scene: &Scene) -> Result<Report, String> {
    let folder = tempfile::tempdir().unwrap();
    let text = serde_json::json!({
        "zone": scene.zone,
        "command": scene.command,
        "environment": scene.environment,
        "signal": scene.signal,
        "init": scene.init,
        "limit": LIMIT,
    });
    fs::write(folder.path().join("scene.json"), text.to_string()).unwrap();
    let mut command = Command::new("unshare");
    command.args(way).arg(example("stage")).arg(folder.path());
    let output = command.output().map_err(|error| format!("`unshare`: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`unshare {}`: {}", way.join(" "), text.trim()));
    }
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let text = |name: &str| report[name].as_str().unwrap().to_owned();
    Ok(Report {
        code: report["code"].as_i64(),
        stdout: text("stdout"),
        stderr: text("stderr"),
        milliseconds: report["milliseconds"].as_u64().unwrap(),
        after_signal: report["afterSignal"].as_u64(),
        questions: serde_json::from_value(report["questions"].clone()).unwrap(),
    })
}

/// A program of this folder. Cargo builds the examples of a package before it runs its tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_prefill-launcher")).with_file_name("examples").join(name);
    assert!(
        path.exists(),
        "{} is not there; hint: `cargo test -p prefill-launcher` builds it",
        path.display()
    );
    path
}
