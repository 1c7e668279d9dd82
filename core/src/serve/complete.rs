//! What a person left out.

use super::Group;
use crate::environment::{Environment, VLLM_API_SERVER_COUNT};
use crate::launch::{ApiServers, Launch, LeaderAddress, LoadBalancing, StartRank};

/// Without the policy, a person's few flags are completed as KServe's script would: the place in the group gives
/// rank and leader, and only internal workers are headless. What vLLM's own words say of the rank changes nothing of
/// that; with `--keep-rank-0`, nobody is headless.
pub fn as_in_kserve(launch: &mut Launch, group: Group, keep_rank_0: bool, environment: &Environment) {
    if !group.has_others() || launch.parallelism.data.is_none() {
        return;
    }
    launch.keep_rank_0 = keep_rank_0;
    if launch.start_rank == StartRank::Unset {
        launch.start_rank = StartRank::WorkerIndex;
    }
    if launch.leader_address == LeaderAddress::Unset {
        launch.leader_address = LeaderAddress::Environment;
    }
    if group.is_worker() && launch.load_balancing == LoadBalancing::Internal && !keep_rank_0 {
        launch.headless = true;
    }
    if launch.api_servers == ApiServers::Unset && environment.get(VLLM_API_SERVER_COUNT).is_some() {
        launch.api_servers = ApiServers::Environment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(index: u32, size: u32, keep_rank_0: bool, servers: &str) -> Launch {
        let mut launch = Launch::new("m");
        launch.parallelism.data = Some(4);
        let group = Group { index: Some(index), size: Some(size) };
        let environment = [(VLLM_API_SERVER_COUNT, servers)].into_iter().collect();
        as_in_kserve(&mut launch, group, keep_rank_0, &environment);
        launch
    }

    #[test]
    fn the_place_in_the_group_gives_rank_leader_and_headless() {
        let worker = completed(1, 2, false, "4");
        assert_eq!(
            (worker.start_rank, worker.leader_address, worker.headless, worker.api_servers),
            (StartRank::WorkerIndex, LeaderAddress::Environment, true, ApiServers::Environment(1))
        );
        let leader = completed(0, 2, false, "");
        assert_eq!((leader.headless, leader.api_servers), (false, ApiServers::Unset));
        let kept = completed(1, 2, true, "");
        assert_eq!((kept.headless, kept.keep_rank_0), (false, true));
    }

    #[test]
    fn a_pod_by_itself_is_left_as_it_is() {
        let alone = completed(0, 1, true, "4");
        assert_eq!((alone.start_rank, alone.keep_rank_0), (StartRank::Unset, false));
    }
}
