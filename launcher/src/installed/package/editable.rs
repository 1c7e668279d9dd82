//! Where the sources are of what was installed with `pip install -e`.

use super::super::files::text;
use super::package;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The folder of the package, by what makes Python find it: a finder that setuptools wrote, or a line of a
/// `.pth` file.
pub(super) fn linked(site: &Path, names: &[String]) -> Option<PathBuf> {
    let ours = |name: &&String| name.contains("vllm") || name.as_str() == "easy-install.pth";
    names.iter().filter(ours).find_map(|name| match name.rsplit_once('.')? {
        (stem, "py") if stem.starts_with("__editable__") => {
            let package = mapped(&text(&site.join(name))?)?;
            package.join("__init__.py").is_file().then_some(package)
        }
        (_, "pth") => text(&site.join(name))?
            .lines()
            .filter(|line| !line.starts_with("import ") && !line.starts_with('#'))
            .find_map(|line| package(&site.join(line.trim_end()))),
        _ => None,
    })
}

/// The folder of the package, by what pip and uv wrote down of where it came from.
pub(super) fn origin(distribution: &Path) -> Option<PathBuf> {
    let text = text(&distribution.join("direct_url.json"))?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    if json.pointer("/dir_info/editable")?.as_bool() != Some(true) {
        return None;
    }
    let folder = file(json.get("url")?.as_str()?)?;
    package(&folder).or_else(|| package(&folder.join("src")))
}

/// The path in a `file` URL of this machine.
fn file(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    path.starts_with('/').then(|| PathBuf::from(OsString::from_vec(decoded(path.as_bytes()))))
}

/// `%20` becomes a space; what is no such escape stays.
fn decoded(mut text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        text = rest;
        if let (b'%', [high, low, rest @ ..]) = (*first, rest)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            bytes.push(high << 4 | low);
            text = rest;
        } else {
            bytes.push(*first);
        }
    }
    bytes
}

/// The folder of `vllm` in a finder: `MAPPING: dict[str, str] = {'vllm': '/opt/vllm-source/vllm'}`.
fn mapped(finder: &str) -> Option<PathBuf> {
    let line = finder.lines().find(|line| line.starts_with("MAPPING"))?;
    let (_, value) = line.split_once("'vllm': ")?;
    literal(value).map(PathBuf::from)
}

/// The Python string that `text` begins with; none where more than a quote or a backslash is escaped in it.
fn literal(text: &str) -> Option<String> {
    let mut rest = text.chars();
    let quote = rest.next().filter(|first| matches!(first, '\'' | '"'))?;
    let mut value = String::new();
    loop {
        match rest.next()? {
            '\\' => value.push(rest.next().filter(|next| matches!(next, '\\' | '\'' | '"'))?),
            next if next == quote => return Some(value),
            next => value.push(next),
        }
    }
}
