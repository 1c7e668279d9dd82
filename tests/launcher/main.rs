//! The real binary, from outside: machines unpacked from text, a libibverbs for tests, wrong input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod adopted;
mod archive;
mod artifact;
mod doctor;
mod groups;
mod install;
mod machines;
mod namespace;
mod program;
mod reads;
mod refusals;
mod rendezvous;
mod run;
mod secrets;
mod stub;
mod verbs;
mod vllm;
mod waiting;
mod words;
mod wrong_input;
