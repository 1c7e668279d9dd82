//! What `make demo` prints of a pod: a unified diff of its YAML, with the policy's reason at each change.

mod reasons;
mod sheet;
mod yaml;

#[cfg(test)]
mod tests;

pub use sheet::{Kind, Row, WIDTH, sheet};
