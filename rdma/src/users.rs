//! What the user or a cloud's installation set already: whom it belongs to, and what is wrong with it.

use super::candidates::Candidate;
use super::drivers;
use super::libraries::interfaces::{self, Kind};
use super::libraries::list::{Devices, Entry};
use super::libraries::range::Ranges;
use super::libraries::{Index, Library};
use super::plan::{Concern, Excluded, Warning};
use crate::inventory::Inventory;
use prefill_core::environment as env;
use prefill_core::environment::Environment;

/// What is known of this machine, to hold the user's words against.
pub(super) struct Known<'a> {
    pub(super) kept: &'a [Candidate<'a>],
    pub(super) excluded: &'a [Excluded],
    pub(super) inventory: &'a Inventory,
    /// Names of its RDMA devices, in order.
    pub(super) devices: &'a [&'a str],
}

impl Known<'_> {
    /// Why a device, or its port, that the list `name` names is of no use here; none where it is used.
    fn fault(&self, name: &'static str, list: &str, device: &str, port: Option<u32>) -> Option<Warning> {
        let warning = |concern, fault: String| {
            Some(Warning::new(concern, format!("`{name}` is `{list}`, but {fault}")))
        };
        let Some(found) = self.inventory.devices.iter().find(|one| one.name == device) else {
            return warning(Concern::ListAbsent, format!("there is no device `{device}` here"));
        };
        let same = |number: u32| port.is_none_or(|port| port == number);
        if !found.ports.iter().any(|one| same(one.number)) {
            return warning(
                Concern::ListAbsent,
                format!("`{device}` has no port {}", port.unwrap_or_default()),
            );
        }
        if self.kept.iter().any(|one| one.device.name == device && same(one.port.number)) {
            return None;
        }
        let reason = self
            .excluded
            .iter()
            .find(|one| one.device == device && one.port.is_none_or(same))
            .map_or("it is left out", |one| one.reason.as_str());
        let concern = Concern::ListUnusable { list: name, device: device.to_owned() };
        warning(concern, format!("`{device}` would not be used: {reason}"))
    }

    fn has_interface(&self, name: &str) -> bool {
        self.inventory.network.has(name, None) != Some(false)
    }
}

/// The user's lists that name devices which are there but not used: (library, device).
pub(super) fn beyond(environment: &Environment, known: &Known<'_>) -> Vec<(Library, String)> {
    let mut found = Vec::new();
    for library in Library::ALL {
        let Some(list) = environment.get(library.list_variable()) else { continue };
        for Entry { name, .. } in library.devices(list).entries() {
            let used = known.kept.iter().any(|one| one.device.name == *name);
            if known.devices.contains(name) && !used {
                found.push((library, (*name).to_owned()));
            }
        }
    }
    found
}

/// What is wrong with the variables that the user set, seen from the ports that are used.
pub(super) fn warnings(environment: &Environment, known: &Known<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for library in Library::ALL {
        if let Some(value) = environment.get(library.index_variable()) {
            index(library, value, known.kept, &mut warnings);
        }
    }
    for library in Library::ALL {
        if let Some(text) = environment.get(library.list_variable()) {
            list(library, text, known, &mut warnings);
        }
    }
    for name in [env::NCCL_IB_ADDR_RANGE, env::NVSHMEM_IB_ADDR_RANGE, env::UCX_IB_ROCE_SUBNETS] {
        if let Some(value) = environment.get(name) {
            range(name, value, known.kept, &mut warnings);
        }
    }
    prefix(environment, known.kept, &mut warnings);
    for fault in interfaces::faults(environment, &known.inventory.network) {
        interface(&fault, &mut warnings);
    }
    warnings
}

/// Networks of which no port has an address.
fn range(name: &str, value: &str, kept: &[Candidate<'_>], warnings: &mut Vec<Warning>) {
    match Ranges::parse(value) {
        Ranges::All | Ranges::Except => {}
        Ranges::Unreadable => {
            let text = format!("`{name}` is `{value}`, expected a network such as `10.0.0.0/16`");
            warnings.push(Warning::new(Concern::RangeEmpty, text));
        }
        Ranges::Only(ranges) => {
            let fits = |candidate: &&Candidate<'_>| {
                candidate.gids.iter().any(|gid| ranges.iter().any(|range| range.has(gid)))
            };
            for candidate in kept.iter().filter(|one| one.by_gid()).filter(|one| !fits(one)) {
                let text = format!("`{name}` is `{value}`, but no GID of `{}` is in it", candidate.label());
                warnings.push(Warning::new(Concern::RangeEmpty, text));
            }
        }
    }
}

