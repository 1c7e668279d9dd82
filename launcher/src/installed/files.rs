//! Reading what anybody may have written: never more than a bounded amount, never waiting, never failing.

use rustix::fs::OFlags;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Longest file that is read, bytes.
const LONGEST: u64 = 8 << 20;
/// Most entries of a directory that are looked at; a large `site-packages` has some hundreds.
const MOST: usize = 1 << 14;
/// Most characters of a path in a message.
const SHOWN: usize = 240;

/// The first `most` bytes of a regular file. Nothing else is read: opening a FIFO for example would wait.
pub(super) fn beginning(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file, with a replacement for each byte that is not UTF-8. None where it cannot be read, or
/// not whole: what is not in a part may still be in the rest.
pub(super) fn text(path: &Path) -> Option<String> {
    let bytes = beginning(path, LONGEST + 1).ok()?;
    let whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST);
    whole.then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// The names in a directory that are UTF-8, in order; none where it cannot be listed.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let entries = entries.take(MOST).filter_map(Result::ok);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// A path for a message. A carriage return at its end, say, is what is wrong with it, so it must show.
pub(super) fn quoted(path: &Path) -> String {
    clipped(&path.to_string_lossy().escape_debug().to_string(), SHOWN)
}

/// `text` in backticks, at most `most` characters of it.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}
