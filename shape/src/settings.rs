//! What administrators say. Every problem is reported at once, each with its path.

pub(crate) mod read;
mod selector;

use crate::canonical::Shape;
use crate::unit::{Level, Unit};
use prefill_core::launch::Parallelism;

pub use selector::Selector;

/// Whether pods are changed, or only told about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Pods are shaped.
    #[default]
    Shape,
    /// Pods stay as they are; warnings and audit annotations say what would change.
    Report,
}

/// A security context to fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// That of llm-d-cuda v0.4.0.
    Reference,
    /// That of llm-d-cuda v0.9.0: non-root.
    Head,
    /// Pod Security `restricted`.
    Restricted,
    /// The pod's own, whatever it is.
    Keep,
}

/// How the launcher comes into the pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// An init container copies it into an emptyDir.
    #[default]
    InitContainer,
    /// The serving image holds it.
    Image,
    /// It is mounted from an image volume; needs Kubernetes 1.36 or newer.
    ImageVolume,
}

/// Where the launcher comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launcher {
    /// How it comes into the pod.
    pub delivery: Delivery,
    /// Its image, in place of the release's own. A digest is kept.
    pub image: Option<String>,
    /// When that image is pulled, in place of what its tag says.
    pub image_pull_policy: Option<&'static str>,
    /// Its path in the serving image, for [`Delivery::Image`].
    pub path: Option<String>,
}

/// The policy's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether pods are changed.
    pub mode: Mode,
    /// The shape of llm-d-cuda pods; `None` chooses by the pod's image.
    pub shape: Option<&'static Shape>,
    /// The image to enforce, in place of the shape's.
    pub image: Option<String>,
    /// The name of the serving container.
    pub container_name: Option<String>,
    /// Pods that count as prefill pods besides those with KServe's or llm-d's labels.
    pub selector: Option<Selector>,
    /// Whether authors may opt out by annotation.
    pub allow_skip: bool,
    /// How far each unit goes; the default where a unit is not named.
    pub(crate) units: Vec<(Unit, Level)>,
    /// The security profile; `None` takes the shape's.
    pub security_profile: Option<Profile>,
    /// Where the launcher comes from.
    pub launcher: Launcher,
    /// The Secret with `tls.crt` and `tls.key`.
    pub tls_secret: Option<String>,
    /// The model, where neither the pod nor its annotations name one.
    pub model: Option<String>,
    /// Parallelism, where neither the pod nor its annotations name it.
    pub parallelism: Parallelism,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Shape,
            shape: None,
            image: None,
            container_name: None,
            selector: None,
            allow_skip: true,
            units: Vec::new(),
            security_profile: None,
            launcher: Launcher::default(),
            tls_secret: None,
            model: None,
            parallelism: Parallelism::default(),
        }
    }
}

impl Settings {
    /// How far `unit` goes.
    pub fn level(&self, unit: Unit) -> Level {
        let set = self.units.iter().find(|(known, _)| *known == unit).map(|(_, level)| *level);
        set.unwrap_or(match unit {
            Unit::Entrypoint => Level::Enforce,
            _ => Level::Default,
        })
    }
}
