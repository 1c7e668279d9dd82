//! Limits that memory registration runs into.

use crate::log::Log;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of locked memory to the hard one: it needs no right, and vLLM inherits it.
pub(crate) fn raise_memlock(log: Log) {
    let limit = getrlimit(Resource::Memlock);
    if limit.current == limit.maximum {
        return;
    }
    let text =
        |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |bytes| format!("{bytes} bytes"));
    let (was, is) = (text(limit.current), text(limit.maximum));
    match setrlimit(Resource::Memlock, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        Ok(()) => log.info(format!("the limit of locked memory is raised from {was} to {is}")),
        Err(error) => log.warning(format!("the limit of locked memory stays {was}: {error}")),
    }
}
