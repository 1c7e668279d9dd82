//! The container's security context, from a named profile.
//!
//! What is filled must be valid, must let the container start, and never loosens what the pod has
//! tightened. A pod that meets Pod Security `baseline` still does afterwards: its namespace may
//! enforce that, and Pod Security is checked after this policy.

use crate::canonical::{Node, RESTRICTED, Shape};
use crate::json;
use crate::reason::Fate;
use crate::settings::Profile;
use crate::unit::Unit;
use crate::work::Work;
use serde_json::{Map, Value};

/// Capabilities that Pod Security `baseline` lets a container add.
const BASELINE: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) {
    let Some(profile) = profile(work) else {
        if work.settings.security_profile.is_none() {
            work.not_for_this_image(Unit::SecurityContext, enforce);
        }
        return;
    };
    let present = work.serving()["securityContext"].as_object().cloned().unwrap_or_default();
    if !enforce {
        if !present.is_empty() {
            return;
        }
        if work.shape.release.is_none() {
            return work.code(
                Unit::SecurityContext,
                Fate::Withheld,
                Some("the user of this image is not known"),
            );
        }
    }
    let mut merge = Merge::new(work, &present);
    merge.lay_over(profile);
    let Merge { merged, withheld, .. } = merge;
    if let Some(reason) = withheld {
        work.code(Unit::SecurityContext, Fate::PartlyWithheld, Some(reason));
    }
    if merged != present {
        work.set(
            Unit::SecurityContext,
            "securityContext",
            Value::Object(merged),
            "no more rights than serving needs",
        );
    }
}

fn profile(work: &Work<'_>) -> Option<&'static Node> {
    match work.settings.security_profile {
        None => work.canonical().get("securityContext"),
        Some(Profile::Reference) => Shape::profile("reference", work.role),
        Some(Profile::Head) => Shape::profile("head", work.role),
        Some(Profile::Restricted) => Some(&RESTRICTED),
        Some(Profile::Keep) => None,
    }
}

/// A profile on its way over what is present, and why a part of it was left out.
struct Merge<'a> {
    spec: &'a Value,
    present: &'a Map<String, Value>,
    /// Whether an administrator chose the profile.
    chosen: bool,
    user: Option<u64>,
    /// Whether the image's user is known, or does not matter because the profile was chosen.
    known_user: bool,
    merged: Map<String, Value>,
    withheld: Option<&'static str>,
}

impl<'a> Merge<'a> {
    fn new(work: &'a Work<'_>, present: &'a Map<String, Value>) -> Self {
        let spec = work.spec();
        let inherited = spec["securityContext"].get("runAsUser");
        let user = present.get("runAsUser").or(inherited).and_then(Value::as_u64);
        let chosen = work.settings.security_profile.is_some();
        let known_user = user.is_some() || work.shape.release.is_some() || chosen;
        Self { spec, present, chosen, user, known_user, merged: present.clone(), withheld: None }
    }

    fn lay_over(&mut self, profile: &'static Node) {
        for (key, node) in profile.members() {
            match *key {
                "allowPrivilegeEscalation" if self.may_escalate() => {
                    self.withheld = Some("a privileged container may not forbid privilege escalation");
                }
                "runAsNonRoot" => self.run_as_non_root(node),
                "seccompProfile" => self.seccomp(node),
                "capabilities" => self.capabilities(node),
                // Booleans: `true` is the tighter value of readOnlyRootFilesystem, `false` of the rest.
                "readOnlyRootFilesystem" if self.own(key) == Some(&Value::Bool(true)) => {}
                _ => self.insert(key, node),
            }
        }
    }

    fn insert(&mut self, key: &str, node: &Node) {
        self.merged.insert(key.to_owned(), node.value());
    }

