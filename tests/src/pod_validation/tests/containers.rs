use super::*;

#[test]
fn container_rules() {
    assert_refused([
        ("spec/containers/0/name", json!("Main"), "spec.containers[0].name"),
        ("spec/containers/0/name", json!("launcher"), "spec.initContainers[0].name"),
        ("spec/containers/0/image", json!(""), "spec.containers[0].image"),
        ("spec/containers/0/image", json!("a "), "spec.containers[0].image"),
        ("spec/containers/0/imagePullPolicy", json!("Maybe"), "spec.containers[0].imagePullPolicy"),
        (
            "spec/containers/0/terminationMessagePolicy",
            json!("Log"),
            "spec.containers[0].terminationMessagePolicy",
        ),
        ("spec/containers/0/restartPolicy", json!("Maybe"), "spec.containers[0].restartPolicy"),
        ("spec/containers/0/ports/0/containerPort", json!(0), "spec.containers[0].ports[0].containerPort"),
        (
            "spec/containers/0/ports/0/containerPort",
            json!(65536),
            "spec.containers[0].ports[0].containerPort",
        ),
        ("spec/containers/0/ports/1/protocol", json!("RDMA"), "spec.containers[0].ports[1].protocol"),
        ("spec/containers/0/ports/1/name", json!("http"), "spec.containers[0].ports[1].name"),
        ("spec/containers/0/ports/1/name", json!("a-name-too-long-"), "spec.containers[0].ports[1].name"),
        (
            "spec/initContainers/0/livenessProbe",
            json!({ "exec": { "command": ["a"] } }),
            "spec.initContainers[0].livenessProbe",
        ),
        (
            "spec/initContainers/0/lifecycle",
            json!({ "preStop": { "exec": { "command": ["a"] } } }),
            "spec.initContainers[0].lifecycle",
        ),
    ]);
}

#[test]
fn environment_rules() {
    assert_refused([
        ("spec/containers/0/env/0/name", json!(""), "spec.containers[0].env[0].name"),
        ("spec/containers/0/env/0/name", json!("A=B"), "spec.containers[0].env[0].name"),
        ("spec/containers/0/env/1/value", json!("a"), "spec.containers[0].env[1].valueFrom"),
        ("spec/containers/0/env/1/valueFrom", json!({}), "spec.containers[0].env[1].valueFrom"),
        (
            "spec/containers/0/env/2/valueFrom/fieldRef",
            json!({ "fieldPath": "status.podIP" }),
            "spec.containers[0].env[2].valueFrom",
        ),
        (
            "spec/containers/0/env/1/valueFrom/fieldRef/fieldPath",
            json!("spec.x"),
            "spec.containers[0].env[1].valueFrom.fieldRef.fieldPath",
        ),
        (
            "spec/containers/0/env/2/valueFrom/secretKeyRef/name",
            json!(""),
            "spec.containers[0].env[2].valueFrom.secretKeyRef.name",
        ),
        (
            "spec/containers/0/env/2/valueFrom/secretKeyRef/key",
            json!("a/b"),
            "spec.containers[0].env[2].valueFrom.secretKeyRef.key",
        ),
        (
            "spec/containers/0/env/3/valueFrom/resourceFieldRef/resource",
            json!("limits.gpu"),
            "spec.containers[0].env[3].valueFrom.resourceFieldRef.resource",
        ),
        ("spec/containers/0/envFrom/0/secretRef", json!({ "name": "a" }), "spec.containers[0].envFrom[0]"),
        ("spec/containers/0/envFrom/0/prefix", json!("="), "spec.containers[0].envFrom[0].prefix"),
    ]);
}

