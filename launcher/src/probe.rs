//! What is there: sysfs, libibverbs and this network namespace, cross-checked into one [`Inventory`].
//!
//! libibverbs says which devices can be opened and which GIDs are valid; sysfs names interfaces and PCI
//! paths, and stands in for libibverbs where that is missing. What follows from it all is `prefill_rdma`'s.

mod network;
mod process;
mod sysfs;
mod verbs;

use crate::root::Root;
use crate::verbs::Library;
use prefill_rdma::inventory::{Access, Inventory, Network, VERSION, Verbs};
use rustix::io::Errno;
use std::path::PathBuf;

/// Which libibverbs is asked.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The one that the dynamic linker finds.
    Installed,
    /// This one (`--ibverbs`).
    At(PathBuf),
    /// None: a `--sysroot` is another machine, which this machine's library knows nothing of.
    None,
}

impl Source {
    /// Opens it; why not, if that is not because none is to be asked.
    pub(crate) fn open(&self) -> Result<Library, Option<String>> {
        match self {
            Self::Installed => Library::open(None).map_err(Some),
            Self::At(path) => Library::open(Some(path)).map_err(Some),
            Self::None => Err(None),
        }
    }
}

/// What is there.
pub(crate) fn probe(root: &Root, source: &Source) -> Inventory {
    let mut warnings = Vec::new();
    let network = network::read(root, &mut warnings);
    let mut found = sysfs::devices(root, &mut warnings);
    let library = source.open().and_then(|library| {
        let listed = library.devices().map_err(Some)?;
        verbs::merge(&mut found, &listed, &root.path().join("dev/infiniband"), &mut warnings);
        Ok(library)
    });
    let verbs = match &library {
        Ok(library) => Verbs::Library(library.name().to_owned()),
        Err(reason) => {
            for one in &mut found {
                one.device.access = access(root, one.device.uverbs.as_deref());
            }
            sysfs::read_all_gids(&mut found, &mut warnings);
            reason.clone().map_or(Verbs::NotAsked, Verbs::Missing)
        }
    };
    let mut devices: Vec<_> = found.into_iter().map(|one| one.device).collect();
    devices.sort_by(|a, b| (&a.pci_path, a.name.len(), &a.name).cmp(&(&b.pci_path, b.name.len(), &b.name)));
    Inventory {
        version: VERSION,
        verbs,
        devices,
        network,
        process: process::read(root),
        gpus: process::gpus(root),
        warnings,
    }
}

/// This network namespace alone.
pub(crate) fn network(root: &Root) -> Network {
    network::read(root, &mut Vec::new())
}

/// Whether the node of a device can be opened, as libibverbs would open it.
fn access(root: &Root, node: Option<&str>) -> Access {
    let Some(node) = node else {
        return Access::Closed(
            "it has no node: `ib_uverbs` does not know it, or it is another namespace's".to_owned(),
        );
    };
    let path = format!("/dev/infiniband/{node}");
    match root.directory("dev/infiniband").and_then(|directory| directory.can_open(node)) {
        Ok(()) => Access::Open,
        Err(Errno::NOENT) => Access::Closed(format!("`{path}` is not in this pod")),
        Err(error) => Access::Closed(format!("`{path}` cannot be opened: {error}")),
    }
}
