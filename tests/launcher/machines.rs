//! Every machine of `tests/machines`: what somebody wanted of it by the rules, and the whole plan as it was
//! when it was last read (`BLESS=1` writes it anew).

use crate::program::{Answer, Unpacked, all, folder, launcher, run};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// The issue of this corpus asks for this many.
const LEAST: usize = 30;

#[test]
fn there_are_enough_machines() {
    assert!(all().len() >= LEAST);
}

#[test]
fn each_machine_gets_what_was_wanted() {
    let mut faults = Vec::new();
    for (name, text) in all() {
        let unpacked = Unpacked::new(&text);
        let json = run(unpacked.command("plan").arg("--format=json"));
        let plan: Value =
            serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{name}: {error}: {json:?}"));
        assert!(
            unpacked.machine.wants.iter().any(|want| want.starts_with("kept")),
            "{name}: which ports are used"
        );
        let exit: Vec<&String> =
            unpacked.machine.wants.iter().filter(|want| want.starts_with("exit ")).collect();
        let code = exit.first().map_or("0", |want| &want["exit ".len()..]);
        if json.code.to_string() != code {
            faults.push(format!("{name}: exit code is {}, wanted {code}", json.code));
        }
        for want in &unpacked.machine.wants {
            if let Some(fault) = unmet(want, &plan, &json) {
                faults.push(format!("{name}: want {want}\n    {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// What the launcher decides about, and one that it must never set: all processes would take the first NIC.
const NAMES: [&str; 18] = [
    "NVSHMEM_ENABLE_NIC_PE_MAPPING",
    "GLOO_SOCKET_IFNAME",
    "NCCL_IB_ADDR_FAMILY",
    "NCCL_IB_ADDR_RANGE",
    "NCCL_IB_GID_INDEX",
    "NCCL_IB_HCA",
    "NCCL_IB_ROCE_VERSION_NUM",
    "NCCL_SOCKET_IFNAME",
    "NVSHMEM_BOOTSTRAP_UID_SOCK_IFNAME",
    "NVSHMEM_HCA_LIST",
    "NVSHMEM_HCA_PREFIX",
    "NVSHMEM_IB_ADDR_FAMILY",
    "NVSHMEM_IB_ADDR_RANGE",
    "NVSHMEM_IB_GID_INDEX",
    "NVSHMEM_IB_ROCE_VERSION_NUM",
    "UCX_IB_GID_INDEX",
    "UCX_IB_ROCE_SUBNETS",
    "UCX_NET_DEVICES",
];

/// Why `want` is not met; none where it is.
fn unmet(want: &str, plan: &Value, answer: &Answer) -> Option<String> {
    if let Some(labels) = want.strip_prefix("kept") {
        let wanted: BTreeSet<String> = labels.split_whitespace().map(str::to_owned).collect();
        let found = kept(plan);
        return (wanted != found).then(|| format!("kept {found:?}"));
    }
    if let Some(text) = want.strip_prefix("warning ") {
        return (!answer.stderr.contains(text)).then(|| format!("stderr is {}", answer.stderr));
    }
    // Of findings, `doctor.rs` asks.
    if want.starts_with("exit ") || want.starts_with("findings") {
        return None;
    }
    if let Some(name) = want.strip_suffix(" removed") {
        let variables = plan["variables"].as_array().unwrap();
        let removed = variables.iter().any(|one| one["name"] == name && one["decision"] == "removed");
        return (!removed).then(|| "it stays".to_owned());
    }
    if let Some(name) = want.strip_suffix(" unset") {
        assert!(NAMES.contains(&name), "want {want}: no such variable is decided about");
        return set(plan, name).map(|value| format!("it is set to {value}"));
    }
    let (name, value) = want.split_once('=').unwrap_or_else(|| panic!("want {want}"));
    let found = set(plan, name);
    (found.as_deref() != Some(value)).then(|| format!("it is {found:?}"))
}

fn kept(plan: &Value) -> BTreeSet<String> {
    let label = |one: &Value| format!("{}:{}", one["device"].as_str().unwrap(), one["port"]);
    plan["kept"].as_array().unwrap().iter().map(label).collect()
}

fn set(plan: &Value, name: &str) -> Option<String> {
    let variables = plan["variables"].as_array().unwrap();
    let found = variables.iter().find(|one| one["name"] == name && one["decision"] == "set")?;
    Some(found["value"].as_str().unwrap().to_owned())
}

#[test]
fn each_plan_is_as_it_was_when_it_was_last_read() {
    let mut faults = Vec::new();
    for (name, text) in all() {
        let unpacked = Unpacked::new(&text);
        let plan = run(&mut unpacked.command("plan"));
        let environment = run(unpacked.command("plan").arg("--format=env"));
        let root = unpacked.root.path().display().to_string();
        let errors: Vec<&str> = plan.stderr.lines().collect();
        let golden = format!("{}{}\n--- env\n{}", plan.stdout, errors.join("\n"), environment.stdout);
        assert!(!golden.contains(&root), "{name}: the plan names the directory it was unpacked to");
        let path = folder().join(format!("{name}.plan"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, golden).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != golden {
            faults.push(format!("{name}: now\n{golden}"));
        }
    }
    assert!(faults.is_empty(), "{}\nhint: `make golden` writes the plans anew", faults.join("\n"));
}

#[test]
fn an_inventory_replayed_gives_the_plan_of_its_machine() {
    for (name, text) in all() {
        let unpacked = Unpacked::new(&text);
        let inventory = run(unpacked.command("probe").arg("--format=json")).stdout;
        let file = unpacked.root.path().join("inventory.json");
        fs::write(&file, inventory).unwrap();
        let replayed = replay(&unpacked, &file);
        let direct = run(unpacked.command("plan").arg("--format=json"));
        assert_eq!((replayed.code, replayed.stdout), (direct.code, direct.stdout), "{name}");
    }
}

fn replay(unpacked: &Unpacked, file: &std::path::Path) -> Answer {
    let mut command = launcher();
    command.args(["plan", "--format=json", "--inventory"]).arg(file);
    let options = unpacked.machine.options.iter().filter(|option| !option.starts_with("--rdma-wait"));
    run(command.args(options).envs(unpacked.machine.environment.iter().cloned()))
}

#[test]
fn a_saved_machine_gives_the_plan_of_the_machine() {
    for (name, text) in all() {
        let unpacked = Unpacked::new(&text);
        let saved = tempfile::tempdir().unwrap();
        let probe = run(unpacked.command("probe").arg("--save").arg(saved.path()));
        assert_eq!(probe.code, 0, "{name}: {probe:?}");
        let mut command = launcher();
        command.args(["plan", "--sysroot"]).arg(saved.path()).args(&unpacked.machine.options);
        let again = run(command.envs(unpacked.machine.environment.iter().cloned()));
        let direct = run(&mut unpacked.command("plan"));
        assert_eq!(again.stdout, direct.stdout, "{name}");
    }
}

/// The order of directories is the file system's, the order of names means nothing: with the names of two
/// machines' devices exchanged, and the inventory turned round, the same PCI functions are used.
#[test]
fn names_and_their_order_change_nothing() {
    for (name, text) in all() {
        let unpacked = Unpacked::new(&text);
        let names_matter = |word: &&String| word.contains("clude") || word.contains("mlx5");
        if unpacked.machine.options.iter().any(|option| names_matter(&option))
            || unpacked.machine.environment.iter().any(|(_, value)| names_matter(&value))
        {
            continue;
        }
        let inventory: Value =
            serde_json::from_str(&run(unpacked.command("probe").arg("--format=json")).stdout).unwrap();
        let mut turned = inventory.clone();
        let devices = turned["devices"].as_array_mut().unwrap();
        // Rotated among those of the same kind only: NVSHMEM takes names for drivers.
        let mlx5 = |name: &Value| name.as_str().unwrap().contains("mlx5");
        let names: Vec<Value> = devices.iter().map(|device| device["name"].clone()).collect();
        for kind in [true, false] {
            let same: Vec<usize> = (0..names.len()).filter(|at| mlx5(&names[*at]) == kind).collect();
            for (place, at) in same.iter().enumerate() {
                devices[*at]["name"] = names[same[(place + 1) % same.len()]].clone();
            }
        }
        let renamed: Vec<(Value, Value)> =
            names.into_iter().zip(devices.iter().map(|device| device["name"].clone())).collect();
        devices.reverse();
        let plan = |inventory: &Value| -> Value {
            let file = unpacked.root.path().join("turned.json");
            fs::write(&file, inventory.to_string()).unwrap();
            serde_json::from_str(&replay(&unpacked, &file).stdout).unwrap()
        };
        let (before, after) = (plan(&inventory), plan(&turned));
        let moved: BTreeSet<String> = before["kept"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let (_, new) = renamed.iter().find(|(old, _)| *old == one["device"]).unwrap();
                format!("{}:{}", new.as_str().unwrap(), one["port"])
            })
            .collect();
        assert_eq!(moved, kept(&after), "{name}");
        for variable in
            ["NCCL_IB_GID_INDEX", "NVSHMEM_IB_GID_INDEX", "UCX_IB_GID_INDEX", "NCCL_IB_ADDR_RANGE"]
        {
            assert_eq!(set(&before, variable), set(&after, variable), "{name}: {variable}");
        }
    }
}
