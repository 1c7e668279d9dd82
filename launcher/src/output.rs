//! What goes to stdout, and warnings beside it.

use crate::failure::Failure;
use crate::log::Log;
use std::io::{self, Write};

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::failed(format!("JSON could not be written: {error}")))
}

pub(crate) fn complain(warnings: &[String], log: Log) {
    for warning in warnings {
        log.warning(warning);
    }
}

pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // `| head` has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
