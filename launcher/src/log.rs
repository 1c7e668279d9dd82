//! What every command says, on stderr: one line a decision, as text or as JSON.

use crate::failure::Failure;
use crate::secrets;
use prefill_core::contract::PROGRAM;
use prefill_rdma::text::Level;
use std::io::{self, Write};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// `prefill-launcher: warning: …`
    #[default]
    Text,
    /// `{"level":"warning","message":"…"}`
    Json,
}

/// Where lines go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Log {
    pub(crate) format: Format,
}

impl Log {
    /// Writes one line. Where stderr is closed, nobody is left to be told.
    pub(crate) fn line(self, level: Level, message: &str) {
        let word = match level {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let message = &secrets::masked(message);
        // A line is a line, whatever a word holds.
        let plain: String = message.chars().flat_map(shown).collect();
        let message = if self.format == Format::Text { plain.as_str() } else { message };
        let line = match (self.format, level) {
            (Format::Json, _) => {
                let object = serde_json::json!({ "level": word, "component": PROGRAM, "message": message });
                format!("{object}\n")
            }
            (Format::Text, Level::Info) => format!("{PROGRAM}: {message}\n"),
            (Format::Text, _) => format!("{PROGRAM}: {word}: {message}\n"),
        };
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }

    pub(crate) fn info(self, message: impl AsRef<str>) {
        self.line(Level::Info, message.as_ref());
    }

    pub(crate) fn warning(self, message: impl AsRef<str>) {
        self.line(Level::Warning, message.as_ref());
    }

    /// Why the launcher ends.
    pub(crate) fn failure(self, failure: &Failure) {
        match self.format {
            Format::Text => {
                let _ = io::stderr().write_all(secrets::masked(&failure.to_string()).as_bytes());
            }
            Format::Json => {
                self.line(Level::Error, &failure.line());
            }
        }
    }
}

/// A character of a log: what controls the terminal is written out.
fn shown(letter: char) -> Vec<char> {
    if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }
}
