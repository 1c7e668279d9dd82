//! What is wrong gets an exit code, the place, what was found, what is allowed, and one hint. Never a panic.

use crate::program::{Answer, Unpacked, launcher, run};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

fn with(words: &[&str]) -> Answer {
    run(launcher().args(words))
}

#[track_caller]
fn refuses(answer: &Answer, code: i32, message: &str) {
    assert_eq!((answer.code, answer.stdout.as_str()), (code, ""), "{answer:?}");
    let first = answer.stderr.lines().next().unwrap_or_default();
    assert_eq!(first, format!("prefill-launcher: error: {message}"), "{}", answer.stderr);
    assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
}

#[test]
fn flags_are_refused_with_what_is_allowed() {
    refuses(
        &with(&[]),
        64,
        "no command was given, expected `run`, `probe`, `plan`, `doctor`, `explain` or `install`",
    );
    refuses(
        &with(&["prob"]),
        64,
        "there is no command `prob`, expected `run`, `probe`, `plan`, `doctor`, `explain` or `install`",
    );
    refuses(&with(&["plan", "--rmda=off"]), 64, "`plan` has no flag `--rmda`");
    refuses(&with(&["plan", "--rdma"]), 64, "`--rdma` needs a value");
    refuses(&with(&["plan", "extra"]), 64, "`extra` is one word too many");
    refuses(&with(&["doctor", "--format=env"]), 64, "`--format` is `env`, expected `text` or `json`");
    let both = "`--inventory` replays a probe, so it stands without `--sysroot` and `--ibverbs`";
    refuses(&with(&["plan", "--inventory=x", "--sysroot=/"]), 64, both);
    refuses(&with(&["doctor", "--inventory=x", "--ibverbs=y"]), 64, both);
    let rows = [
        ("--rdma=on", "`--rdma` is `on`, expected `auto`, `require` or `off`"),
        ("--rdma-functions=vf", "`--rdma-functions` is `vf`, expected `any`, `physical` or `virtual`"),
        ("--rdma-gids=all", "`--rdma-gids` is `all`, expected `local` or `any`"),
        ("--rdma-expect=-1", "`--rdma-expect` is `-1`, expected a whole number from 0, or `all`"),
        ("--rdma-wait=soon", "`--rdma-wait` is `soon`, expected seconds, a whole number from 0"),
        ("--ucx-tcp=yes", "`--ucx-tcp` is `yes`, expected `loopback`, `interface` or `none`"),
        ("--leader-address=leader", "`--leader-address` is `leader`, expected an IPv4 or IPv6 address"),
        (
            "--rdma-include=mlx5_0,,",
            "`--rdma-include` is `mlx5_0,,`, expected patterns such as `mlx5_*` or `mlx5_0:1`, separated by commas",
        ),
        ("--format=yaml", "`--format` is `yaml`, expected `text`, `env` or `json`"),
    ];
    for (flag, message) in rows {
        let answer = with(&["plan", flag]);
        refuses(&answer, 64, message);
        assert!(answer.stderr.contains("prefill-launcher: hint: "), "{}", answer.stderr);
    }
}

#[test]
fn a_flag_of_another_command_is_none_of_this_one() {
    let rows: [(&[&str], &str); 10] = [
        (&["probe", "--inventory=x"], "`probe` has no flag `--inventory`"),
        (&["probe", "--rdma-wait", "9"], "`probe` has no flag `--rdma-wait`"),
        (&["plan", "--save=x"], "`plan` has no flag `--save`"),
        (&["plan", "--plan-file=x"], "`plan` has no flag `--plan-file`"),
        (&["doctor", "--save=x"], "`doctor` has no flag `--save`"),
        (&["doctor", "--rdma-wait", "9"], "`doctor` has no flag `--rdma-wait`"),
        (&["explain", "--save", "x"], "`explain` has no flag `--save`"),
        (&["explain", "--format", "json"], "`explain` has no flag `--format`"),
        (&["install", "/nowhere", "--rdma", "off"], "`install` has no flag `--rdma`"),
        (
            &["--rdma=off", "plan"],
            "no command stands before `--rdma`, expected `run`, `probe`, `plan`, `doctor`, `explain` or `install`",
        ),
    ];
    for (words, message) in rows {
        let answer = with(words);
        refuses(&answer, 64, message);
        assert!(answer.stderr.contains("prefill-launcher: hint: "), "{}", answer.stderr);
    }
}

#[test]
fn a_variable_is_refused_by_its_own_name_and_a_flag_wins_over_it() {
    let answer = run(launcher().arg("plan").env("PREFILL_RDMA", "on"));
    refuses(&answer, 64, "`PREFILL_RDMA` is `on`, expected `auto`, `require` or `off`");
    let unpacked = Unpacked::named("two-rails-standard-table");
    let off = run(unpacked.command("plan").env("PREFILL_RDMA", "off"));
    assert!(off.stdout.starts_with("NICs are not looked for: `--rdma=off`"), "{}", off.stdout);
    let on = run(unpacked.command("plan").env("PREFILL_RDMA", "off").arg("--rdma=auto"));
    assert!(on.stdout.starts_with("use "), "{}", on.stdout);
    let empty = run(unpacked.command("plan").env("PREFILL_RDMA", ""));
    assert!(empty.stdout.starts_with("use "), "{}", empty.stdout);
}