fn prefix(environment: &Environment, kept: &[Candidate<'_>], warnings: &mut Vec<Warning>) {
    let Some(prefix) = environment.get(env::NVSHMEM_HCA_PREFIX) else { return };
    for candidate in kept.iter().filter(|one| drivers::has_ibgda(one)) {
        if !candidate.device.name.contains(prefix) {
            let name = env::NVSHMEM_HCA_PREFIX;
            let device = &candidate.device.name;
            let text = format!(
                "`{name}` is `{prefix}`, which `{device}` has not in its name: NVSHMEM passes over it"
            );
            warnings.push(Warning::new(Concern::PrefixAbsent, text));
        }
    }
}

fn interface(fault: &interfaces::Fault<'_>, warnings: &mut Vec<Warning>) {
    let interfaces::Fault { name, value, kind } = fault;
    match kind {
        Kind::Grammar => {
            let text = format!("`{name}` is `{value}`, but Gloo takes whole names of interfaces only");
            warnings.push(Warning::new(Concern::InterfaceGrammar, text));
        }
        Kind::Absent { names, .. } => warnings.extend(names.iter().map(|one| {
            let text = format!("`{name}` is `{value}`, but there is no interface `{one}` here");
            Warning::new(Concern::InterfaceAbsent, text)
        })),
    }
}

fn index(library: Library, value: &str, kept: &[Candidate<'_>], warnings: &mut Vec<Warning>) {
    let name = library.index_variable();
    let index = match library.index(value) {
        Index::Automatic => return,
        Index::At(index) => index,
        Index::Unreadable => {
            let automatic = library.automatic();
            let text = format!("`{name}` is `{value}`, expected a whole number from 0, or `{automatic}`");
            warnings.push(Warning::new(Concern::IndexUnreadable, text));
            return;
        }
    };
    for candidate in kept {
        if !candidate.by_gid() {
            if library == Library::Ucx {
                let text = format!(
                    "`{name}` is `{index}`, but `{}` is an InfiniBand port: UCX applies it there too and drops the port where entry {index} is empty",
                    candidate.label()
                );
                warnings.push(Warning::new(Concern::IndexOnInfiniBand, text));
            }
            continue;
        }
        if candidate.gids.iter().any(|gid| gid.index == index) {
            continue;
        }
        let there = match candidate.port.gids.iter().find(|gid| gid.index == index) {
            None => "is empty".to_owned(),
            Some(gid) => {
                let netdev = gid.netdev.as_ref().map(|netdev| format!(" of `{netdev}`")).unwrap_or_default();
                let kind = gid.kind.map_or("unknown type", crate::inventory::GidType::text);
                format!("is {}{netdev}, {kind}", gid.address())
            }
        };
        let best = candidate.best().map(|gid| format!("; {} would be right", gid.index)).unwrap_or_default();
        let text = format!(
            "`{name}` is `{index}`, but entry {index} of `{}` {there}{best}: connections over it fail",
            candidate.label()
        );
        warnings.push(Warning::new(Concern::IndexWrong, text));
    }
}

fn list(library: Library, text: &str, known: &Known<'_>, warnings: &mut Vec<Warning>) {
    let name = library.list_variable();
    let Devices::Only { exact, entries } = library.devices(text) else { return };
    for entry in entries {
        let device = entry.name;
        let matching = |one: &&str| if exact { *one == device } else { one.starts_with(device) };
        let matches: Vec<&str> = known.devices.iter().copied().filter(matching).collect();
        if matches.is_empty() {
            // UCX's list names TCP interfaces too, which have no port.
            if library != Library::Ucx || entry.numbered {
                warnings.extend(known.fault(name, text, device, entry.port));
            } else if !known.has_interface(device) {
                let text =
                    format!("`{name}` is `{text}`, but there is no device or interface `{device}` here");
                warnings.push(Warning::new(Concern::ListAbsent, text));
            }
        } else if !exact && known.devices.contains(&device) && matches.len() > 1 {
            let others = matches.iter().filter(|one| **one != device).map(|one| format!("`{one}`"));
            let text = format!(
                "`{name}` is `{text}`: NCCL compares beginnings, so `{device}` also selects {}; hint: write `={text}`",
                others.collect::<Vec<_>>().join(", ")
            );
            warnings.push(Warning::new(Concern::ListBeginning, text));
        } else {
            warnings.extend(matches.iter().find_map(|one| known.fault(name, text, one, entry.port)));
        }
    }
}