#[test]
fn handler_rules() {
    assert_refused([
        (
            "spec/containers/0/livenessProbe/timeoutSeconds",
            json!(-1),
            "spec.containers[0].livenessProbe.timeoutSeconds",
        ),
        (
            "spec/containers/0/livenessProbe/successThreshold",
            json!(2),
            "spec.containers[0].livenessProbe.successThreshold",
        ),
        (
            "spec/containers/0/startupProbe/successThreshold",
            json!(2),
            "spec.containers[0].startupProbe.successThreshold",
        ),
        (
            "spec/containers/0/startupProbe/terminationGracePeriodSeconds",
            json!(0),
            "spec.containers[0].startupProbe.terminationGracePeriodSeconds",
        ),
        (
            "spec/containers/0/readinessProbe/terminationGracePeriodSeconds",
            json!(5),
            "spec.containers[0].readinessProbe.terminationGracePeriodSeconds",
        ),
        (
            "spec/containers/0/livenessProbe/exec",
            json!({ "command": ["a"] }),
            "spec.containers[0].livenessProbe",
        ),
        ("spec/containers/0/livenessProbe/httpGet", json!(null), "spec.containers[0].livenessProbe"),
        (
            "spec/containers/0/livenessProbe/httpGet/port",
            json!(0),
            "spec.containers[0].livenessProbe.httpGet.port",
        ),
        (
            "spec/containers/0/livenessProbe/httpGet/port",
            json!("8000"),
            "spec.containers[0].livenessProbe.httpGet.port",
        ),
        (
            "spec/containers/0/livenessProbe/httpGet/scheme",
            json!("http"),
            "spec.containers[0].livenessProbe.httpGet.scheme",
        ),
        (
            "spec/containers/0/livenessProbe/httpGet/httpHeaders",
            json!([{ "name": "a b" }]),
            "spec.containers[0].livenessProbe.httpGet.httpHeaders[0].name",
        ),
        (
            "spec/containers/0/startupProbe/exec/command",
            json!([]),
            "spec.containers[0].startupProbe.exec.command",
        ),
        (
            "spec/initContainers/1/startupProbe/tcpSocket/port",
            json!(65536),
            "spec.initContainers[1].startupProbe.tcpSocket.port",
        ),
        (
            "spec/containers/0/lifecycle/preStop/sleep/seconds",
            json!(61),
            "spec.containers[0].lifecycle.preStop.sleep.seconds",
        ),
        (
            "spec/containers/0/lifecycle/preStop/exec",
            json!({ "command": ["a"] }),
            "spec.containers[0].lifecycle.preStop",
        ),
        ("spec/containers/0/lifecycle/postStart", json!({}), "spec.containers[0].lifecycle.postStart"),
        (
            "spec/containers/0/lifecycle/stopSignal",
            json!("SIGINT"),
            "spec.containers[0].lifecycle.stopSignal",
        ),
    ]);
}

#[test]
fn volume_and_mount_rules() {
    assert_refused([
        ("spec/volumes/6", json!({ "name": "a.b" }), "spec.volumes[6].name"),
        ("spec/volumes/6", json!({ "name": "shm" }), "spec.volumes[6].name"),
        ("spec/volumes/1/hostPath", json!({ "path": "/dev/shm" }), "spec.volumes[1]"),
        ("spec/volumes/1/emptyDir/sizeLimit", json!("-1"), "spec.volumes[1].emptyDir.sizeLimit"),
        ("spec/volumes/1/emptyDir/medium", json!("memory"), "spec.volumes[1].emptyDir.medium"),
        ("spec/volumes/2/image/reference", json!(""), "spec.volumes[2].image.reference"),
        ("spec/volumes/2/image/pullPolicy", json!("Maybe"), "spec.volumes[2].image.pullPolicy"),
        ("spec/volumes/3/projected/defaultMode", json!(0o1000), "spec.volumes[3].projected.defaultMode"),
        (
            "spec/volumes/3/projected/sources/1",
            json!({ "secret": { "name": "a", "items": [{ "key": "a", "path": "../a" }] } }),
            "spec.volumes[3].projected.sources[1].secret.items[0].path",
        ),
        (
            "spec/volumes/3/projected/sources/0/serviceAccountToken/expirationSeconds",
            json!(599),
            "spec.volumes[3].projected.sources[0].serviceAccountToken.expirationSeconds",
        ),
        (
            "spec/volumes/4/downwardAPI/items/0/fieldRef/fieldPath",
            json!("status.podIP"),
            "spec.volumes[4].downwardAPI.items[0].fieldRef.fieldPath",
        ),
        ("spec/volumes/5/hostPath/type", json!("Dir"), "spec.volumes[5].hostPath.type"),
        ("spec/volumes/6", json!({ "name": "a", "secret": {} }), "spec.volumes[6].secret.secretName"),
        ("spec/containers/0/volumeMounts/0/name", json!("gone"), "spec.containers[0].volumeMounts[0].name"),
        (
            "spec/containers/0/volumeMounts/0/mountPath",
            json!(""),
            "spec.containers[0].volumeMounts[0].mountPath",
        ),
        (
            "spec/containers/0/volumeMounts/0/mountPath",
            json!("/a:b"),
            "spec.containers[0].volumeMounts[0].mountPath",
        ),
        (
            "spec/containers/0/volumeMounts/0/mountPath",
            json!("/dev/shm"),
            "spec.containers[0].volumeMounts[1].mountPath",
        ),
        (
            "spec/containers/0/volumeMounts/0/subPath",
            json!("../a"),
            "spec.containers[0].volumeMounts[0].subPath",
        ),
        (
            "spec/containers/0/volumeMounts/0/mountPropagation",
            json!("Bidirectional"),
            "spec.containers[0].volumeMounts[0].mountPropagation",
        ),
        (
            "spec/containers/0/volumeMounts/1/recursiveReadOnly",
            json!("Enabled"),
            "spec.containers[0].volumeMounts[1].recursiveReadOnly",
        ),
        (
            "spec/containers/0/volumeDevices",
            json!([{ "name": "ib", "devicePath": "/dev/a" }]),
            "spec.containers[0].volumeDevices[0].name",
        ),
    ]);
}
