//! `/dev/termination-log`: what the kubelet shows as the container's last words.

use crate::failure::Failure;
use prefill_core::contract::PROGRAM;
use std::fs::OpenOptions;
use std::io::Write;

const PATH: &str = "/dev/termination-log";

/// Leaves the cause as one line, where the kubelet has put a file for it.
pub(crate) fn leave(failure: &Failure) {
    let line = format!("{PROGRAM}: error: {}\n", failure.line().replace('\n', " "));
    let line = crate::secrets::masked(&line);
    if let Ok(mut file) = OpenOptions::new().write(true).truncate(true).open(PATH) {
        // It is a courtesy: stderr has the cause too.
        let _ = file.write_all(line.as_bytes());
    }
}