    fn own(&self, key: &str) -> Option<&'a Value> {
        self.present.get(key).filter(|value| !value.is_null())
    }

    fn inherited(&self, key: &str) -> Option<&'a Value> {
        self.spec["securityContext"].get(key).filter(|value| !value.is_null())
    }

    fn may_escalate(&self) -> bool {
        let added = self.own("capabilities").and_then(|capabilities| capabilities["add"].as_array());
        let administers = |name: &Value| name == "SYS_ADMIN" || name == "CAP_SYS_ADMIN";
        self.own("privileged") == Some(&Value::Bool(true))
            || added.is_some_and(|added| added.iter().any(administers))
    }

    fn run_as_non_root(&mut self, node: &Node) {
        let wanted = matches!(node, Node::Bool(true));
        let own = self.own("runAsNonRoot");
        if wanted && self.user == Some(0) {
            self.withheld = Some("the pod runs as user 0");
        } else if wanted && !self.known_user {
            self.withheld = Some("the user of this image is not known");
        } else if (own.is_none() && self.inherited("runAsNonRoot").is_none())
            || own == Some(&Value::Bool(false))
        {
            self.insert("runAsNonRoot", node);
        }
    }

    fn seccomp(&mut self, node: &Node) {
        let own = self.own("seccompProfile");
        let kind = own.or(self.inherited("seccompProfile")).and_then(|profile| json::text(profile, "type"));
        if kind.is_none() || (own.is_some() && kind == Some("Unconfined")) {
            self.insert("seccompProfile", node);
        }
    }

    fn capabilities(&mut self, node: &'static Node) {
        let names = |key: &str| node.get(key).map_or(&[][..], Node::items);
        let mut capabilities =
            self.own("capabilities").and_then(Value::as_object).cloned().unwrap_or_default();
        // Root without DAC_OVERRIDE cannot write what others own.
        if (self.user == Some(0) || !self.known_user) && json::is_empty(&capabilities, "drop") {
            self.withheld = Some(match self.user {
                Some(0) => "the pod runs as user 0",
                _ => "the user of this image is not known",
            });
        } else {
            add_missing(&mut capabilities, "drop", names("drop"));
        }
        // Only where somebody chose the profile, for a namespace that is known to take it.
        if self.chosen && !meets_baseline(self.spec) {
            add_missing(&mut capabilities, "add", names("add"));
        } else if self.chosen && !names("add").is_empty() && self.withheld.is_none() {
            self.withheld = Some("added capabilities would leave Pod Security baseline");
        }
        if !capabilities.is_empty() {
            self.merged.insert("capabilities".to_owned(), Value::Object(capabilities));
        }
    }
}

fn add_missing(capabilities: &mut Map<String, Value>, key: &str, names: &[Node]) {
    if names.is_empty() {
        return;
    }
    if let Some(list) = json::list(capabilities, key) {
        for name in names.iter().filter_map(Node::text) {
            if !list.iter().any(|present| present == name || present == "ALL") {
                list.push(Value::from(name));
            }
        }
    }
}

/// Whether the pod meets Pod Security `baseline` in what decides about added capabilities.
fn meets_baseline(spec: &Value) -> bool {
    let yes = |value: &Value| *value == Value::Bool(true);
    let unconfined = |context: &Value| {
        context["seccompProfile"]["type"] == "Unconfined"
            || context["appArmorProfile"]["type"] == "Unconfined"
    };
    let container_meets = |container: &Value| {
        let context = &container["securityContext"];
        let added = context["capabilities"]["add"].as_array().map_or(&[][..], Vec::as_slice);
        let ports = container["ports"].as_array().map_or(&[][..], Vec::as_slice);
        !yes(&context["privileged"])
            && !unconfined(context)
            && added.iter().all(|name| name.as_str().is_some_and(|name| BASELINE.contains(&name)))
            && ports.iter().all(|port| port["hostPort"].as_u64().unwrap_or(0) == 0)
            && json::text(context, "procMount").unwrap_or("Default") == "Default"
    };
    let list = |key: &str| spec[key].as_array().map_or(&[][..], Vec::as_slice);
    !["hostNetwork", "hostPID", "hostIPC"].iter().any(|key| yes(&spec[*key]))
        && !unconfined(&spec["securityContext"])
        && list("volumes").iter().all(|volume| volume.get("hostPath").is_none())
        && ["containers", "initContainers"].iter().all(|key| list(key).iter().all(container_meets))
}
