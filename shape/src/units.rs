//! The parts of a pod, one file each. A unit is filled only where the pod has none of its members
//! (`default`), or the shape's values win (`enforce`); what the shape does not know stays.

mod caches;
mod delivery;
mod entrypoint;
mod environment;
mod image;
mod port;
mod probes;
mod security;
mod shared_memory;
mod stop;
mod termination;
mod tls;

use crate::reason::Fate;
use crate::unit::{Level, Unit};
use crate::work::Work;

/// Two things that cannot both be: a message that names both sides.
pub(crate) type Collision = String;

/// Shapes every unit that the settings do not turn off.
pub(crate) fn apply_all(work: &mut Work<'_>) -> Result<(), Collision> {
    for unit in Unit::ALL {
        if unit == Unit::Port {
            // The image is the one that will run by now, and what rests on the launcher is next.
            work.undeliverable = delivery::obstacle(work);
        }
        let enforce = match work.level(unit) {
            Level::Off => continue,
            Level::Enforce => true,
            Level::Default => false,
        };
        let before = work.report.changes.len();
        match unit {
            Unit::Image => image::apply(work, enforce),
            Unit::Port => port::apply(work, enforce),
            Unit::Environment => environment::apply(work, enforce),
            Unit::Caches => caches::apply(work, enforce)?,
            Unit::SharedMemory => shared_memory::apply(work, enforce)?,
            Unit::SecurityContext => security::apply(work, enforce),
            Unit::Tls => tls::apply(work, enforce)?,
            Unit::Stop => stop::apply(work, enforce),
            Unit::Probes => probes::apply(work, enforce),
            Unit::TerminationMessage => termination::apply(work, enforce),
            Unit::Entrypoint => entrypoint::apply(work),
        }
        // These two say more than that.
        let says_more = matches!(unit, Unit::Image | Unit::Entrypoint);
        if !says_more && work.report.changes.len() > before {
            work.code(unit, if enforce { Fate::Enforced } else { Fate::Filled }, None);
        }
    }
    Ok(())
}
