//! The absolute paths that a container names, so that nothing is mounted over, under or above one.

use crate::environment::says_where_caches_are;
use crate::json;
use prefill_core::launch::Launch;
use serde_json::Value;

/// Every absolute path that `container` names: mounts, environment, arguments, working directory,
/// hooks and probes. The entrypoint's words stand for its text.
pub(crate) fn named(container: &Value, launch: &Launch) -> Vec<String> {
    let mut paths = Vec::new();
    // The kubelet takes a relative mount path for one below `/`.
    let mounts = container["volumeMounts"].as_array().map_or(&[][..], Vec::as_slice);
    paths.extend(mounts.iter().filter_map(|mount| json::text(mount, "mountPath")).map(normalise));
    for key in ["workingDir", "volumeDevices", "lifecycle", "terminationMessagePath"] {
        collect(&container[key], &mut paths);
    }
    // Where home and caches are is a unit's own matter.
    let variables = container["env"].as_array().map_or(&[][..], Vec::as_slice).iter();
    for item in variables.filter(|item| !json::text(item, "name").is_some_and(says_where_caches_are)) {
        collect(&item["value"], &mut paths);
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        collect(&container[key]["exec"], &mut paths);
    }
    scan(&launch.model, &mut paths);
    launch.passthrough.iter().for_each(|word| scan(word, &mut paths));
    launch.kv_transfer_default.iter().for_each(|word| scan(word, &mut paths));
    launch.tls.iter().for_each(|tls| {
        scan(&tls.certificate, &mut paths);
        scan(&tls.key, &mut paths);
    });
    paths
}

fn collect(value: &Value, paths: &mut Vec<String>) {
    match value {
        Value::String(text) => scan(text, paths),
        Value::Array(items) => items.iter().for_each(|item| collect(item, paths)),
        Value::Object(map) => map.values().for_each(|item| collect(item, paths)),
        _ => {}
    }
}

/// Adds each path in `text`: a `/` at the start or behind a separator, up to the next separator.
fn scan(text: &str, paths: &mut Vec<String>) {
    let separator = |byte: u8| byte.is_ascii_whitespace() || b"=:,;\"'()[]{}<>|&`$".contains(&byte);
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(offset) = text[at..].find('/') {
        let start = at + offset;
        let end = (start..bytes.len()).find(|end| separator(bytes[*end])).unwrap_or(bytes.len());
        let begins = start == 0 || separator(bytes[start - 1]);
        // `//` behind a colon is the authority of a URL.
        let is_url = bytes.get(start + 1) == Some(&b'/') && start > 0 && bytes[start - 1] == b':';
        if begins && !is_url {
            let path = normalise(&text[start..end]);
            // `/` alone names no directory in particular.
            if path != "/" {
                paths.push(path);
            }
        }
        at = end.max(start + 1);
    }
}

/// `path` as the kernel reads it: absolute, without empty, `.` and `..` parts.
pub(crate) fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The named path that is `path`, or above or below it.
pub(crate) fn conflict<'a>(named: &'a [String], path: &str) -> Option<&'a str> {
    named.iter().map(String::as_str).find(|named| is_within(named, path) || is_within(path, named))
}

/// Whether `inner` is `outer` or below it.
pub(crate) fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the container mounts something at `path`.
pub(crate) fn mount_at<'a>(container: &'a Value, path: &str) -> Option<&'a Value> {
    let mounts = container["volumeMounts"].as_array()?;
    mounts.iter().find(|mount| json::text(mount, "mountPath").is_some_and(|p| normalise(p) == path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> Vec<String> {
        let mut paths = Vec::new();
        scan(text, &mut paths);
        paths
    }

    #[test]
    fn paths_in_text() {
        assert_eq!(scanned("/models/llama"), ["/models/llama"]);
        assert_eq!(scanned("--download-dir=/home/x/ -f '/a b'"), ["/home/x", "/a"]);
        assert_eq!(scanned("/usr/bin:/home/u/bin"), ["/usr/bin", "/home/u/bin"]);
        assert_eq!(scanned("{\"root_dir\":\"/mnt/kv\"}"), ["/mnt/kv"]);
        assert_eq!(scanned("//models/x /srv/../home/./t.jinja"), ["/models/x", "/home/t.jinja"]);
        assert_eq!(scanned("https://host/models deepseek-ai/x / a/b"), Vec::<String>::new());
    }

    #[test]
    fn over_under_and_above() {
        let named = ["/models/llama".to_owned(), "/data".to_owned()];
        assert_eq!(conflict(&named, "/models"), Some("/models/llama"));
        assert_eq!(conflict(&named, "/models/llama/x"), Some("/models/llama"));
        assert_eq!(conflict(&named, "/data"), Some("/data"));
        assert_eq!(conflict(&named, "/model"), None);
    }
}
