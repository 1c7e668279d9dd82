//! Which program is found, and what runs it.

use super::*;
use std::process::Command;

const SITE: &str = "opt/vllm/lib/python3.12/site-packages";

#[test]
fn the_program_that_is_found_is_the_one_that_would_run() {
    let machine = Machine::new();
    for directory in ["first", "second"] {
        machine.program(&format!("{directory}/vllm"), "#!/bin/sh\nprintf %s \"$0\"\n");
    }
    machine.file("closed/vllm", "").file("directory/vllm/file", "").link("dangling/vllm", "nothing");
    let paths: [&[&str]; 5] = [
        &["first", "second"],
        &["missing", "second"],
        &["closed", "directory", "dangling", "second", "first"],
        &["first/vllm", "second"],
        &["second/", "first"],
    ];
    for path in paths {
        let joined = std::env::join_paths(path.iter().map(|directory| machine.at(directory))).unwrap();
        let ran = Command::new("/usr/bin/env").env_clear().env("PATH", joined).arg("vllm").output().unwrap();
        let ran = PathBuf::from(String::from_utf8(ran.stdout).unwrap());
        assert_eq!(fs::canonicalize(machine.find(path).program).unwrap(), fs::canonicalize(ran).unwrap());
    }
}

#[test]
fn nothing_is_found() {
    let machine = Machine::new();
    let (code, message) = failure(&machine, machine.search(&["bin", "opt/vllm/bin"]));
    assert_eq!((code, message.as_str()), (127, "`vllm` is in no directory of `PATH`, `/bin:/opt/vllm/bin`"));
    let long = find(Some(OsStr::new(&"/a".repeat(900))), None).unwrap_err();
    assert!(long.message.len() < 200, "{long}");

    machine.link("bin/vllm", machine.at("nothing"));
    let (code, message) = failure(&machine, machine.search(&["bin"]));
    assert_eq!((code, message.as_str()), (127, "`/bin/vllm` is a link that leads nowhere"));

    let (code, message) = failure(&machine, find(Some(OsStr::new("/")), Some(&machine.at("bin/nothing"))));
    assert_eq!((code, message.as_str()), (127, "`--vllm`: `/bin/nothing` is not there"));
}

#[test]
fn what_is_given_wins_over_path() {
    let machine = Machine::new();
    machine.venv("opt/vllm").distribution(SITE, "vllm", "0.20.0").program("bin/vllm", "#!/bin/sh\n");
    let path = machine.at("bin");
    let found = find(Some(path.as_os_str()), Some(&machine.at("opt/vllm/bin/vllm"))).unwrap();
    assert_eq!(found.version.as_deref(), Some("0.20.0"));
    // A name without a slash is one to search, as for a shell.
    machine.program("bin/vllm-nightly", "#!/bin/sh\n");
    let found = find(Some(path.as_os_str()), Some(Path::new("vllm-nightly"))).unwrap();
    assert_eq!(found.program, machine.at("bin/vllm-nightly"));
}

#[test]
fn found_but_not_executable() {
    let machine = Machine::new();
    machine.file("first/vllm", "#!/bin/sh\n").file("second/vllm/vllm", "");
    for (path, reason) in [("first", "this user may not execute it"), ("second", "it is a directory")] {
        let (code, message) = failure(&machine, machine.search(&["missing", path]));
        assert_eq!((code, message), (126, format!("`/{path}/vllm` cannot be executed: {reason}")));
    }
    let (code, _) = failure(&machine, find(None, Some(&machine.at("first/vllm"))));
    assert_eq!(code, 126);
}

#[test]
fn the_interpreter_is_missing() {
    let machine = Machine::new();
    machine.script("bin/vllm", "opt/vllm/bin/python");
    let (code, message) = failure(&machine, machine.search(&["bin"]));
    let expected = "`/bin/vllm` is run by `/opt/vllm/bin/python`, which is not there";
    assert_eq!((code, message.as_str()), (127, expected));

    machine.link("opt/vllm/bin/python", "/nowhere/python3.12");
    let (_, message) = failure(&machine, machine.search(&["bin"]));
    assert!(
        message.ends_with("`/opt/vllm/bin/python`, a link to `/nowhere/python3.12`, which leads nowhere")
    );

    // Saved on Windows.
    machine
        .program("base/python", "")
        .program("windows/vllm", &format!("#!{}\r\nimport sys\r\n", machine.at("base/python").display()));
    let (code, message) = failure(&machine, machine.search(&["windows"]));
    assert_eq!(code, 127);
    assert!(message.ends_with(r"`/base/python\r`, which is not there"), "{message}");

    machine.file("base/closed", "").script("closed/vllm", "base/closed");
    let (code, message) = failure(&machine, machine.search(&["closed"]));
    assert_eq!(code, 126);
    assert!(message.ends_with("`/base/closed`, which cannot be executed: this user may not execute it"));

    let long = format!("#!/{}/python\n", "long/".repeat(60));
    machine.program("long/vllm", &long);
    assert_eq!(failure(&machine, machine.search(&["long"])).0, 126);
}

