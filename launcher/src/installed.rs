//! The vLLM that is installed, found without starting Python: `vllm --version` takes half a minute of a
//! processor, reading a few files takes a millisecond, and a development build's version says little.
//!
//! [`program`] finds what would be executed, [`interpreter`] the Python that runs it, [`sites`] where that
//! Python looks for packages, [`package`] vLLM among them, and [`features`] what this vLLM can do.

mod features;
mod files;
mod interpreter;
mod package;
mod program;
mod sites;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use interpreter::Interpreter;
use package::Package;
use prefill_core::serve::Features;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The flag that names a `vllm` which is not on `PATH`, for messages.
const FLAG: &str = "--vllm";

/// An installed vLLM.
#[derive(Debug)]
pub(crate) struct Installed {
    /// Absolute path of `vllm`: what is to be executed.
    pub(crate) program: PathBuf,
    /// The Python that runs it, as its first line names it; none where it is no Python script.
    #[cfg_attr(not(test), expect(dead_code, reason = "the notes say it; tests compare it"))]
    pub(crate) python: Option<PathBuf>,
    /// The version as the package's metadata has it; it need not be one that says anything.
    #[cfg_attr(not(test), expect(dead_code, reason = "the notes say it; tests compare it"))]
    pub(crate) version: Option<String>,
    /// The folder of the package `vllm`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the notes say it; tests compare it"))]
    pub(crate) sources: Option<PathBuf>,
    /// What it can do.
    pub(crate) features: Features,
    /// One line each: what was found where, and what decided each feature.
    pub(crate) notes: Vec<String>,
}

/// Finds `vllm` in `path` (the value of `PATH`), or the one that is `given`, as `execvp` would.
pub(crate) fn find(path: Option<&OsStr>, given: Option<&Path>) -> Result<Installed, Failure> {
    let program = program::find(path, given)?;
    let shown = files::quoted(&program);
    let mut notes = Vec::new();
    let (python, package) = match interpreter::of(&program, path)? {
        Interpreter::Python(python) => {
            notes.push(format!("`vllm` is {shown}, run by {}", files::quoted(&python)));
            let sites = sites::of(&python, &program);
            let package = package::find(&sites);
            describe(&package, &python, &sites, &mut notes);
            (Some(python), package)
        }
        Interpreter::Other(what) => {
            notes.push(format!("`vllm` is {shown}, {what}: what it starts is not known"));
            (None, Package::default())
        }
    };
    let features = features::decide(package.sources.as_deref(), package.version.as_deref(), &mut notes);
    Ok(Installed { program, python, version: package.version, sources: package.sources, features, notes })
}

fn describe(package: &Package, python: &Path, sites: &[PathBuf], notes: &mut Vec<String>) {
    let version = package.version.as_deref().unwrap_or("of unknown version");
    match (&package.distribution, &package.sources) {
        (Some(distribution), Some(sources)) => notes.push(format!(
            "vLLM {version} in {}, its sources in {}",
            files::quoted(&distribution.directory),
            files::quoted(sources)
        )),
        (Some(distribution), None) => notes.push(format!(
            "vLLM {version} in {}, but its sources were not found",
            files::quoted(&distribution.directory)
        )),
        (None, Some(sources)) => {
            notes.push(format!("vLLM {version} in {}, without metadata", files::quoted(sources)));
        }
        (None, None) => {
            let searched: Vec<String> = sites.iter().map(|site| files::quoted(site)).collect();
            let searched = if searched.is_empty() { "none".to_owned() } else { searched.join(", ") };
            notes.push(format!("no vLLM among the packages of {}: {searched}", files::quoted(python)));
        }
    }
    // `vllm` asks for the version of the distribution `vllm` before it reads its first argument.
    if let Some(distribution) = package.distribution.as_ref().filter(|found| found.name != "vllm") {
        notes.push(format!(
            "the package was installed as `{}`; `vllm` ends with `PackageNotFoundError` unless metadata of \
             the name `vllm` is there too",
            distribution.name
        ));
    }
}
