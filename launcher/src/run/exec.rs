//! The end of the launcher: vLLM takes its place, with its process ID. No shell, no second process.

use crate::failure::{Failure, NOT_EXECUTABLE, NOT_FOUND};
use signal_hook::consts as signals;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What vLLM is started with.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    pub(crate) path: &'a Path,
    pub(crate) words: &'a [String],
    /// Variables that are added.
    pub(crate) set: &'a [(String, String)],
    /// Variables that are taken away.
    pub(crate) removed: &'a [String],
}

/// Every signal that may be caught and that no processor raises.
const CAUGHT: [i32; 20] = [
    signals::SIGABRT,
    signals::SIGALRM,
    signals::SIGCHLD,
    signals::SIGCONT,
    signals::SIGHUP,
    signals::SIGINT,
    signals::SIGIO,
    signals::SIGPIPE,
    signals::SIGPROF,
    signals::SIGQUIT,
    signals::SIGTERM,
    signals::SIGTSTP,
    signals::SIGTTIN,
    signals::SIGTTOU,
    signals::SIGURG,
    signals::SIGUSR1,
    signals::SIGUSR2,
    signals::SIGVTALRM,
    signals::SIGWINCH,
    signals::SIGXFSZ,
];

/// Ignored signals stay ignored when a program takes another's place, and an ignored SIGCHLD breaks Python's
/// multiprocessing. Caught ones do not stay: so each is caught, by a handler that does nothing.
pub(crate) fn reset_dispositions() -> io::Result<()> {
    let nothing = Arc::new(AtomicBool::new(false));
    for signal in CAUGHT {
        signal_hook::flag::register(signal, Arc::clone(&nothing))?;
    }
    Ok(())
}

/// Gives this process to vLLM. It comes back only where that failed.
pub(crate) fn exec(program: &Program<'_>) -> Failure {
    if let Err(error) = reset_dispositions() {
        return Failure::failed(format!("signals cannot be reset: {error}"));
    }
    let mut command = Command::new(program.path);
    command.args(program.words);
    command.envs(program.set.iter().map(|(name, value)| (name, value)));
    for name in program.removed {
        command.env_remove(name);
    }
    let error = command.exec();
    let code = match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        io::ErrorKind::PermissionDenied => NOT_EXECUTABLE,
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => NOT_EXECUTABLE,
        _ => crate::failure::FAILED,
    };
    let message = format!("`{}` cannot be started: {error}", program.path.display());
    Failure {
        code,
        message,
        hint: Some("`prefill-launcher run --dry-run …` shows what would be started".to_owned()),
    }
}