#[test]
fn an_interpreter_on_path() {
    let machine = Machine::new();
    machine.venv("opt/vllm").distribution(SITE, "vllm", "0.20.0");
    for line in [
        "env python3",
        "env  python3 ",
        "env -S python3 -u",
        "env -S A=b python3",
        "env --split-string=python3",
    ] {
        machine.program("usr/bin/vllm", &format!("#!/usr/bin/{line}\nimport sys\n"));
        let found = machine.find(&["usr/bin", "opt/vllm/bin"]);
        assert_eq!(found.python, Some(machine.at("opt/vllm/bin/python3")), "{line}");
        assert_eq!(found.version.as_deref(), Some("0.20.0"), "{line}");
    }
    let (code, message) = failure(&machine, machine.search(&["usr/bin"]));
    assert_eq!(code, 127);
    assert_eq!(message, "`/usr/bin/vllm` is run by `python3`, which is not on `PATH`");
    // Without -S the whole of it is one name.
    machine.program("usr/bin/vllm", "#!/usr/bin/env python3 -u\n");
    let (code, message) = failure(&machine, machine.search(&["usr/bin", "opt/vllm/bin"]));
    assert_eq!((code, message.contains("`python3 -u`")), (127, true));
}

/// What pip and uv write where the path is too long for `#!`, or has a space in it.
#[test]
fn a_script_that_is_a_shell_s_and_python_s() {
    let beside = r#""$(dirname -- "$(realpath -- "$0")")"/'python'"#;
    for (prefix, quoted) in [
        ("opt/v llm", "\"PATH\""),
        ("opt/v llm", "'PATH'"),
        ("opt/vllm", "PATH"),
        ("opt/v'llm", r#"'PA'"'"'TH'"#),
        ("opt/v llm", beside),
    ] {
        let machine = Machine::new();
        let python = machine.at(&format!("{prefix}/bin/python"));
        let text = python.to_str().unwrap();
        let word = match text.split_once('\'') {
            Some((front, back)) => quoted.replacen("PA", front, 1).replace("TH", back),
            None => quoted.replace("PATH", text),
        };
        machine
            .venv(prefix)
            .distribution(&format!("{prefix}/lib/python3.12/site-packages"), "vllm", "0.20.0")
            .program(
                &format!("{prefix}/bin/vllm"),
                &format!("#!/bin/sh\n'''exec' {word} \"$0\" \"$@\"\n' '''\nimport sys\n"),
            )
            .link("usr/bin/vllm", machine.at(&format!("{prefix}/bin/vllm")));
        let found = machine.find(&["usr/bin"]);
        assert_eq!(
            found.python.map(|python| fs::canonicalize(python).unwrap()),
            fs::canonicalize(python).ok()
        );
        assert_eq!(found.version.as_deref(), Some("0.20.0"), "{word}");
    }

    let machine = Machine::new();
    machine.program("bin/vllm", "#!/bin/sh\n'''exec' /nowhere/python \"$0\" \"$@\"\n' '''\n");
    assert_eq!(failure(&machine, machine.search(&["bin"])).0, 127);
}

#[test]
fn other_programs_can_be_used_but_say_nothing() {
    for text in [
        "\x7fELF\x02\x01",
        "#!\n",
        "#!/bin/sh\nexec /opt/vllm/bin/vllm \"$@\"\n",
        "#!/bin/sh\n'''exec' \"$HOME/bin/python\" \"$0\" \"$@\"\n",
        "#!/bin/cat\n",
        "#!/usr/bin/env -i python3\n",
    ] {
        let machine = Machine::new();
        machine.program("bin/vllm", text);
        let found = machine.find(&["bin"]);
        assert_eq!((found.python, found.version, found.features), (None, None, ALL), "{text:?}");
    }
}

/// The C library gives what the kernel does not understand to a shell, which ends an empty file with 0.
#[test]
fn what_only_a_shell_would_run_is_no_program() {
    for text in ["", "import sys\n", "exec vllm\n"] {
        let machine = Machine::new();
        machine.program("bin/vllm", text);
        let path = machine.at("bin");
        let failure = find(Some(path.as_os_str()), None).unwrap_err();
        assert_eq!(failure.code, 126, "{text:?}");
    }
}
