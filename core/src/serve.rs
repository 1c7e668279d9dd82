//! The argument list of `vllm serve`, from what the policy or a person asked for, what LeaderWorkerSet says, and
//! what the installed vLLM knows. Pure: what is read from files comes in as [`Facts`].

mod argv;
mod checks;
mod extra;
mod group;
#[cfg(test)]
mod tests;
mod vllm;

pub use argv::{Serve, serve};
pub use checks::{Check, Facts, Severity, check};
pub use extra::{Extra, ExtraError};
pub use group::{Group, GroupError};
pub use vllm::Features;
