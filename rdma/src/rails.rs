//! The rails are the ports of one link layer and rate that carry the most together. What is slower, or
//! speaks something else, is there for storage or management.

use super::candidates::Selection;
use super::plan::{Concern, Rule, Warning};
use crate::inventory::LinkLayer;
use std::collections::BTreeMap;

/// Leaves out ports of another link layer than the rails', and slower ones.
pub(super) fn leave_out_others(selection: &mut Selection<'_>) {
    let mut groups: BTreeMap<(LinkLayer, u64), u64> = BTreeMap::new();
    for candidate in &selection.kept {
        let megabits = candidate.megabits();
        *groups.entry((candidate.port.link_layer, megabits)).or_default() += megabits;
    }
    // Equal bandwidth: InfiniBand before Ethernet (the order of `LinkLayer`), then the faster ports.
    let best = groups
        .iter()
        .max_by_key(|((link, megabits), total)| (**total, *link == LinkLayer::InfiniBand, *megabits));
    let Some((&(link_layer, megabits), _)) = best else { return };
    selection.keep(Rule::LinkLayer, |candidate| {
        let link = candidate.port.link_layer;
        (link != link_layer).then(|| format!("its link is {link}, the rails are {link_layer}"))
    });
    let models: Vec<Option<String>> = selection
        .kept
        .iter()
        .filter(|candidate| candidate.megabits() == megabits)
        .map(|candidate| candidate.device.model.clone())
        .collect();
    let mut degraded = Vec::new();
    selection.keep(Rule::Slower, |candidate| {
        // A rate that could not be read says nothing.
        let rate = candidate.port.megabits.filter(|rate| *rate < megabits)?;
        if candidate.device.model.is_some() && models.contains(&candidate.device.model) {
            degraded.push(candidate.label());
        }
        Some(format!("{} is slower than the rails' {}", gigabits(rate), gigabits(megabits)))
    });
    for label in degraded {
        let text = format!(
            "`{label}` is of the rails' model but runs slower than {}: look at its cable and switch port",
            gigabits(megabits)
        );
        selection.warnings.push(Warning::new(Concern::Degraded, text));
    }
}

/// `400 Gb/s`, `2.5 Gb/s`.
pub fn gigabits(megabits: u64) -> String {
    let (whole, rest) = (megabits / 1000, megabits % 1000);
    if rest == 0 {
        return format!("{whole} Gb/s");
    }
    let rest = format!("{rest:03}");
    format!("{whole}.{} Gb/s", rest.trim_end_matches('0'))
}
