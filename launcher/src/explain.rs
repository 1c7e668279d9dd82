//! The plan that `run` leaves behind, and `explain`, which reads it and compares it with what would be decided now.

use crate::failure::Failure;
use crate::machine::Decided;
use prefill_rdma::inventory::{Inventory, VERSION};
use prefill_rdma::text;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What `run` leaves behind.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Left {
    /// The version of the inventory in it.
    version: u32,
    /// The RDMA flags of `run`, as they were written.
    pub(crate) flags: Vec<String>,
    /// What the leader's name was resolved to.
    pub(crate) leader: Option<IpAddr>,
    /// What was decided, as it was logged.
    pub(crate) decisions: Vec<String>,
    /// What it was decided from.
    pub(crate) inventory: Inventory,
}

impl Left {
    pub(crate) fn new(decided: &Decided, flags: &[String], leader: Option<IpAddr>) -> Self {
        let (decisions, inventory) = (decisions(decided), decided.inventory.clone());
        Self { version: VERSION, flags: flags.to_vec(), leader, decisions, inventory }
    }

    /// Writes it for this user and nobody else: under another name first, so that nothing that stands there already
    /// (a link, a pipe, a file that all may read) is written to.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let temporary = path.with_extension(format!("{}.new", std::process::id()));
        // What a killed predecessor left is nobody's.
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes()).and_then(|()| fs::rename(&temporary, path))
    }

    /// Reads what `run` left.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::failed(format!("`{shown}` cannot be read: {error}"))
                .hint("`prefill-launcher run` leaves it; `--plan-file` names another place")
        })?;
        serde_json::from_str(&text).map_err(|error| {
            Failure::usage(
                format!("`{shown}` is not what this launcher leaves: {error}"),
                "use the launcher that ran",
            )
        })
    }

    /// What was decided, and what would be decided otherwise now.
    pub(crate) fn compare(&self, now: &Decided) -> String {
        let now = decisions(now);
        let mut lines: Vec<String> = self.decisions.clone();
        let gone = self.decisions.iter().filter(|line| !now.contains(line)).map(|line| format!("- {line}"));
        let new = now.iter().filter(|line| !self.decisions.contains(line)).map(|line| format!("+ {line}"));
        let changes: Vec<String> = gone.chain(new).collect();
        if changes.is_empty() {
            lines.push("\nnow: the same".to_owned());
        } else {
            lines.push("\nnow it would be otherwise:".to_owned());
            lines.extend(changes);
        }
        lines.join("\n") + "\n"
    }
}

fn decisions(decided: &Decided) -> Vec<String> {
    text::lines(&decided.plan).into_iter().map(|(_, line)| crate::secrets::masked(&line)).collect()
}
