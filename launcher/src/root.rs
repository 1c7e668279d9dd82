//! The only way to files: `/`, or what stands below `--sysroot`. A file is opened once and read by one
//! call where it fits, relative to its directory, because a full GID table is 256 files for each port.

use crate::record::Record;
use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Dir, DirEntry, Mode, OFlags, fstatvfs, openat, readlinkat};
use rustix::io::{Errno, read, retry_on_intr};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most that is read of one file, bytes: 64 Ki routes would fit.
const LONGEST: usize = 8 << 20;
/// What the kernel gives for one attribute at most.
const PAGE: usize = 4096;

/// A directory from which files are read.
pub(crate) struct Directory {
    handle: OwnedFd,
    /// Its path below the root, without a slash in front: for messages, and for `--save`.
    path: String,
    record: Option<Shared>,
}

/// What was read, noted down from every thread that reads.
pub(crate) type Shared = Arc<Mutex<Record>>;

/// Where reading begins.
#[derive(Clone)]
pub(crate) struct Root {
    path: PathBuf,
    record: Option<Shared>,
}

impl Root {
    pub(crate) fn new(sysroot: Option<PathBuf>) -> Self {
        Self { path: sysroot.unwrap_or_else(|| PathBuf::from("/")), record: None }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is this process's own, so that trying something tells of it.
    pub(crate) fn is_here(&self) -> bool {
        self.path == Path::new("/")
    }

    /// The same root, with everything read noted down for `--save`.
    pub(crate) fn recording(&self) -> (Self, Shared) {
        let record = Shared::default();
        (Self { path: self.path.clone(), record: Some(Arc::clone(&record)) }, record)
    }

    /// The directory at `path`, which is relative to the root; empty for the root itself.
    pub(crate) fn directory(&self, path: &str) -> Result<Directory, Errno> {
        let root = openat(CWD, &self.path, DIRECTORY, Mode::empty())?;
        let root = Directory { handle: root, path: String::new(), record: self.record.clone() };
        if path.is_empty() { Ok(root) } else { root.directory(path) }
    }

    /// The text of the file at `path`.
    pub(crate) fn read(&self, path: &str) -> Result<String, Errno> {
        self.directory("")?.read(path)
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

impl Directory {
    /// Where it is, for messages.
    pub(crate) fn path(&self) -> String {
        format!("/{}", self.path)
    }

    /// Notes down what was read, where somebody wants to know.
    fn note(&self, what: impl FnOnce(&mut Record)) {
        if let Some(record) = &self.record {
            what(&mut record.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    /// A directory in it; symbolic links are followed.
    pub(crate) fn directory(&self, name: &str) -> Result<Self, Errno> {
        self.directory_raw(&CString::new(name).map_err(|_| Errno::INVAL)?)
    }

    /// As [`Self::directory`], for a name as the kernel gave it.
    pub(crate) fn directory_raw(&self, name: &CStr) -> Result<Self, Errno> {
        let handle = openat(&self.handle, name, DIRECTORY, Mode::empty())?;
        let below = Self { handle, path: self.below(&name.to_string_lossy()), record: self.record.clone() };
        below.note(|record| record.directory(&below.path));
        Ok(below)
    }

    /// Names in it, sorted; none where it cannot be listed.
    pub(crate) fn names_raw(&self) -> Result<Vec<CString>, Errno> {
        let mut names: Vec<CString> = Dir::read_from(&self.handle)?
            .filter_map(Result::ok)
            .map(|entry| entry.file_name().to_owned())
            .filter(|name| !matches!(name.to_bytes(), b"." | b".."))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The names in it that are whole numbers, as numbers, sorted.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let number = |entry: DirEntry| entry.file_name().to_str().ok()?.parse().ok();
        let mut numbers: Vec<u32> =
            Dir::read_from(&self.handle).into_iter().flatten().flatten().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// As [`Self::names_raw`], those that are UTF-8.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.names_raw().unwrap_or_default();
        names.into_iter().filter_map(|name| name.into_string().ok()).collect()
    }

    /// The text of a file in it, without the line end behind it.
    pub(crate) fn read(&self, name: &str) -> Result<String, Errno> {
        let result = self.bytes(name);
        self.note(|record| record.file(&self.below(name), result.as_deref().ok()));
        let mut text = String::from_utf8(result?).map_err(|_| Errno::ILSEQ)?;
        text.truncate(text.trim_end_matches(['\n', '\0', ' ']).len());
        Ok(text)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Errno> {
        let file = openat(&self.handle, name, FILE, Mode::empty())?;
        let mut bytes = Vec::with_capacity(PAGE);
        // An attribute comes whole by one call. What fills a page is a table.
        while retry_on_intr(|| read(&file, spare_capacity(&mut bytes)))? > 0 {
            if bytes.len() < PAGE / 2 || bytes.len() >= LONGEST {
                break;
            }
            bytes.reserve(PAGE);
        }
        Ok(bytes)
    }

    /// Where a symbolic link in it points to.
    pub(crate) fn link(&self, name: &str) -> Option<String> {
        let target = readlinkat(&self.handle, name, Vec::new()).ok()?.into_string().ok()?;
        self.note(|record| record.link(&self.below(name), &target));
        Some(target)
    }

    /// How large the file system is that it is on, bytes.
    pub(crate) fn size(&self) -> Result<u64, Errno> {
        let about = fstatvfs(&self.handle)?;
        Ok(about.f_blocks.saturating_mul(about.f_frsize))
    }

    /// Whether something of that name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        let there = openat(&self.handle, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).is_ok();
        if there {
            self.note(|record| record.presence(&self.below(name)));
        }
        there
    }

    /// Whether a device node in it can be opened for reading and writing, as libibverbs does.
    pub(crate) fn can_open(&self, name: &str) -> Result<(), Errno> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let result = openat(&self.handle, name, flags, Mode::empty()).map(drop);
        match result {
            Ok(()) => self.note(|record| record.file(&self.below(name), Some(b""))),
            Err(Errno::NOENT) => {}
            Err(_) => self.note(|record| record.file(&self.below(name), None)),
        }
        result
    }
}
