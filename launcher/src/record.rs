//! `--save`: everything that a probe read, written so that `--sysroot` reads the same again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Component, Path};

/// What was read, by path below the root.
#[derive(Debug, Default)]
pub(crate) struct Record {
    entries: BTreeMap<String, Entry>,
    /// Directories that could be opened, by a link or not: what other links lead to is not there.
    opened: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Entry {
    File(Vec<u8>),
    /// It is there but could not be read; it becomes a directory, which gives an error as well.
    Unreadable,
    Link(String),
    Directory,
}

impl Record {
    pub(crate) fn file(&mut self, path: &str, bytes: Option<&[u8]>) {
        // What cannot be read and what is not there both count as empty, so neither is written.
        if let Some(bytes) = bytes {
            self.entries.insert(path.to_owned(), Entry::File(bytes.to_vec()));
        } else if path.starts_with("dev/") {
            self.entries.insert(path.to_owned(), Entry::Unreadable);
        }
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) {
        self.entries.insert(path.to_owned(), Entry::Link(target.to_owned()));
    }

    pub(crate) fn directory(&mut self, path: &str) {
        self.opened.insert(path.to_owned());
        self.entries.entry(path.to_owned()).or_insert(Entry::Directory);
    }

    pub(crate) fn presence(&mut self, path: &str) {
        self.entries.entry(path.to_owned()).or_insert(Entry::Directory);
    }

    /// Writes all of it below `target`, which must not be there yet or be empty.
    pub(crate) fn write(&self, target: &Path) -> io::Result<()> {
        fs::create_dir_all(target)?;
        if fs::read_dir(target)?.next().is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the directory is not empty"));
        }
        // Paths are in order, so a link is there before what was read through it.
        for (name, entry) in &self.entries {
            let path = target.join(name);
            let Some(parent) = path.parent() else { continue };
            fs::create_dir_all(parent)?;
            match entry {
                Entry::File(bytes) => fs::write(&path, bytes)?,
                Entry::Link(to) if stays_inside(target, parent, to)? => {
                    if self.opened.contains(name) {
                        fs::create_dir_all(parent.join(to))?;
                    }
                    symlink(to, &path)?;
                }
                Entry::Link(_) => {}
                Entry::Directory | Entry::Unreadable => fs::create_dir_all(&path)?,
            }
        }
        Ok(())
    }
}

/// Whether the link `to` in `parent` leads to somewhere below `root`.
fn stays_inside(root: &Path, parent: &Path, to: &str) -> io::Result<bool> {
    let parent = parent.canonicalize()?;
    let mut depth = parent.strip_prefix(root.canonicalize()?).map_or(0, |below| below.components().count());
    for component in Path::new(to).components() {
        match component {
            Component::ParentDir if depth == 0 => return Ok(false),
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Ok(false),
        }
    }
    Ok(true)
}
