//! What is written for a vLLM of each version is what that version takes: `tests/vllm-versions/table.json`, which is
//! read from the sources of each. `make vllm-versions` runs the launcher on those sources, too.

use super::{Features, NONE, features};
use prefill_core::launch::{Launch, LoadBalancing, Parallelism, StartRank, Tls};
use prefill_core::serve::{Extra, Group, serve};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Letters of one name, a letter a version.
type Rows = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Table {
    versions: Vec<String>,
    oldest: String,
    written: BTreeSet<String>,
    gated: BTreeMap<String, String>,
    flags: Rows,
    features: Rows,
    others: Rows,
}

impl Table {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../../../tests/vllm-versions/table.json")).unwrap()
    }

    /// What the sources of the version at `at` say; a name that is not in the table is not known.
    fn has(&self, rows: &Rows, name: &str, at: usize) -> Option<bool> {
        let letters = rows.get(name)?;
        assert_eq!(letters.len(), self.versions.len(), "{name}");
        match letters.as_bytes()[at] {
            b'y' => Some(true),
            b'n' => Some(false),
            _ => None,
        }
    }

    fn features(&self, at: usize) -> Features {
        let has = |name| self.has(&self.features, name, at).unwrap();
        Features {
            access_log_for_endpoints: has("access_log_for_endpoints"),
            shutdown_timeout: has("shutdown_timeout"),
            offloading_connector: has("offloading_connector"),
            file_tier: has("file_tier"),
        }
    }

    fn oldest(&self) -> usize {
        self.versions.iter().position(|version| *version == self.oldest).unwrap()
    }
}

/// Launches that have every flag among them.
fn launches() -> Vec<Launch> {
    let mut launches = Vec::new();
    for balancing in [LoadBalancing::Internal, LoadBalancing::Hybrid, LoadBalancing::External] {
        for headless in [false, true] {
            let mut launch = Launch::new("-m");
            launch.served_model_names = vec!["n".to_owned()];
            launch.parallelism = Parallelism {
                tensor: Some(1),
                pipeline: Some(1),
                data: Some(4),
                data_local: Some(2),
                data_rpc_port: Some(5555),
                expert: true,
            };
            launch.start_rank = StartRank::Fixed(2);
            launch.load_balancing = balancing;
            launch.headless = headless;
            launch.api_servers = prefill_core::launch::ApiServers::Fixed(2);
            launch.access_log.except = Some("/health".to_owned());
            launch.shutdown_timeout = Some(30);
            launch.kv_transfer_default = Some("{}".to_owned());
            launch.tls = Some(Tls { certificate: "c".to_owned(), key: "k".to_owned(), refresh: true });
            launches.push(launch);
        }
    }
    launches
}

/// The flags that are written for a vLLM with these features.
fn written(features: Features) -> BTreeSet<String> {
    let leader = Some([10, 0, 0, 1].into());
    let words = launches()
        .into_iter()
        .flat_map(|launch| serve(&launch, Group::default(), leader, None, features, &Extra::default()).words);
    let flags = words.filter(|word| word.starts_with('-'));
    flags.map(|word| word.split('=').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_version_gets_only_flags_that_it_takes() {
    let table = Table::read();
    for at in table.oldest()..table.versions.len() {
        for flag in written(table.features(at)) {
            assert_eq!(table.has(&table.flags, &flag, at), Some(true), "{flag}, vLLM {}", table.versions[at]);
        }
    }
}

#[test]
fn the_table_looks_up_every_flag_that_is_written() {
    let table = Table::read();
    let mut all = written(Features::NEWEST);
    all.extend(written(NONE));
    assert_eq!(all, table.written);
    // What is written for the newest only is what the table takes for gated.
    let gated: BTreeSet<&String> = all.iter().filter(|flag| !written(NONE).contains(*flag)).collect();
    assert_eq!(gated, table.gated.keys().collect());
}

#[test]
fn the_oldest_is_the_oldest() {
    let table = Table::read();
    let before = table.oldest() - 1;
    let mut flags = written(table.features(before)).into_iter();
    assert!(flags.any(|flag| table.has(&table.flags, &flag, before) == Some(false)));
}

#[test]
fn a_version_decides_what_its_sources_say() {
    let table = Table::read();
    for (at, version) in table.versions.iter().enumerate() {
        assert_eq!(features::decide(None, Some(version), &mut Vec::new()), table.features(at), "{version}");
    }
    assert_eq!(table.features(table.versions.len() - 1), Features::NEWEST);
}

/// The 0 of a leader as KServe's is left out: a note and a page say since when that matters.
#[test]
fn a_start_rank_of_0_means_something_since_0_28() {
    let table = Table::read();
    for (at, version) in table.versions.iter().enumerate() {
        let minor: u32 = version.split('.').nth(1).unwrap().parse().unwrap();
        assert_eq!(table.has(&table.others, "rank_zero_counts", at), Some(minor >= 28), "{version}");
    }
}
