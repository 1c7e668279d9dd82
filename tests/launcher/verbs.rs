//! The calls to libibverbs, against one for tests (`tests/fake-ibverbs`): it shows what an inventory has, fails
//! where it is told to, and notes down who called it.

use crate::program::{Answer, Unpacked, all, launcher, run};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Cargo builds the examples of a package before it runs its tests.
fn library(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_prefill-launcher"))
        .with_file_name(format!("examples/lib{name}.so"));
    assert!(
        path.exists(),
        "{} is not there; hint: `cargo test -p prefill-launcher` builds it",
        path.display()
    );
    path
}

/// A machine whose libibverbs shows what sysfs shows, unless the test changes the scene.
pub(crate) struct Stage {
    pub(crate) unpacked: Unpacked,
    pub(crate) scene: Value,
    pub(crate) build: &'static str,
}

impl Stage {
    fn new(unpacked: Unpacked) -> Self {
        let inventory = run(unpacked.command("probe").arg("--format=json")).stdout;
        let mut inventory: Value = serde_json::from_str(&inventory).unwrap();
        // The library lists what has a node; whether it opens is the inventory's `access`.
        let node = |device: &Value| {
            let closed = device["access"]["closed"].as_str().unwrap_or_default();
            !closed.contains("is not in this pod") && !closed.contains("has no node")
        };
        let hidden: Vec<Value> = inventory["devices"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|device| !node(device))
            .map(|device| device["name"].clone())
            .collect();
        inventory.as_object_mut().unwrap().remove("warnings");
        let scene = json!({ "inventory": inventory, "hide": hidden, "faults": {} });
        Self { unpacked, scene, build: "fake_ibverbs" }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::new(Unpacked::named(name))
    }

    fn device(&mut self, name: &str) -> &mut Value {
        let devices = self.scene["inventory"]["devices"].as_array_mut().unwrap();
        devices.iter_mut().find(|device| device["name"] == name).unwrap()
    }

    pub(crate) fn command(&self, word: &str) -> Command {
        let scene = self.unpacked.root.path().join("scene.json");
        fs::write(&scene, self.scene.to_string()).unwrap();
        let mut command = self.unpacked.command(word);
        command.arg("--ibverbs").arg(library(self.build)).env("FAKE_IBVERBS", scene);
        command.env("FAKE_IBVERBS_CALLS", self.calls_file());
        command
    }

    pub(crate) fn calls_file(&self) -> PathBuf {
        self.unpacked.root.path().join("calls")
    }

    fn plan(&self) -> Answer {
        run(&mut self.command("plan"))
    }

    pub(crate) fn calls(&self, function: &str) -> usize {
        let calls = fs::read_to_string(self.calls_file()).unwrap_or_default();
        calls.lines().filter(|line| line.split(' ').next() == Some(function)).count()
    }
}

#[track_caller]
pub(crate) fn says(answer: &Answer, text: &str) {
    let all = format!("{}{}", answer.stdout, answer.stderr);
    assert!(all.contains(text), "no `{text}` in\n{all}");
}

