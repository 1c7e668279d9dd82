//! What holds for every inventory, environment and options, also those that no machine has.

use super::codes::Code;
use super::fixture::Scene;
use super::{Facts, diagnose};
use crate::plan;
use crate::properties::{environment, inventory, options};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What only facts can show.
const OF_FACTS: [Code; 14] = [
    Code::MemoryRegistrationFailed,
    Code::MemlockLimited,
    Code::MemlockRaised,
    Code::IpcLockNotEffective,
    Code::UserNamespace,
    Code::SharedMemorySmall,
    Code::GpudirectMissing,
    Code::NvidiaParameters,
    Code::GpuWithoutNearNic,
    Code::NoExecMount,
    Code::CaBundleHidden,
    Code::LeaderUnresolved,
    Code::NoRouteToLeader,
    Code::RailsNotCrossConnected,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn findings_are_whole_worst_first_and_one_of_a_kind(
        inventory in inventory(), environment in environment(), options in options(), known in any::<bool>()
    ) {
        let facts = if known { Scene::two_rails().facts } else { Facts::default() };
        let plan = plan(&inventory, &environment, &options);
        let found = diagnose(&inventory, &plan, &environment, &facts);
        prop_assert!(found.is_sorted_by_key(|finding| finding.severity));
        for finding in &found {
            prop_assert!(!finding.evidence.is_empty() && !finding.message.is_empty() && !finding.fix.is_empty());
            prop_assert!(!finding.evidence.contains("hint: "), "{finding:?}");
        }
        // A code may come twice, about something else; a finding may not.
        let all: BTreeSet<_> = found.iter().map(|finding| (finding.code, &finding.evidence)).collect();
        prop_assert_eq!(all.len(), found.len(), "{:?}", found);
        prop_assert_eq!(diagnose(&inventory, &plan, &environment, &facts), found);
    }

    #[test]
    fn what_is_unknown_is_no_verdict(
        inventory in inventory(), environment in environment(), options in options()
    ) {
        let plan = plan(&inventory, &environment, &options);
        for finding in diagnose(&inventory, &plan, &environment, &Facts::default()) {
            prop_assert!(!OF_FACTS.contains(&finding.code), "{finding:?}");
        }
    }

    /// Each warning of a plan is told, by this check or by another.
    #[test]
    fn a_plan_with_warnings_has_findings(
        inventory in inventory(), environment in environment(), options in options()
    ) {
        let plan = plan(&inventory, &environment, &options);
        let unknown = inventory.network.ipv4.is_none();
        if !plan.warnings.is_empty() && !unknown {
            prop_assert!(!diagnose(&inventory, &plan, &environment, &Facts::default()).is_empty(), "{plan:?}");
        }
    }
}
