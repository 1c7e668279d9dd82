//! What `execvp` would execute.

use super::FLAG;
use super::files::{clipped, quoted};
use crate::failure::Failure;
use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where glibc looks without `PATH`.
const DEFAULT: &str = "/bin:/usr/bin";
/// Most characters of `PATH` in a message.
const SHOWN: usize = 120;

/// What executing a file would come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Check {
    Executable,
    /// It is not there.
    Missing,
    /// It is there, but.
    Refused(&'static str),
}

/// Why there is nothing to execute.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nothing {
    /// The first of that name which was there, and why it could not be executed.
    pub(super) refused: Option<(PathBuf, &'static str)>,
    /// The first of that name which is a link that leads nowhere.
    pub(super) dangling: Option<PathBuf>,
}

/// The `vllm` that is `given`, or else the one on `path`; its absolute path.
pub(super) fn find(path: Option<&OsStr>, given: Option<&Path>) -> Result<PathBuf, Failure> {
    let name = given.unwrap_or(Path::new("vllm"));
    if name.as_os_str().as_bytes().contains(&b'/') {
        let shown = quoted(name);
        return match check(name) {
            Check::Executable => Ok(absolute(name)),
            Check::Missing => Err(Failure::not_found(format!("`{FLAG}`: {shown} is not there"))
                .hint("name the `vllm` of an installed vLLM, such as `/opt/vllm/bin/vllm`")),
            Check::Refused(reason) => Err(refused(&format!("`{FLAG}`: {shown}"), reason)),
        };
    }
    search(path, name.as_os_str()).map_err(|nothing| {
        if let Some((found, reason)) = nothing.refused {
            return refused(&quoted(&found), reason);
        }
        let name = quoted(name);
        let message = match (path, nothing.dangling) {
            (_, Some(link)) => format!("{} is a link that leads nowhere", quoted(&link)),
            (Some(path), None) => {
                format!("{name} is in no directory of `PATH`, {}", clipped(&path.to_string_lossy(), SHOWN))
            }
            (None, None) => format!("{name} is not in `/bin` or `/usr/bin`, and `PATH` is not set"),
        };
        Failure::not_found(message)
            .hint(format!("use an image with vLLM in it, or name its `vllm`: `{FLAG}=…`"))
    })
}

/// The first executable `name` in the directories of `path`. As `execvp` does it, one that cannot be executed
/// does not end the search, and an empty part is the working directory.
pub(super) fn search(path: Option<&OsStr>, name: &OsStr) -> Result<PathBuf, Nothing> {
    let mut nothing = Nothing { refused: None, dangling: None };
    for directory in std::env::split_paths(path.unwrap_or(OsStr::new(DEFAULT))) {
        let candidate = absolute(&Path::new(".").join(directory).join(name));
        match check(&candidate) {
            Check::Executable => return Ok(candidate),
            Check::Missing if fs::symlink_metadata(&candidate).is_ok() => {
                nothing.dangling.get_or_insert(candidate);
            }
            Check::Missing => {}
            Check::Refused(reason) => {
                nothing.refused.get_or_insert((candidate, reason));
            }
        }
    }
    Err(nothing)
}

/// Whether the kernel would execute `path` for this process.
pub(super) fn check(path: &Path) -> Check {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Check::Refused("a directory on the way to it is closed to this user")
        }
        Err(_) => Check::Missing,
        Ok(metadata) if metadata.is_dir() => Check::Refused("it is a directory"),
        Ok(metadata) if !metadata.is_file() => Check::Refused("it is not a regular file"),
        // Real and effective user are one here, and `faccessat2`, which asks for the latter, is still refused
        // by some container runtimes.
        Ok(_) => match access(path, Access::EXEC_OK) {
            Err(Errno::ACCESS) => Check::Refused("this user may not execute it"),
            _ => Check::Executable,
        },
    }
}

fn refused(which: &str, reason: &str) -> Failure {
    Failure::not_executable(format!("{which} cannot be executed: {reason}"))
        .hint(format!("make it executable in the image, or name another `vllm`: `{FLAG}=…`"))
}

fn absolute(path: &Path) -> PathBuf {
    // It fails only where the working directory is gone.
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