#[test]
fn libibverbs_and_sysfs_give_the_same_plan_for_every_machine() {
    // UCX drops a port whose entry 0 is empty. sysfs alone cannot tell an empty entry from a hidden one.
    let differ = ["tie-five-seven-left-unset", "indices-differ-addr-range-by-prefix"];
    let mut faults = Vec::new();
    for (name, text) in all().into_iter().filter(|(name, _)| !differ.contains(&name.as_str())) {
        let stage = Stage::new(Unpacked::new(&text));
        let words = |answer: &Answer| -> Vec<String> {
            // Reasons of what cannot be opened are each source's own.
            let lines = answer.stdout.lines().filter(|line| !line.starts_with("skip "));
            lines.map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect()
        };
        let (sysfs, verbs) = (run(&mut stage.unpacked.command("plan")), stage.plan());
        if words(&sysfs) != words(&verbs) {
            faults.push(format!(
                "{name}\n  sysfs {:?}\n  verbs {:?}\n{}",
                words(&sysfs),
                words(&verbs),
                verbs.stderr
            ));
        }
        let opened = stage.calls("ibv_close_device");
        assert_eq!(
            stage.calls("_ibv_query_gid_table"),
            opened,
            "{name}: one query of the table for each device"
        );
        assert_eq!(
            (stage.calls("ibv_get_device_list"), stage.calls("ibv_free_device_list")),
            (1, 1),
            "{name}"
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn ports_that_ucx_would_drop_are_reconciled_by_dropping_the_minority() {
    let answer = Stage::named("tie-five-seven-left-unset").plan();
    says(&answer, "set UCX_IB_GID_INDEX=5");
    says(&answer, "warning: `mlx5_1:1` is not used: its GID has index 7");
}

#[test]
fn a_device_that_does_not_open_hides_no_other() {
    for (errno, meaning) in [(13, "EACCES (13)"), (2, "ENOENT (2)"), (1, "EPERM (1)")] {
        let mut stage = Stage::named("two-rails-standard-table");
        stage.scene["faults"] = json!({ "mlx5_0": { "open": errno } });
        let answer = stage.plan();
        says(&answer, "use `mlx5_1:1`");
        says(&answer, &format!("skip `mlx5_0`: `ibv_open_device` failed: {meaning}"));
        assert!(!answer.stdout.contains("NCCL_IB_HCA==mlx5_0"), "{}", answer.stdout);
    }
}

#[test]
fn a_device_that_is_not_listed_is_said_to_have_no_node() {
    let mut stage = Stage::named("two-rails-standard-table");
    stage.scene["hide"] = json!(["mlx5_1"]);
    let answer = stage.plan();
    says(&answer, "skip `mlx5_1`: libibverbs does not list it: `/dev/infiniband/uverbs1` is not in this pod");
    says(&answer, "set NCCL_IB_HCA==mlx5_0:");
}

#[test]
fn a_table_that_cannot_be_asked_is_read_from_sysfs() {
    let mut stage = Stage::named("two-rails-standard-table");
    stage.scene["faults"] = json!({ "mlx5_0": { "queryGidTable": 19 }, "mlx5_1": { "queryGidTable": 22 } });
    let answer = stage.plan();
    says(&answer, "warning: `mlx5_0`: `_ibv_query_gid_table` failed: ENODEV (19)");
    says(&answer, "warning: `mlx5_1`: `_ibv_query_gid_table` failed: EINVAL (22)");
    says(&answer, "its GIDs are read from sysfs instead");
    says(&answer, "set NCCL_IB_GID_INDEX=3");
    let mut stage = Stage::named("two-rails-standard-table");
    stage.build = "fake_ibverbs_old";
    let answer = stage.plan();
    says(&answer, "this libibverbs has no `_ibv_query_gid_table`, which came with rdma-core 32");
    says(&answer, "set NCCL_IB_GID_INDEX=3");
}

#[test]
fn a_port_that_cannot_be_asked_is_not_used() {
    let mut stage = Stage::named("two-rails-standard-table");
    stage.scene["faults"] = json!({ "mlx5_0": { "queryDevice": 5 }, "mlx5_1": { "queryPort": 22 } });
    let answer = stage.plan();
    says(&answer, "warning: `mlx5_0`: `ibv_query_device` failed: EIO (5)");
    says(&answer, "warning: `mlx5_1:1`: `ibv_query_port` failed: EINVAL (22)");
    says(&answer, "skip `mlx5_1:1`: port state is UNKNOWN");
    says(&answer, "set NCCL_IB_HCA==mlx5_0:");
}

#[test]
fn a_list_that_fails_leaves_sysfs_and_says_why() {
    let mut stage = Stage::named("two-rails-standard-table");
    stage.scene["faults"] = json!({ "*": { "deviceList": 38 } });
    says(
        &run(&mut stage.command("probe")),
        "libibverbs: cannot be asked (`ibv_get_device_list` failed: ENOSYS (38)",
    );
    says(&stage.plan(), "set NCCL_IB_HCA==mlx5_0,mlx5_1");
    says(&stage.plan(), "warning: libibverbs cannot be asked: `ibv_get_device_list` failed: ENOSYS (38)");
    let required = run(stage.command("plan").arg("--rdma=require"));
    assert_eq!(required.code, 1, "{required:?}");
    says(&required, "NCCL and UCX need it as well");
}

#[test]
fn where_they_disagree_libibverbs_is_believed_and_it_is_said() {
    let mut stage = Stage::named("two-rails-standard-table");
    stage.device("mlx5_1")["ports"][0]["state"] = "DOWN".into();
    stage.device("mlx5_0")["ports"][0]["gids"][3]["gid"] = "::ffff:10.99.0.1".into();
    let answer = stage.plan();
    says(&answer, "warning: `mlx5_1:1`: sysfs says ACTIVE, libibverbs DOWN");
    says(&answer, "skip `mlx5_1:1`: port state is DOWN");
    says(&answer, "warning: `mlx5_0:1`: sysfs says GID 3 is ::ffff:");
    // Its IPv4 address is no longer this pod's, so nothing but the link-local GID is left.
    says(&answer, "use `mlx5_0:1`: RoCE v2, 400 Gb/s, GID 1 is fe80:");
}

#[test]
fn an_interface_of_the_same_name_but_another_index_is_another_pods() {
    let mut stage = Stage::named("two-rails-standard-table");
    says(&stage.plan(), "use `mlx5_0:1`");
    for interface in stage.scene["inventory"]["network"]["interfaces"].as_array_mut().unwrap() {
        interface["index"] = (interface["index"].as_u64().unwrap() + 100).into();
    }
    says(&stage.plan(), "its GIDs belong to another `net1` than this pod's");
}

#[test]
fn a_hidden_sysfs_leaves_what_libibverbs_says() {
    let stage = Stage::named("two-rails-standard-table");
    fs::remove_dir_all(stage.unpacked.root.path().join("sys")).unwrap();
    let answer = stage.plan();
    says(&answer, "warning: libibverbs lists `mlx5_0`, which `/sys/class/infiniband` does not show");
    says(&answer, "set NCCL_IB_HCA==mlx5_0,mlx5_1");
    says(&answer, "set NCCL_IB_GID_INDEX=3");
    says(&answer, "set NVSHMEM_HCA_LIST=mlx5_0:1,mlx5_1:1");
}

#[test]
fn a_name_that_is_not_utf8_is_no_panic() {
    let mut stage = Stage::named("two-rails-standard-table");
    stage.scene["rawNames"] = json!({ "mlx5_1": [b'm', 0xff] });
    let answer = stage.plan();
    assert_eq!(answer.code, 0, "{answer:?}");
    says(&answer, "use `mlx5_0:1`");
    says(&answer, "its name cannot stand in the libraries' lists");
}

/// This machine as it is, whatever it has: there is an answer, and it is the same twice.
#[test]
fn the_machine_that_runs_the_tests_is_probed_too() {
    let probe = || run(launcher().args(["probe", "--format=json"]));
    let (first, second) = (probe(), probe());
    assert_eq!(first.code, 0, "{first:?}");
    let inventory: Value = serde_json::from_str(&first.stdout).unwrap();
    assert_eq!(inventory["version"], 1);
    assert!(
        inventory["network"]["interfaces"].as_array().is_some_and(|all| !all.is_empty()),
        "{}",
        first.stdout
    );
    let names = |text: &str| -> Value {
        let inventory: Value = serde_json::from_str(text).unwrap();
        inventory["devices"].as_array().unwrap().iter().map(|device| device["name"].clone()).collect()
    };
    assert_eq!(names(&first.stdout), names(&second.stdout));
    let table = run(launcher().arg("probe"));
    says(&table, "libibverbs: ");
}
