//! `install DIR`: copies this program into a volume that the serving container mounts. The image that does it holds
//! nothing else: no shell, no `cp`.

use crate::failure::Failure;
use prefill_core::contract::PROGRAM;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Everybody may read and run it: the serving container may be any user.
const MODE: u32 = 0o755;

/// Where it was installed, and whether it had to be.
pub(crate) fn install(directory: &Path) -> Result<(PathBuf, bool), Failure> {
    let target = directory.join(PROGRAM);
    copy(directory, &target).map(|copied| (target.clone(), copied)).map_err(|(path, error)| {
        Failure::failed(format!("`{}` cannot be written: {error}", path.display()))
            .hint("mount a writable volume (an emptyDir) there, owned by this user or with an fsGroup")
    })
}

/// Under another name first, then renamed: whoever looks sees the whole program or none. What is the same already is
/// left alone, so that doing it twice is doing it once.
fn copy(directory: &Path, target: &Path) -> Result<bool, (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    let own = Path::new("/proc/self/exe");
    let mut source = File::open(own).map_err(at(own))?;
    fs::create_dir_all(directory).map_err(at(directory))?;
    if is_same(&mut source, target).unwrap_or(false) {
        return Ok(false);
    }
    source.rewind().map_err(at(own))?;
    let (temporary, file) = create(directory).map_err(at(directory))?;
    let written = write(&mut source, file).and_then(|()| fs::rename(&temporary, target));
    if written.is_err() {
        // What is half written must not stay; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(at(target))?;
    Ok(true)
}

/// A file that nobody else writes: every container's first process has the same number, and one that was killed may
/// have left its own.
fn create(directory: &Path) -> io::Result<(PathBuf, File)> {
    let mut attempt = 0;
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let path = directory.join(format!(".{PROGRAM}.{}.{now}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(MODE).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 16 => attempt += 1,
            result => return result.map(|file| (path, file)),
        }
    }
}

fn write(source: &mut File, mut file: File) -> io::Result<()> {
    io::copy(source, &mut file)?;
    // The umask may have taken bits away.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.sync_all()
}

fn is_same(source: &mut File, target: &Path) -> io::Result<bool> {
    let mut other = File::open(target)?;
    let (ours, theirs) = (source.metadata()?, other.metadata()?);
    if ours.len() != theirs.len() || theirs.permissions().mode() & 0o777 != MODE {
        return Ok(false);
    }
    let (mut one, mut two) = ([0; 8192], [0; 8192]);
    loop {
        let count = source.read(&mut one)?;
        if count == 0 {
            return Ok(true);
        }
        let read = one.get(..count);
        let Some(same) = two.get_mut(..count) else { return Ok(false) };
        other.read_exact(same)?;
        if read != Some(&*same) {
            return Ok(false);
        }
    }
}
