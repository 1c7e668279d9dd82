//! Each canonical shape against a table that was transcribed from KServe's own files by somebody
//! who did not see ours (`canonical/*.txt`), with the repairs that we make on purpose
//! (`canonical/repairs.txt`, each with a decision in docs/decisions).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use prefill_conformance::corpus;
use prefill_shape::canonical::SHAPES;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;

type Table = BTreeMap<String, Value>;

fn lines(name: &str) -> Vec<String> {
    let text = fs::read_to_string(corpus::folder().join("canonical").join(name)).unwrap();
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The source's values with our repairs.
fn expected(shape: &str) -> Table {
    let mut table: Table = lines(&format!("{shape}.txt"))
        .iter()
        .map(|line| {
            let (path, value) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
            (path.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| panic!("{line}")))
        })
        .collect();
    for line in lines("repairs.txt") {
        let Some(repair) = line.strip_prefix(&format!("{shape} ")) else { continue };
        let (repair, _) = repair.split_once(" # ").unwrap_or_else(|| panic!("{line}: no reason"));
        let (path, values) = repair.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let (from, to) = values.split_once(" -> ").unwrap_or_else(|| panic!("{line}"));
        let value =
            |text: &str| (text.trim() != "(absent)").then(|| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(table.remove(path), value(from), "{line}: the source says otherwise");
        table.extend(value(to).map(|value| (path.to_owned(), value)));
    }
    table
}

/// The leaves of a pod spec; list items are addressed by their merge key, which is then no leaf.
fn flatten(value: &Value, path: &str, out: &mut Table) {
    let merge_key = |items: &[Value]| {
        ["name", "containerPort"].into_iter().find(|key| items.iter().all(|item| item.get(*key).is_some()))
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                flatten(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, out);
            }
        }
        Value::Array(items) => {
            let key = if path.ends_with("volumeMounts") { Some("mountPath") } else { merge_key(items) };
            for (at, item) in items.iter().enumerate() {
                let mut item = item.clone();
                let name = key.and_then(|key| item.as_object_mut().and_then(|item| item.remove(key)));
                let name =
                    name.map_or(at.to_string(), |name| name.as_str().map_or(name.to_string(), str::to_owned));
                flatten(&item, &format!("{path}[{name}]"), out);
            }
        }
        leaf => {
            out.insert(path.to_owned(), leaf.clone());
        }
    }
}

#[test]
fn every_shape_is_what_was_transcribed() {
    assert_eq!(SHAPES.len(), 2);
    for shape in SHAPES {
        let mut ours = Table::new();
        for (role, node) in [("leader", &shape.leader), ("worker", &shape.worker), ("single", &shape.single)]
        {
            let mut leaves = Table::new();
            flatten(&node.value(), "", &mut leaves);
            ours.extend(leaves.into_iter().map(|(path, value)| (format!("{role} {path}"), value)));
        }
        let expected = expected(shape.name);
        let missing: Vec<_> =
            expected.iter().filter(|(path, value)| ours.get(*path) != Some(value)).collect();
        let extra: Vec<_> = ours.iter().filter(|(path, value)| expected.get(*path) != Some(value)).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{}: expected {missing:#?}, found {extra:#?}",
            shape.name
        );
    }
}

#[test]
fn every_repair_has_a_decision() {
    let decisions = corpus::folder().join("../docs/decisions");
    for line in lines("repairs.txt") {
        let number = line
            .rsplit(|c: char| !c.is_ascii_digit())
            .find(|word| word.len() == 4)
            .unwrap_or_else(|| panic!("{line}"));
        let found = fs::read_dir(&decisions)
            .unwrap()
            .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(number));
        assert!(found, "{line}: docs/decisions has no {number}");
    }
}
