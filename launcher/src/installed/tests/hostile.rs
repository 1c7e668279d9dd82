//! Files that nobody should have written.

use super::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::File;
use std::time::Instant;

const SITE: &str = "opt/vllm/lib/python3.12/site-packages";

/// Every file that is read of an installation, below the machine's root.
const READ: [&str; 11] = [
    "opt/vllm/pyvenv.cfg",
    "opt/vllm/lib/python3.12/site-packages/vllm-0.1.dist-info/METADATA",
    "opt/vllm/lib/python3.12/site-packages/vllm-0.1.dist-info/entry_points.txt",
    "opt/vllm/lib/python3.12/site-packages/vllm-0.1.dist-info/direct_url.json",
    "opt/vllm/lib/python3.12/site-packages/__editable___vllm_0_1_finder.py",
    "opt/vllm/lib/python3.12/site-packages/__editable__.vllm-0.1.pth",
    "source/vllm/_version.py",
    "source/vllm/engine/arg_utils.py",
    "source/vllm/entrypoints/openai/cli_args.py",
    "source/vllm/v1/kv_offload/factory.py",
    "source/vllm/v1/kv_offload/tiering/factory.py",
];

fn machine() -> Machine {
    let machine = Machine::new();
    let source = machine.at("source").display().to_string();
    machine
        .venv("opt/vllm")
        .distribution(SITE, "vllm", "0.1")
        .sources("source", ALL)
        .file(READ[3], &format!(r#"{{"url": "file://localhost{source}", "dir_info": {{"editable": true}}}}"#))
        .file(READ[4], &format!("MAPPING = {{'vllm': '{source}/vllm'}}\n"))
        .file(READ[5], &format!("import os\n{source}\n"))
        .file(READ[6], "__version__ = version = '0.1'\n");
    machine
}

#[test]
fn no_content_of_any_file_is_too_much() {
    let deep = "[".repeat(100_000);
    let long = format!("Name: vllm\nVersion: {}\nMAPPING = {{'vllm': '\\", "9".repeat(100_000));
    let contents: [&[u8]; 10] = [
        b"",
        b"\0",
        b"\xff\xfe\xfd\n\xff: \xff\n= '\xff'",
        b"Name: vllm\nVersion: \x1b[31m0.1\n",
        b"%",
        br#"{"url": "file:///%f", "dir_info": {"editable": true}}"#,
        br#"{"url": 1, "dir_info": []}"#,
        b"version_info = 3\nversion = .\nhome =\ninclude-system-site-packages = true\n",
        deep.as_bytes(),
        long.as_bytes(),
    ];
    let machine = machine();
    assert_eq!(machine.find(&["opt/vllm/bin"]).sources, Some(machine.at("source/vllm")));
    for file in READ {
        let kept = fs::read(machine.at(file)).unwrap();
        let cut = (0..kept.len()).map(|end| kept[..end].to_vec());
        for content in contents.iter().map(|content| content.to_vec()).chain(cut) {
            fs::write(machine.at(file), content).unwrap();
            let found = machine.find(&["opt/vllm/bin"]);
            assert!(found.notes.iter().all(|note| note.len() < 1000 && !note.contains(['\n', '\x1b'])));
        }
        fs::write(machine.at(file), kept).unwrap();
    }
    for content in contents {
        for head in [&b""[..], b"#!", b"#!/bin/sh\n", b"#!/bin/sh\n'''exec' ", b"#!/usr/bin/env "] {
            fs::write(machine.at("opt/vllm/bin/vllm"), [head, content].concat()).unwrap();
            // It is usable or not; either way it ends.
            let _ = machine.search(&["opt/vllm/bin"]);
        }
    }
}

#[test]
fn what_is_no_file_is_not_read() {
    for kind in ["fifo", "directory", "loop", "huge"] {
        let machine = machine();
        for file in READ {
            let path = machine.at(file);
            fs::remove_file(&path).unwrap();
            match kind {
                "fifo" => mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap(),
                "directory" => fs::create_dir(&path).unwrap(),
                "loop" => symlink(&path, &path).unwrap(),
                _ => File::create(&path).unwrap().set_len((8 << 20) + 1).unwrap(),
            }
        }
        let start = Instant::now();
        let found = machine.find(&["opt/vllm/bin"]);
        assert_eq!((found.version, found.sources, found.features), (None, None, ALL), "{kind}");
        assert!(start.elapsed().as_secs() < 20, "{kind}");
    }
}

#[test]
fn links_that_go_round_end() {
    let machine = machine();
    machine
        .link("source/vllm/entrypoints/again", "../entrypoints")
        .link("source/vllm/entrypoints/openai/again", "..")
        .link("round/bin/python", "python")
        .link("round/lib/python3.12/site-packages", "site-packages")
        .script("round/bin/vllm", "round/bin/python");
    assert_eq!(machine.find(&["opt/vllm/bin"]).features, ALL);
    assert_eq!(failure(&machine, machine.search(&["round/bin"])).0, 127);
}
