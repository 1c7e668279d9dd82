//! SIGTERM and SIGINT, from the start of the program until vLLM takes its place.
//!
//! A pod's first process is PID 1, for which the kernel drops every signal that is left at its default: without a
//! handler a pod that is deleted while it waits would stay until its grace period is over. The exit code is 128 and
//! the signal's number, as a shell reports it. Raising the signal anew is no way out: PID 1 does not get it.
//!
//! Nothing is put back. `exec` sets every caught signal to its default, and keeps a mask: so that is emptied first, for
//! the waits here and for vLLM.

use crate::failure::Failure;
use nix::sys::signal::SigSet;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Number, name and exit code of each.
const SIGNALS: [(i32, &str, u8); 2] = [(SIGTERM, "SIGTERM", 143), (SIGINT, "SIGINT", 130)];
/// How often a wait looks whether there was one; far below what anybody notices.
const SLICE: Duration = Duration::from_millis(20);

/// Listens for both.
pub(crate) struct Stop {
    /// Index into [`SIGNALS`] and one; 0 for none.
    caught: Arc<AtomicUsize>,
    /// Whether a signal ends the process right in its handler. Only a wait, which can say more, takes that away.
    at_once: Arc<AtomicBool>,
}

/// One that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caught {
    name: &'static str,
    code: u8,
}

impl Stop {
    /// Begins to listen; once in a process.
    pub(crate) fn listen() -> io::Result<Self> {
        SigSet::empty().thread_set_mask()?;
        let stop = Self { caught: Arc::default(), at_once: Arc::new(AtomicBool::new(true)) };
        for (index, (signal, _, code)) in SIGNALS.into_iter().enumerate() {
            flag::register_conditional_shutdown(signal, i32::from(code), Arc::clone(&stop.at_once))?;
            flag::register_usize(signal, Arc::clone(&stop.caught), index + 1)?;
        }
        Ok(stop)
    }

    /// What comes from there until then.
    pub(crate) fn receive<T>(&self, from: &Receiver<T>, until: Instant) -> Result<Option<T>, Caught> {
        self.at_once.store(false, Ordering::SeqCst);
        let received = loop {
            let left = until.saturating_duration_since(Instant::now());
            match from.recv_timeout(left.min(SLICE)) {
                Ok(one) => break Some(one),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) => {
                    if left.is_zero() || self.caught().is_some() {
                        break None;
                    }
                }
            }
        };
        self.at_once.store(true, Ordering::SeqCst);
        // From here on the handler ends the process; what came before that is found here.
        self.caught().map_or(Ok(received), Err)
    }

    /// Waits.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Caught> {
        let (_sender, never) = mpsc::channel::<()>();
        self.receive(&never, Instant::now() + time).map(|_| ())
    }

    fn caught(&self) -> Option<Caught> {
        let index = self.caught.load(Ordering::SeqCst).checked_sub(1)?;
        SIGNALS.get(index).map(|(_, name, code)| Caught { name, code: *code })
    }
}

impl Caught {
    /// The end of the program, which was `doing` something.
    pub(crate) fn while_doing(self, doing: &str) -> Failure {
        Failure { code: self.code, message: format!("stopped by {} while {doing}", self.name), hint: None }
    }
}
