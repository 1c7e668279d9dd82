//! Settings that nobody wrote.

use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn settings() -> impl Strategy<Value = Value> {
    let level = prop_oneof![4 => Just("default"), 1 => Just("enforce"), 1 => Just("off")];
    let names = [
        "image",
        "entrypoint",
        "port",
        "environment",
        "securityContext",
        "probes",
        "stop",
        "caches",
        "sharedMemory",
        "terminationMessage",
    ];
    let units = prop::collection::vec(level, names.len());
    let shape = prop_oneof![Just("auto"), Just("llm-d-cuda-v0.4.0"), Just("llm-d-cuda-v0.9.0")];
    let profile = of(prop_oneof![Just("reference"), Just("head"), Just("restricted"), Just("keep")]);
    let tls = of(Just("certs"));
    (of(units), shape, profile, tls).prop_map(move |(units, shape, profile, tls)| {
        let mut settings = json!({ "shape": shape });
        if let Some(units) = units {
            settings["units"] = names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(units.into_iter().map(Value::from))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        if let Some(profile) = profile {
            settings["securityProfile"] = json!(profile);
        }
        if let Some(tls) = tls {
            settings["tls"] = json!({ "secretName": tls });
        }
        settings
    })
}
