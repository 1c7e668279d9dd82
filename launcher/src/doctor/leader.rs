//! Where the leader is: an address as it was given, or what its name is resolved to.

use prefill_core::environment::{Environment, LWS_LEADER_ADDRESS};
use prefill_rdma::Options;
use prefill_rdma::doctor::Leader;
use std::net::{IpAddr, ToSocketAddrs};

/// None where nobody named one. A name means something to this machine only (`here`). Neither name nor address
/// is printed: the variable is not one of RDMA's.
pub(super) fn find(
    here: bool,
    environment: &Environment,
    options: &Options,
    unknown: &mut Vec<String>,
) -> Option<Leader> {
    if let Some(address) = options.leader {
        return Some(Leader::At(address));
    }
    let name = environment.get(LWS_LEADER_ADDRESS)?;
    if let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Leader::At(address));
    }
    if !here {
        unknown
            .push(format!("`{LWS_LEADER_ADDRESS}` is a name, which another machine may resolve otherwise"));
        return None;
    }
    match (name, 0).to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(found)) => Some(Leader::At(found.ip())),
        Ok(None) => Some(Leader::Unresolved("its name has no address".to_owned())),
        Err(error) => Some(Leader::Unresolved(error.to_string())),
    }
}
