//! The argument list of `vllm serve`, from what the policy or a person asked for, what LeaderWorkerSet says, and
//! what the installed vLLM knows. Pure: what is read from files comes in as [`Facts`].

mod argv;
mod checks;
mod complete;
mod contradiction;
mod extra;
mod group;
mod nixl;
#[cfg(test)]
mod tests;
mod vllm;

pub use argv::{Serve, serve};
pub use checks::{Check, Facts, Severity, check};
pub use complete::as_in_kserve;
pub use contradiction::Contradiction;
pub use extra::{Extra, ExtraError};
pub use group::{Group, GroupError};
pub use nixl::names_nixl;
pub use vllm::Features;
