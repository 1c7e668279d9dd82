//! The types of the fields that a mutation may write: the decoder refuses a number where a text belongs
//! (`env[].value: 8000`), and does so before any rule is asked. `null` is always allowed: it is absent.

use serde_json::Value;

use super::Report;
use crate::quantity;
use crate::walk::is_set;

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    TextMap,
    Flag,
    Int32,
    Int64,
    Object,
    /// `IntOrString`
    Port,
    /// A text or a number: `Quantity.UnmarshalJSON` reads the digits of either.
    Amount,
    Amounts,
}

use Kind::{Amount, Amounts, Flag, Int32, Int64, Object, Port, Text, TextMap, Texts};

/// `*` stands for every element of a list.
const POD: [(&str, Kind); 33] = [
    ("metadata.annotations", TextMap),
    ("metadata.labels", TextMap),
    ("spec.hostNetwork", Flag),
    ("spec.hostPID", Flag),
    ("spec.hostIPC", Flag),
    ("spec.hostUsers", Flag),
    ("spec.shareProcessNamespace", Flag),
    ("spec.restartPolicy", Text),
    ("spec.dnsPolicy", Text),
    ("spec.os.name", Text),
    ("spec.terminationGracePeriodSeconds", Int64),
    ("spec.securityContext.fsGroup", Int64),
    ("spec.securityContext.supplementalGroups.*", Int64),
    ("spec.volumes.*.name", Text),
    ("spec.volumes.*.emptyDir.medium", Text),
    ("spec.volumes.*.emptyDir.sizeLimit", Amount),
    ("spec.volumes.*.hostPath.path", Text),
    ("spec.volumes.*.hostPath.type", Text),
    ("spec.volumes.*.secret.secretName", Text),
    ("spec.volumes.*.secret.defaultMode", Int32),
    ("spec.volumes.*.configMap.name", Text),
    ("spec.volumes.*.configMap.defaultMode", Int32),
    ("spec.volumes.*.downwardAPI.defaultMode", Int32),
    ("spec.volumes.*.projected.defaultMode", Int32),
    ("spec.volumes.*.projected.sources.*", Object),
    ("spec.volumes.*.persistentVolumeClaim.claimName", Text),
    ("spec.volumes.*.image.reference", Text),
    ("spec.volumes.*.image.pullPolicy", Text),
    ("spec.volumes.*.csi.driver", Text),
    ("spec.volumes.*.nfs.path", Text),
    ("spec.volumes.*.nfs.server", Text),
    ("spec.resources.limits", Amounts),
    ("spec.resources.requests", Amounts),
];

const SECURITY: [(&str, Kind); 11] = [
    ("runAsUser", Int64),
    ("runAsGroup", Int64),
    ("runAsNonRoot", Flag),
    ("seccompProfile.type", Text),
    ("seccompProfile.localhostProfile", Text),
    ("appArmorProfile.type", Text),
    ("appArmorProfile.localhostProfile", Text),
    ("seLinuxOptions.user", Text),
    ("seLinuxOptions.role", Text),
    ("seLinuxOptions.type", Text),
    ("windowsOptions.hostProcess", Flag),
];

const CONTAINER: [(&str, Kind); 48] = [
    ("name", Text),
    ("image", Text),
    ("imagePullPolicy", Text),
    ("command", Texts),
    ("args", Texts),
    ("workingDir", Text),
    ("restartPolicy", Text),
    ("stdin", Flag),
    ("tty", Flag),
    ("terminationMessagePath", Text),
    ("terminationMessagePolicy", Text),
    ("ports.*.name", Text),
    ("ports.*.protocol", Text),
    ("ports.*.hostIP", Text),
    ("ports.*.hostPort", Int32),
    ("ports.*.containerPort", Int32),
    ("env.*.name", Text),
    ("env.*.value", Text),
    ("env.*.valueFrom.fieldRef.apiVersion", Text),
    ("env.*.valueFrom.fieldRef.fieldPath", Text),
    ("env.*.valueFrom.resourceFieldRef.resource", Text),
    ("env.*.valueFrom.configMapKeyRef.name", Text),
    ("env.*.valueFrom.configMapKeyRef.key", Text),
    ("env.*.valueFrom.secretKeyRef.name", Text),
    ("env.*.valueFrom.secretKeyRef.key", Text),
    ("env.*.valueFrom.fileKeyRef.key", Text),
    ("envFrom.*.prefix", Text),
    ("envFrom.*.configMapRef.name", Text),
    ("envFrom.*.secretRef.name", Text),
    ("volumeMounts.*.name", Text),
    ("volumeMounts.*.mountPath", Text),
    ("volumeMounts.*.mountPropagation", Text),
    ("volumeMounts.*.readOnly", Flag),
    ("volumeMounts.*.recursiveReadOnly", Text),
    ("volumeMounts.*.subPath", Text),
    ("volumeMounts.*.subPathExpr", Text),
    ("volumeDevices.*.name", Text),
    ("volumeDevices.*.devicePath", Text),
    ("resources.claims.*.name", Text),
    ("resources.limits", Amounts),
    ("resources.requests", Amounts),
    ("securityContext.allowPrivilegeEscalation", Flag),
    ("securityContext.privileged", Flag),
    ("securityContext.procMount", Text),
    ("securityContext.readOnlyRootFilesystem", Flag),
    ("securityContext.capabilities.add", Texts),
    ("securityContext.capabilities.drop", Texts),
    ("lifecycle.stopSignal", Text),
];

