//! NVIDIA's driver, and where the GPUs are on the PCI tree. Without the driver there is nothing to know.

use super::Reader;
use prefill_rdma::doctor::{Facts, Nvidia};
use prefill_rdma::inventory::Inventory;

/// Files that a module for peer memory shows; NCCL (`gdr.cc`) and NVSHMEM (`transport_ib_common.cpp`) look for these.
const PEER_MEMORY: [(&str, &str); 4] = [
    ("sys/module/nvidia_peermem", "version"),
    ("sys/kernel/mm/memory_peers/nv_mem", "version"),
    ("sys/kernel/mm/memory_peers/nv_mem_nc", "version"),
    ("sys/kernel/mm/memory_peers/nvidia-peermem", "version"),
];

pub(super) fn read(reader: &mut Reader<'_>, inventory: &Inventory, facts: &mut Facts) {
    let Some(gpus) = inventory.gpus.as_ref().filter(|gpus| !gpus.is_empty()) else { return };
    facts.kernel = reader.read("proc/sys/kernel/osrelease");
    facts.nvidia = Nvidia {
        version: reader
            .read("proc/driver/nvidia/version")
            .and_then(|text| text.lines().next().map(str::to_owned)),
        peer_memory: peer_memory(reader),
        parameters: reader.read("proc/driver/nvidia/params").and_then(|text| parameters(&text)),
        gdrdrv: reader.root.directory("dev").ok().map(|nodes| nodes.has("gdrdrv")),
    };
    let Ok(functions) = reader.root.directory("sys/bus/pci/devices") else { return };
    for gpu in gpus {
        let link = functions.link(&gpu.to_ascii_lowercase());
        if let Some((_, path)) = link.as_deref().and_then(|link| link.rsplit_once("devices/")) {
            facts.gpu_paths.push((gpu.clone(), path.to_owned()));
        }
    }
}

fn peer_memory(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    if let Err(error) = reader.root.directory("sys/module") {
        reader.note("sys/module", error);
        return None;
    }
    let is_there = |(directory, file): &(&str, &str)| {
        reader.root.directory(directory).is_ok_and(|directory| directory.has(file))
    };
    Some(
        PEER_MEMORY
            .iter()
            .filter(|one| is_there(one))
            .map(|(path, file)| format!("/{path}/{file}"))
            .collect(),
    )
}

/// `EnableStreamMemOPs: 1`, `RegistryDwords: "PeerMappingOverride=1;"`
fn parameters(text: &str) -> Option<(bool, bool)> {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().trim_matches('"'))
    };
    let operations = value("EnableStreamMemOPs")? == "1";
    let words = value("RegistryDwords")?;
    Some((operations, words.split(';').any(|word| word.trim() == "PeerMappingOverride=1")))
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn parameters_are_lines() {
        let text = "ResmanDebugLevel: 4294967295\nEnableStreamMemOPs: 1\nRegistryDwords: \"PeerMappingOverride=1;\"\n\
                    RegistryDwordsPerDevice: \"\"\n";
        assert_eq!(parameters(text), Some((true, true)));
        let text = "EnableStreamMemOPs: 0\nRegistryDwords: \"\"\n";
        assert_eq!(parameters(text), Some((false, false)));
        assert_eq!(parameters("EnableStreamMemOPs: 1\n"), None);
    }
}
