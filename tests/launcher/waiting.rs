//! `--rdma-wait`: links come up and addresses are assigned while a pod starts.

use crate::program::{Unpacked, run};
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn a_link_that_comes_up_late_is_waited_for() {
    let unpacked = Unpacked::named("two-rails-standard-table");
    let state = unpacked.root.path().join("sys/class/infiniband/mlx5_1/ports/1/state");
    fs::write(&state, "1: DOWN\n").unwrap();
    let mut command = unpacked.command("plan");
    let child = command
        .args(["--rdma=require", "--rdma-expect=2", "--rdma-wait=60", "--format=env"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    fs::write(&state, "4: ACTIVE\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("NCCL_IB_HCA==mlx5_0,mlx5_1"));
}

#[test]
fn time_up_is_a_failure_that_names_the_rail_or_a_warning() {
    let unpacked = Unpacked::named("two-rails-standard-table");
    fs::write(unpacked.root.path().join("sys/class/infiniband/mlx5_1/ports/1/state"), "1: DOWN\n").unwrap();
    let start = Instant::now();
    let required =
        run(unpacked.command("plan").args(["--rdma=require", "--rdma-expect=all", "--rdma-wait=1"]));
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(required.code, 1, "{required:?}");
    assert!(
        required.stderr.contains("error: `--rdma=require`: `mlx5_1:1`: port state is DOWN"),
        "{}",
        required.stderr
    );
    let allowed = run(unpacked.command("plan").args(["--rdma-expect=2"]));
    assert_eq!(allowed.code, 0);
    assert!(
        allowed.stdout.contains("warning: expected: 2 ports are expected, 1 can be used"),
        "{}",
        allowed.stdout
    );
}

#[test]
fn nothing_missing_is_not_waited_for() {
    let start = Instant::now();
    let answer = run(Unpacked::named("two-rails-standard-table")
        .command("plan")
        .args(["--rdma-expect=all", "--rdma-wait=60"]));
    assert_eq!(answer.code, 0);
    assert!(start.elapsed() < Duration::from_secs(30));
}
