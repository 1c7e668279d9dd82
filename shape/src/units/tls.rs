//! TLS: volume, mount, flags and the probes' scheme go together. No Secret is referenced that the
//! settings do not name.

use super::Collision;
use crate::canonical::Mount;
use crate::reason::Fate;
use crate::unit::Unit;
use crate::work::Work;
use crate::{json, paths};
use prefill_core::flags;
use prefill_core::launch::Tls;
use serde_json::Value;

pub(super) fn apply(work: &mut Work<'_>, enforce: bool) -> Result<(), Collision> {
    let Some(secret) = work.settings.tls_secret.clone() else { return Ok(()) };
    let Some(Mount { name, path, node: mount, volume: canonical }) =
        work.shape.mounts(work.role, Unit::Tls).next()
    else {
        return Ok(());
    };
    if !work.writes_entrypoint() {
        work.code(Unit::Tls, Fate::Withheld, Some("the entrypoint is the pod's own"));
        return Ok(());
    }
    let launch = &work.launch;
    let speaks_tls = launch.tls.is_some() || launch.passthrough.iter().any(|word| is_tls_flag(word));
    let mounted = paths::mount_at(work.serving(), path).is_some();
    let volume = work.volume(name).is_some();
    if speaks_tls || (!enforce && (mounted || volume)) {
        return Ok(());
    }
    if let Some(reason) = asks_plain_http(work) {
        work.code(Unit::Tls, Fate::Withheld, Some(&reason));
        return Ok(());
    }
    let named = paths::conflict(&work.named_paths, path).map(str::to_owned);
    if mounted || volume || named.is_some() {
        let theirs = named.map_or_else(
            || format!("a volume `{name}` of its own"),
            |named| format!("`{}`", work.quoted(&named)),
        );
        if !enforce {
            let detail = format!("the pod names {theirs}");
            work.code(Unit::Tls, Fate::Withheld, Some(&detail));
            return Ok(());
        }
        return Err(format!(
            "spec.volumes: the settings mount Secret `{secret}` as `{name}` at `{path}`, the pod has {theirs}; hint: set `units.tls: default`"
        ));
    }
    let mut canonical = canonical.value();
    canonical["secret"]["secretName"] = Value::String(secret);
    let why = "the settings name a Secret for TLS";
    work.mount(Unit::Tls, canonical, mount, why);
    work.launch.tls =
        Some(Tls { certificate: format!("{path}/tls.crt"), key: format!("{path}/tls.key"), refresh: true });
    let port = work.launch.port;
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        speak_https(work, probe, port);
    }
    Ok(())
}

/// Who would go on speaking plain HTTP to a server that no longer does.
fn asks_plain_http(work: &Work<'_>) -> Option<String> {
    let runs = |probe: &&str| work.serving()[*probe].get("exec").is_some_and(|exec| !exec.is_null());
    let probe = ["livenessProbe", "readinessProbe", "startupProbe"].into_iter().find(runs);
    let hooks = work.serving()["lifecycle"].as_object();
    let mut hooks = hooks.into_iter().flatten().filter(|(_, hook)| hook.to_string().contains("http"));
    let hook = hooks.next().map(|(name, _)| format!("{name} asks by HTTP"));
    probe.map(|probe| format!("{probe} runs a command")).or(hook).or_else(|| {
        let proxy = work.mesh_proxy()?;
        Some(format!("{proxy} speaks TLS for the server"))
    })
}

fn is_tls_flag(word: &str) -> bool {
    ["ssl-certfile", "ssl-keyfile", "ssl-ca-certs", "ssl-cert-reqs", "uds"]
        .iter()
        .any(|name| flags::names(word, name))
}

/// A probe of the serving port must speak what the server speaks.
fn speak_https(work: &mut Work<'_>, probe: &str, port: u16) {
    let ports = work.serving()["ports"].clone();
    let http = &work.serving()[probe]["httpGet"];
    let named = json::text(http, "port").and_then(|name| {
        let ports = ports.as_array()?;
        json::item(ports, "name", name)?.get("containerPort")?.as_u64()
    });
    let target = http["port"].as_u64().or(named);
    if target != Some(u64::from(port)) || json::text(http, "scheme") == Some("HTTPS") {
        return;
    }
    let path = format!("/spec/containers/{}/{probe}/httpGet/scheme", work.container);
    let http = work
        .serving_mut()
        .and_then(|serving| serving.get_mut(probe))
        .and_then(|probe| probe.get_mut("httpGet"));
    if let Some(http) = http.and_then(Value::as_object_mut) {
        http.insert("scheme".to_owned(), Value::from("HTTPS"));
        work.changed(Unit::Tls, path, "the server speaks HTTPS");
    }
}
