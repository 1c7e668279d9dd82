//! What the policy and the launcher share.
//!
//! - [`launch`]: everything the policy tells the launcher about one pod, as types.
//! - [`contract`]: those types as command-line arguments, and back.
//! - [`flags`]: the `vllm serve` flags that the launcher owns, in every spelling vLLM accepts.
//! - [`kubelet`]: what the kubelet does to `$(NAME)` in a command before anything else reads it.
//! - [`environment`]: the names of environment variables, spelled once, and what a process finds in them.
//! - [`leader`]: what was given as the leader's address, and which of several it is.
//! - [`serve`]: the argument list of `vllm serve`, and what vLLM would find wrong with it late or never.
//! - [`excerpt`]: quotations with secrets masked.
//! - [`codes!`]: names for machines.
//! - [`secrets`]: which names are a secret's, and where secrets stand in text.
//!
//! This crate does no I/O and knows neither Kubernetes objects nor NICs; for those see `prefill-shape`
//! and `prefill-rdma`.
#![forbid(unsafe_code)]

mod codes;
pub mod contract;
pub mod environment;
pub mod excerpt;
pub mod flags;
pub mod kubelet;
pub mod launch;
pub mod leader;
pub mod secrets;
pub mod serve;