#[test]
fn an_inventory_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inventory.json");
    let shown = path.display();
    let replay = || run(launcher().args(["plan", "--inventory"]).arg(&path));
    let missing = format!("`{shown}` cannot be read: No such file or directory (os error 2)");
    refuses(&replay(), 1, &missing);
    fs::write(&path, "{").unwrap();
    refuses(&replay(), 64, &format!("`{shown}` is not JSON: EOF while parsing an object at line 1 column 1"));
    fs::write(&path, "{}").unwrap();
    refuses(
        &replay(),
        64,
        &format!("`{shown}` has no version, this launcher reads inventories of version 1"),
    );
    fs::write(&path, r#"{"version": 2}"#).unwrap();
    refuses(&replay(), 64, &format!("`{shown}` has version 2, this launcher reads inventories of version 1"));
    fs::write(&path, r#"{"version": 1}"#).unwrap();
    refuses(&replay(), 64, &format!("`{shown}` is not an inventory: missing field `verbs`"));
}

#[test]
fn nothing_is_saved_over() {
    let unpacked = Unpacked::named("two-rails-standard-table");
    let answer = run(unpacked.command("probe").arg("--save").arg(unpacked.root.path()));
    let shown = unpacked.root.path().display();
    refuses(&answer, 1, &format!("`--save`: `{shown}` cannot be written: the directory is not empty"));
}

#[test]
fn a_library_that_is_none_is_said_and_sysfs_goes_on() {
    let unpacked = Unpacked::named("two-rails-standard-table");
    let file = unpacked.root.path().join("libibverbs.so.1");
    fs::write(&file, "not a library").unwrap();
    let probe = run(unpacked.command("probe").arg("--ibverbs").arg(&file));
    assert_eq!(probe.code, 0, "{probe:?}");
    assert!(probe.stdout.contains("could not be loaded: "), "{}", probe.stdout);
    assert!(probe.stdout.contains("  use\n"), "{}", probe.stdout);
    // The C library itself is one, but not of verbs.
    let answer = run(unpacked.command("probe").arg("--ibverbs=libc.so.6"));
    assert!(answer.stdout.contains("`libc.so.6` has no function `ibv_get_device_list`"), "{}", answer.stdout);
}

#[test]
fn three_hundred_devices_are_too_many_for_ucx_and_nvshmem_and_said_so() {
    let unpacked = Unpacked::named("two-rails-standard-table");
    let mut inventory: serde_json::Value =
        serde_json::from_str(&run(unpacked.command("probe").arg("--format=json")).stdout).unwrap();
    let device = inventory["devices"][0].clone();
    let many = (0..300).map(|number| {
        let mut device = device.clone();
        device["name"] = format!("mlx5_{number}").into();
        device["pciPath"] = format!("pci0000:00/0000:{number:03x}:00.0").into();
        device
    });
    inventory["devices"] = many.collect();
    let file = unpacked.root.path().join("many.json");
    fs::write(&file, inventory.to_string()).unwrap();
    let plan = run(launcher().args(["plan", "--format=env", "--inventory"]).arg(&file));
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(plan.stdout.starts_with("NCCL_IB_HCA==mlx5_0,mlx5_1,"), "{}", plan.stdout);
    assert!(
        !plan.stdout.contains("UCX_NET_DEVICES") && !plan.stdout.contains("NVSHMEM_HCA_LIST"),
        "{}",
        plan.stdout
    );
    for most in [
        "NCCL uses at most 32 ports, 300 are there",
        "NVSHMEM takes at most 48 ports",
        "UCX takes at most 64",
    ] {
        assert!(plan.stderr.contains(most), "{}", plan.stderr);
    }
}

#[test]
fn a_name_that_is_not_utf8_hides_no_other_device() {
    let unpacked = Unpacked::named("two-rails-standard-table");
    let class = unpacked.root.path().join("sys/class/infiniband");
    symlink("../../devices/nothing", class.join(OsStr::from_bytes(b"mlx5_\xff"))).unwrap();
    let plan = run(&mut unpacked.command("plan"));
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(plan.stderr.contains("is passed over: its name is not UTF-8"), "{}", plan.stderr);
    assert!(plan.stdout.starts_with("use "), "{}", plan.stdout);
}

#[test]
fn env_lines_are_text_to_a_shell() {
    let unpacked = Unpacked::named("hostile-files-two-good-rails-survive");
    let plan = run(unpacked.command("plan").arg("--format=env"));
    let script = format!("{}printf %s \"$NCCL_IB_HCA\"", plan.stdout);
    let shell = Command::new("/bin/sh").arg("-c").arg(script).env_clear().output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stdout), "=mlx5_0,mlx5_$(id);");
    assert!(shell.stderr.is_empty(), "{}", String::from_utf8_lossy(&shell.stderr));
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let mut child = Unpacked::named("oci-h100-sixteen-rails")
        .command("plan")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn help_names_every_flag_and_exits_well() {
    let help = with(&["--help"]);
    assert_eq!(help.code, 0);
    for flag in
        ["--sysroot", "--ibverbs", "--inventory", "--save", "--rdma-expect", "--ucx-tcp", "--leader-address"]
    {
        assert!(help.stdout.contains(flag), "{flag}");
    }
    assert_eq!(with(&["--version"]).stdout, format!("prefill-launcher {}\n", env!("CARGO_PKG_VERSION")));
}
