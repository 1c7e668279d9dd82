//! What is mounted where it does harm.

use super::codes::Code;
use super::facts::{Mount, mount_of};
use super::{Case, Finding, Severity};

/// Where the policy puts the launcher.
const HOME: &str = "/opt/llm-d-prefill";
const AUTHORITIES: &str = "/etc/ssl/certs";

pub(super) fn findings(case: Case<'_>) -> Vec<Finding> {
    [no_exec, hidden].into_iter().filter_map(|check| check(case)).collect()
}

/// Kubernetes mounted image volumes without execute permission until 1.36.
fn no_exec(case: Case<'_>) -> Option<Finding> {
    let mounts = case.facts.mounts.as_ref()?;
    let own = case.facts.program.as_deref().and_then(|program| mount_of(mounts, program));
    // A shell may have been started instead, because this one could not.
    let home = || mounts.iter().rfind(|mount| mount.point == HOME);
    let mount = own.filter(|mount| mount.no_exec).or_else(|| home().filter(|mount| mount.no_exec))?;
    let Mount { point, file_system, .. } = mount;
    Some(Finding::new(
        Code::NoExecMount,
        Severity::Error,
        format!("`/proc/self/mountinfo`: `{point}` ({file_system}) is mounted `noexec`"),
        "the launcher stands where nothing may be executed: a container that begins with it does not start (`permission denied`)",
        "deliver it by `initContainer` instead of `imageVolume` (Kubernetes before 1.36 mounts image volumes so), or put it into the image",
    ))
}

/// KServe's first presets mounted a Secret over the directory that the certificates of public authorities are in.
fn hidden(case: Case<'_>) -> Option<Finding> {
    let mounts = case.facts.mounts.as_ref()?;
    let covered = mounts.iter().rfind(|mount| mount.point == AUTHORITIES)?;
    (!case.facts.authorities?).then(|| {
        Finding::new(
            Code::CaBundleHidden,
            Severity::Warning,
            format!(
                "`/proc/self/mountinfo`: `{AUTHORITIES}` is a mount ({}), and holds no bundle of authorities",
                covered.file_system
            ),
            "a mount hides the certificates of public authorities: downloads over HTTPS may fail",
            "mount the pod's own certificates elsewhere, such as `/var/run/kserve/tls`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Scene, codes};
    use super::*;

    fn mount(point: &str, no_exec: bool) -> Mount {
        Mount { point: point.to_owned(), file_system: "overlay".to_owned(), no_exec }
    }

    #[test]
    fn a_launcher_where_nothing_may_be_executed_is_an_error() {
        let mut scene = Scene::two_rails();
        let mounts = |no_exec| Some(vec![mount("/", false), mount("/opt/llm-d-prefill", no_exec)]);
        scene.facts.mounts = mounts(false);
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.facts.mounts = mounts(true);
        assert_eq!(codes(&scene.diagnose()), [Code::NoExecMount]);
        scene.facts.program = Some("/usr/local/bin/prefill-launcher".to_owned());
        assert_eq!(codes(&scene.diagnose()), [Code::NoExecMount], "the other one is meant to be started");
        scene.facts.mounts = Some(vec![mount("/", true)]);
        assert_eq!(codes(&scene.diagnose()), [Code::NoExecMount]);
        scene.facts.mounts = None;
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
    }

    #[test]
    fn a_mount_over_the_authorities_hides_them_unless_it_has_them() {
        let mut scene = Scene::two_rails();
        scene.facts.mounts = Some(vec![mount("/", false), mount("/etc/ssl/certs", false)]);
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0]);
        scene.facts.authorities = Some(false);
        assert_eq!(codes(&scene.diagnose()), [Code::CaBundleHidden]);
        scene.facts.mounts = Some(vec![mount("/", false)]);
        assert_eq!(codes(&scene.diagnose()), [] as [Code; 0], "an image without any is its author's");
    }
}
