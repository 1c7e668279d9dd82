//! Ports on their way through the rules: those that are left, and why the others are not.

use super::gids::{addressed_by_gid, label};
use super::plan::{Excluded, Rule, Warning};
use crate::inventory::{Device, Gid, Port};

/// A port that no rule has excluded so far.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) device: &'a Device,
    pub(super) port: &'a Port,
    /// The GIDs that count, best first; none on InfiniBand.
    pub(super) gids: Vec<&'a Gid>,
}

impl Candidate<'_> {
    pub(super) fn label(&self) -> String {
        label(&self.device.name, self.port.number)
    }
    pub(super) fn by_gid(&self) -> bool {
        addressed_by_gid(self.port)
    }
    pub(super) fn best(&self) -> Option<&Gid> {
        self.gids.first().copied()
    }
    pub(super) fn megabits(&self) -> u64 {
        self.port.megabits.unwrap_or(0)
    }
    /// Interfaces that belong to it, in this namespace or not.
    pub(super) fn netdevs(&self) -> impl Iterator<Item = &str> {
        let counting = self.gids.iter().filter_map(|gid| gid.netdev.as_deref());
        counting.chain(self.port.netdevs.iter().map(String::as_str))
    }
}

/// What selection leaves behind.
#[derive(Debug, Default)]
pub(super) struct Selection<'a> {
    pub(super) kept: Vec<Candidate<'a>>,
    pub(super) excluded: Vec<Excluded>,
    pub(super) notes: Vec<String>,
    pub(super) warnings: Vec<Warning>,
}

impl<'a> Selection<'a> {
    /// Keeps the candidates that `fault` finds nothing against.
    pub(super) fn keep(&mut self, rule: Rule, mut fault: impl FnMut(&Candidate<'a>) -> Option<String>) {
        let (excluded, kept) = (&mut self.excluded, &mut self.kept);
        kept.retain(|candidate| match fault(candidate) {
            Some(reason) => {
                excluded.push(refusal(candidate.device, Some(candidate.port), rule, reason));
                false
            }
            None => true,
        });
    }

    /// As [`Self::keep`], but never the last ones: a NIC that is not ideal is better than none.
    pub(super) fn keep_while_others_remain(
        &mut self,
        rule: Rule,
        fault: impl Fn(&Candidate<'a>) -> Option<String>,
    ) {
        if self.kept.iter().any(|candidate| fault(candidate).is_none()) {
            self.keep(rule, fault);
        }
    }
}

pub(super) fn refusal(device: &Device, port: Option<&Port>, rule: Rule, reason: String) -> Excluded {
    Excluded { device: device.name.clone(), port: port.map(|port| port.number), rule, reason }
}
