//! What will go wrong although a plan was made, each with what shows it and what to do about it.
//!
//! [`diagnose`] is pure: an [`Inventory`], the [`Plan`] made of it, the [`Environment`] and what else the process
//! sees ([`Facts`]) give [`Finding`]s. What could not be read is no reason for one. `docs/doctor.md` lists them all.

mod codes;
mod decided;
mod devices;
mod facts;
#[cfg(test)]
mod fixture;
mod gpu;
mod interfaces;
mod memory;
mod mounts;
mod network;
#[cfg(test)]
mod properties;
mod routes;
pub mod text;
mod ucx;
mod variables;

pub use facts::{Facts, Leader, Limit, MemoryLock, Mount, Nvidia, Refusal, Registration};

use crate::inventory::Inventory;
use crate::{Concern, Kept, Plan};
pub use codes::Code;
use prefill_core::environment::Environment;
use serde::Serialize;

/// Something that will go wrong, or that explains what does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is called.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What shows it: a path or a variable, and what was found there.
    pub evidence: String,
    /// What it means.
    pub message: String,
    /// What to do about it.
    pub fix: String,
    /// Which warning of the plan's tells the same, where one does.
    #[serde(skip)]
    pub concern: Option<Concern>,
}

impl Finding {
    fn new(
        code: Code,
        severity: Severity,
        evidence: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            evidence: evidence.into(),
            message: message.into(),
            fix: fix.into(),
            concern: None,
        }
    }

    /// The same, told by a warning of the plan's too.
    fn about(mut self, concern: Concern) -> Self {
        self.concern = Some(concern);
        self
    }

    /// Whether one of the plan's own warnings tells it already.
    pub fn is_told_by(&self, plan: &Plan) -> bool {
        self.concern.as_ref().is_some_and(|concern| plan.warnings.iter().any(|one| one.concern == *concern))
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// RDMA, or vLLM, will not work.
    Error,
    /// It may not work, or not well.
    Warning,
    /// Good to know when something does not work.
    Info,
}

/// What a diagnosis is made from.
#[derive(Clone, Copy)]
struct Case<'a> {
    inventory: &'a Inventory,
    plan: &'a Plan,
    environment: &'a Environment,
    facts: &'a Facts,
}

/// Everything that is found, worst first.
pub fn diagnose(
    inventory: &Inventory,
    plan: &Plan,
    environment: &Environment,
    facts: &Facts,
) -> Vec<Finding> {
    let case = Case { inventory, plan, environment, facts };
    let checks = [
        devices::findings,
        decided::findings,
        network::findings,
        routes::findings,
        memory::findings,
        gpu::findings,
        variables::findings,
        interfaces::findings,
        ucx::findings,
        mounts::findings,
    ];
    let mut found: Vec<Finding> = checks.into_iter().flat_map(|check| check(case)).collect();
    found.sort_by_key(|finding| finding.severity);
    found
}

impl<'a> Case<'a> {
    /// The device and port that are used.
    fn port(self, kept: &Kept) -> Option<&'a crate::inventory::Port> {
        let device = self.inventory.devices.iter().find(|device| device.name == kept.device)?;
        device.ports.iter().find(|port| port.number == kept.port)
    }

    /// How many GPUs are there, where that is known.
    fn gpus(self) -> Option<usize> {
        self.inventory.gpus.as_ref().map(Vec::len)
    }

    /// Whether GPUs and NICs are to work together.
    fn has_gpu_and_nic(self) -> bool {
        !self.plan.kept.is_empty() && self.gpus().is_some_and(|count| count > 0)
    }
}

/// A text of the plan without its hint: findings have remedies instead.
fn without_hint(text: &str) -> &str {
    text.split("; hint: ").next().unwrap_or(text)
}

/// Some of many: an answer is read by people too.
fn listed(items: &[String]) -> String {
    const SHOWN: usize = 8;
    match items.len().saturating_sub(SHOWN) {
        0 => items.join("; "),
        more => format!("{}; and {more} more", items[..SHOWN].join("; ")),
    }
}
