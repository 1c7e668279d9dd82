//! The limit that memory registration runs into.

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of locked memory to the hard one: it needs no right, and vLLM inherits it. What it was and
/// what it is, in bytes (none: unlimited); none at all where they were the same.
#[expect(clippy::type_complexity, reason = "two limits as the kernel gives them, where they differed")]
pub(crate) fn raise_memlock() -> Result<Option<(Option<u64>, Option<u64>)>, Errno> {
    let Rlimit { current, maximum } = getrlimit(Resource::Memlock);
    if current == maximum {
        return Ok(None);
    }
    setrlimit(Resource::Memlock, Rlimit { current: maximum, maximum })?;
    Ok(Some((current, maximum)))
}
