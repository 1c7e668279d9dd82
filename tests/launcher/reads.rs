//! What is opened, as the kernel tells it (inotify): a full GID table is 256 files for each port, so each is read
//! once, and the types and interfaces of empty entries never.

use crate::program::{Unpacked, run};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use std::collections::BTreeMap;
use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;

const EMPTY: &str = "0000:0000:0000:0000:0000:0000:0000:0000\n";

/// A machine whose tables have all 256 entries, as the kernel shows them.
fn with_full_tables(name: &str) -> Unpacked {
    let unpacked = Unpacked::named(name);
    for port in ports(&unpacked) {
        for part in ["gids", "gid_attrs/types", "gid_attrs/ndevs"] {
            for index in 0..256 {
                let file = port.join(part).join(index.to_string());
                if !file.exists() {
                    fs::write(file, if part == "gids" { EMPTY } else { "" }).unwrap();
                }
            }
        }
    }
    unpacked
}

fn ports(unpacked: &Unpacked) -> Vec<std::path::PathBuf> {
    let class = unpacked.root.path().join("sys/class/infiniband");
    fs::read_dir(class).unwrap().map(|entry| entry.unwrap().path().join("ports/1")).collect()
}

/// How often each file below `directories` is opened while `action` runs.
fn opened(directories: &[std::path::PathBuf], action: impl FnOnce()) -> BTreeMap<String, u32> {
    let watcher = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    let mut names = BTreeMap::new();
    for directory in directories {
        let watch = add_watch(&watcher, directory.as_path(), WatchFlags::OPEN).unwrap();
        names.insert(watch, directory.clone());
    }
    action();
    let mut room = vec![MaybeUninit::uninit(); 1 << 16];
    let mut reader = Reader::new(&watcher, &mut room);
    let mut counts = BTreeMap::new();
    while let Ok(event) = reader.next() {
        assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW));
        if let Some(name) = event.file_name() {
            let path = names[&event.wd()].join(name.to_str().unwrap());
            *counts.entry(path.display().to_string()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn each_gid_is_read_once_and_only_what_is_there_further() {
    let unpacked = with_full_tables("two-rails-standard-table");
    let directories: Vec<_> = ports(&unpacked)
        .into_iter()
        .flat_map(|port| ["gids", "gid_attrs/types", "gid_attrs/ndevs"].map(|part| port.join(part)))
        .collect();
    let counts = opened(&directories, || {
        assert_eq!(run(unpacked.command("plan").arg("--format=env")).code, 0);
    });
    let of = |part: &str| counts.iter().filter(|(path, _)| path.contains(part)).collect::<Vec<_>>();
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    assert_eq!(of("/gids/").len(), 2 * 256);
    // Two ports with four entries each.
    let there = |path: &str| fs::read_to_string(Path::new(path)).is_ok_and(|text| !text.is_empty());
    for part in ["/types/", "/ndevs/"] {
        assert_eq!(of(part).len(), 2 * 4, "{part}");
        assert!(of(part).iter().all(|(path, _)| there(path)), "{part}");
    }
}
