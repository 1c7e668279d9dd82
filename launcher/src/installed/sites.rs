//! Where a Python looks for packages: what `getpath.py` and `site.py` do, without their stranger branches
//! (`PYTHONPATH`, `PYTHONHOME`, a user's own packages unless `vllm` lies beside them).

use super::files::{names, text};
use std::fs;
use std::path::{Path, PathBuf};

/// Most links that are followed from one Python to the next; the kernel gives up at 40.
const LINKS: usize = 40;

/// A venv, as its `pyvenv.cfg` tells it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Venv {
    /// Python's minor version.
    minor: Option<u32>,
    /// Prefix of the Python that it was made with, where that one's packages are seen too.
    system: Option<PathBuf>,
}

/// The directories in which `python` looks for packages when it runs `program`, those that are there.
pub(super) fn of(python: &Path, program: &Path) -> Vec<PathBuf> {
    let mut sites = Vec::new();
    let Some(prefix) = prefix(python) else { return sites };
    let links = links(python);
    let minor = links.iter().find_map(|link| minor(link.file_name()?.to_str()?));
    // Python looks for a venv around the path by which it was called, and only then follows links.
    if let Some(venv) = venv(prefix) {
        add(prefix, minor, Some(&venv), &mut sites);
        return sites;
    }
    let followed = links.iter().rev().filter_map(|link| {
        let directory = fs::canonicalize(link.parent()?).ok()?;
        directory.parent().map(Path::to_owned)
    });
    let mut prefixes: Vec<PathBuf> = followed.collect();
    prefixes.push(prefix.to_owned());
    // `pip install` as root of Ubuntu puts `vllm` into `/usr/local/bin`, `--user` into `~/.local/bin`.
    prefixes.extend(self::prefix(program).map(Path::to_owned));
    for prefix in prefixes {
        add(&prefix, minor, venv(&prefix).as_ref(), &mut sites);
    }
    sites
}

/// Adds the directories below `prefix`.
fn add(prefix: &Path, minor: Option<u32>, venv: Option<&Venv>, sites: &mut Vec<PathBuf>) {
    let mut put = |site: PathBuf| {
        let Ok(real) = fs::canonicalize(&site) else { return };
        // `lib64` is often a link to `lib`.
        let known = sites.iter().any(|known| fs::canonicalize(known).is_ok_and(|known| known == real));
        if real.is_dir() && !known {
            sites.push(site);
        }
    };
    let minor = minor.or_else(|| venv?.minor);
    // Debian keeps what pip installs below `/usr/local`, for the Python of `/usr`.
    let libraries: &[&str] =
        if venv.is_some() { &["lib", "lib64"] } else { &["local/lib", "local/lib64", "lib", "lib64"] };
    for library in libraries.iter().map(|library| prefix.join(library)) {
        for python in pythons(&library, minor) {
            put(python.join("site-packages"));
            if venv.is_none() {
                put(python.join("dist-packages"));
            }
        }
        if venv.is_none() {
            put(library.join("python3/dist-packages"));
        }
    }
    if let Some(system) = venv.and_then(|venv| venv.system.as_deref()) {
        add(system, minor, None, sites);
    }
}

/// The directories `python3.X` in `library`: those of `minor`, or where it is not known all, newest first.
fn pythons(library: &Path, minor: Option<u32>) -> Vec<PathBuf> {
    let mut found: Vec<(u32, String)> =
        names(library).into_iter().filter_map(|name| Some((self::minor(&name)?, name))).collect();
    found.retain(|(number, _)| minor.is_none_or(|minor| minor == *number));
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.into_iter().map(|(_, name)| library.join(name)).collect()
}

/// 12 of `python3.12`, and of `python3.12t`, the one without a global lock.
fn minor(name: &str) -> Option<u32> {
    let number = name.strip_prefix("python3.")?;
    number.strip_suffix('t').unwrap_or(number).parse().ok()
}

fn venv(prefix: &Path) -> Option<Venv> {
    let text = text(&prefix.join("pyvenv.cfg"))?;
    let value = |wanted: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    // venv writes `version = 3.12.1`, uv `version_info = 3.12.1`, virtualenv `version_info = 3.12.1.final.0`.
    let version = value("version_info").or_else(|| value("version"));
    let minor = version.and_then(|version| version.split('.').nth(1)?.parse().ok());
    let system = value("include-system-site-packages").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    let home = value("home").filter(|_| system).and_then(|home| Path::new(home).parent());
    Some(Venv { minor, system: home.map(Path::to_owned) })
}

/// `python`, and all that it leads to, link by link.
fn links(python: &Path) -> Vec<PathBuf> {
    let mut steps = vec![python.to_owned()];
    let mut at = python.to_owned();
    while let Ok(target) = fs::read_link(&at) {
        at = at.parent().unwrap_or(Path::new("/")).join(target);
        steps.push(at.clone());
        if steps.len() > LINKS {
            break;
        }
    }
    steps
}

/// `/opt/vllm` of `/opt/vllm/bin/python`.
fn prefix(program: &Path) -> Option<&Path> {
    program.parent()?.parent()
}
