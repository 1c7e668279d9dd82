//! What `prefill_rdma::doctor` wants to know beside the inventory: what this process may do, what is mounted,
//! NVIDIA's driver, the leader, and whether memory can really be registered. Nothing is decided here.

mod leader;
mod limits;
mod mounts;
mod nvidia;
mod registration;

use crate::probe::Source;
use crate::root::Root;
use prefill_core::environment::Environment;
use prefill_rdma::doctor::{Facts, Leader};
use prefill_rdma::inventory::Inventory;
use prefill_rdma::{Options, Plan};
use rustix::io::Errno;

/// What there is to read. Nothing is tried, so that another machine's tree (`--sysroot`) does as well.
pub(crate) fn read(root: &Root, inventory: &Inventory) -> Facts {
    let mut reader = Reader { root, unknown: Vec::new() };
    let mut facts = Facts {
        nodes: nodes(&mut reader),
        other_tables: other_tables(&mut reader),
        first_user_namespace: limits::first_user_namespace(&mut reader),
        bounding_capabilities: limits::bounding_capabilities(&mut reader),
        memory_lock: limits::memory_lock(&mut reader),
        program: root.directory("proc/self").ok().and_then(|own| own.link("exe")),
        ..Facts::default()
    };
    mounts::read(&mut reader, &mut facts);
    nvidia::read(&mut reader, inventory, &mut facts);
    facts.unknown = reader.unknown;
    facts
}

/// Looks the leader up, before a plan is made: its address says which interface is the pod's own. A name is
/// resolved `here` only.
pub(crate) fn find_leader(
    here: bool,
    inventory: &Inventory,
    environment: &Environment,
    options: &mut Options,
    facts: &mut Facts,
) {
    facts.leader = leader::find(here, &inventory.network, environment, options, &mut facts.unknown);
    if let Some(Leader::At(address)) = facts.leader {
        options.leader = Some(address);
    }
}

/// Raises the limit on locked memory as far as this process may, then registers memory on every device of `plan`.
pub(crate) fn try_memory(
    root: &Root,
    source: &Source,
    inventory: &Inventory,
    plan: &Plan,
    facts: &mut Facts,
) {
    if root.is_here() {
        limits::raise(facts);
    }
    registration::register(root, source, inventory, plan, facts);
}

/// A root, and what could not be read of it.
struct Reader<'r> {
    root: &'r Root,
    unknown: Vec<String>,
}

impl Reader<'_> {
    /// The text of a file. Where there is none, what was asked for is unknown.
    fn read(&mut self, path: &str) -> Option<String> {
        self.root.read(path).map_err(|error| self.note(path, error)).ok()
    }

    fn note(&mut self, path: &str, error: Errno) {
        self.unknown.push(format!("`/{path}` cannot be read: {error}"));
    }
}

/// Names in `/dev/infiniband`.
fn nodes(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    match reader.root.directory("dev/infiniband") {
        Ok(directory) => Some(directory.names()),
        Err(Errno::NOENT) => Some(Vec::new()),
        Err(error) => {
            reader.note("dev/infiniband", error);
            None
        }
    }
}

/// `/proc/net/fib_trie` names the main and the local table, and numbers others: `Id 101:`.
fn other_tables(reader: &mut Reader<'_>) -> Option<bool> {
    // The probe has said already where it cannot be read.
    let text = reader.root.read("proc/net/fib_trie").ok()?;
    Some(text.lines().any(|line| line.starts_with("Id ")))
}
