//! The leader, where `run` would find it, looked for once.

use crate::leader::{Glance, glance};
use prefill_core::environment::{Environment, LWS_LEADER_ADDRESS};
use prefill_rdma::Options;
use prefill_rdma::doctor::Leader;
use prefill_rdma::inventory::Network;

/// None where nobody named one. Neither name nor address is printed: the variable is not one of RDMA's.
pub(super) fn find(
    here: bool,
    network: &Network,
    environment: &Environment,
    options: &Options,
    unknown: &mut Vec<String>,
) -> Option<Leader> {
    if let Some(address) = options.leader {
        return Some(Leader::At(address));
    }
    match glance(here, environment, || network.into()) {
        Glance::Unnamed => None,
        Glance::At(address) => Some(Leader::At(address)),
        Glance::Elsewhere => {
            unknown.push(format!(
                "`{LWS_LEADER_ADDRESS}` is a name, which another machine may resolve otherwise"
            ));
            None
        }
        Glance::Unresolved(reason) => Some(Leader::Unresolved(reason)),
    }
}
