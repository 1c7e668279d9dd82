//! What the conformance tests share: the hosts that run the shipped module, and what to hold its answers against.

pub mod api_defaults;
pub mod artifacthub;
pub mod corpus;
pub mod demo;
pub mod effective;
pub mod host;
pub mod limit_range;
pub mod nixl;
pub mod patch;
pub mod pod_security;
pub mod pod_validation;
#[cfg(feature = "policy-server")]
pub mod policy_server_host;
pub mod qos;
pub mod quantity;
pub mod resource_quota;
pub mod started;
mod walk;
pub mod wasmi_host;
