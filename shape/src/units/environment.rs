//! Environment variables that belong to no other unit.

use crate::environment::says_where_caches_are;
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::Work;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let Some(canonical) = work.canonical().get("env") else { return };
    let own: Vec<_> = canonical
        .items()
        .iter()
        .filter_map(|item| Some((item.get("name")?.text()?, item.get("value")?.text()?)))
        .filter(|(name, _)| !says_where_caches_are(name))
        .collect();
    let environment = work.environment();
    if !enforce && own.iter().any(|(name, _)| environment.has(name)) {
        return;
    }
    if !enforce && environment.open {
        return work.code(Unit::Environment, Fate::Withheld, Some("envFrom may define the same names"));
    }
    for (name, value) in own {
        work.set_variable(Unit::Environment, name, value, "the canonical environment");
    }
}