const PROBE: [(&str, Kind); 6] = [
    ("initialDelaySeconds", Int32),
    ("timeoutSeconds", Int32),
    ("periodSeconds", Int32),
    ("successThreshold", Int32),
    ("failureThreshold", Int32),
    ("terminationGracePeriodSeconds", Int64),
];

const HANDLER: [(&str, Kind); 11] = [
    ("exec.command", Texts),
    ("httpGet.host", Text),
    ("httpGet.path", Text),
    ("httpGet.port", Port),
    ("httpGet.scheme", Text),
    ("httpGet.httpHeaders.*.name", Text),
    ("httpGet.httpHeaders.*.value", Text),
    ("tcpSocket.port", Port),
    ("grpc.port", Int32),
    ("grpc.service", Text),
    ("sleep.seconds", Int64),
];

pub(super) fn check(pod: &Value, report: &mut Report) {
    let mut found = Vec::new();
    table(pod, "", &POD, &mut found);
    table(pod, "spec.securityContext.", &SECURITY, &mut found);
    for list in ["initContainers", "containers"] {
        let container = format!("spec.{list}.*.");
        table(pod, &container, &CONTAINER, &mut found);
        table(pod, &format!("{container}securityContext."), &SECURITY, &mut found);
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            table(pod, &format!("{container}{probe}."), &PROBE, &mut found);
            table(pod, &format!("{container}{probe}."), &HANDLER, &mut found);
        }
        for event in ["postStart", "preStop"] {
            table(pod, &format!("{container}lifecycle.{event}."), &HANDLER, &mut found);
        }
    }
    // What holds several fields is asked once for each of them.
    found.sort();
    found.dedup();
    report.0.extend(found);
}

fn table(pod: &Value, prefix: &str, table: &[(&str, Kind)], found: &mut Vec<String>) {
    for (field, kind) in table {
        descend(pod, &format!("{prefix}{field}"), *kind, "", found);
    }
}

fn descend(value: &Value, pattern: &str, kind: Kind, path: &str, found: &mut Vec<String>) {
    if !is_set(value) {
        return;
    }
    if pattern.is_empty() {
        if let Some(expected) = kind.refuses(value) {
            found.push(format!("{path}: `{value}` is not {expected}"));
        }
        return;
    }
    let (step, rest) = pattern.split_once('.').unwrap_or((pattern, ""));
    match value {
        Value::Array(list) if step == "*" => {
            for (index, element) in list.iter().enumerate() {
                descend(element, rest, kind, &format!("{path}[{index}]"), found);
            }
        }
        Value::Object(object) if step != "*" => {
            let path = if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
            descend(object.get(step).unwrap_or(&Value::Null), rest, kind, &path, found);
        }
        _ => {
            let expected = if step == "*" { "a list" } else { "an object" };
            found.push(format!("{}: is not {expected}", if path.is_empty() { "." } else { path }));
        }
    }
}

impl Kind {
    /// What is expected instead, where this kind refuses a value.
    fn refuses(self, value: &Value) -> Option<&'static str> {
        let each = |is: fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(is));
        let every = |is: fn(&Value) -> bool| value.as_object().is_some_and(|map| map.values().all(is));
        let text = |value: &Value| value.is_string() || value.is_null();
        let amount = |value: &Value| value.is_null() || quantity::amount(value).is_some();
        let (fits, expected) = match self {
            Text => (value.is_string(), "a text"),
            Texts => (each(text), "a list of texts"),
            TextMap => (every(text), "a map of texts"),
            Flag => (value.is_boolean(), "true or false"),
            Int32 => {
                (value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()), "a 32-bit whole number")
            }
            Int64 => (value.as_i64().is_some(), "a whole number"),
            Object => (value.is_object(), "an object"),
            Port => (value.is_string() || value.as_i64().is_some(), "a port's number or name"),
            Amount => (amount(value), "a quantity"),
            Amounts => (every(amount), "a map of quantities"),
        };
        if fits { None } else { Some(expected) }
    }
}
