//! Where `tests/vllm/setup` put vLLM and the models, and the variables that vLLM wants on a CPU.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `setup` made.
pub(crate) struct Home {
    folder: PathBuf,
    /// Where Python has its packages.
    pub(crate) site: PathBuf,
}

/// One thread for each rank, one GiB of KV cache, forked children as in llm-d's image, and nothing from the network.
/// A process that a signal kills prints where it was.
const VARIABLES: [(&str, &str); 8] = [
    ("VLLM_CPU_KVCACHE_SPACE", "1"),
    ("VLLM_CPU_OMP_THREADS_BIND", "nobind"),
    ("OMP_NUM_THREADS", "1"),
    ("VLLM_WORKER_MULTIPROC_METHOD", "fork"),
    ("VLLM_NO_USAGE_STATS", "1"),
    ("HF_HUB_OFFLINE", "1"),
    ("PYTHONUNBUFFERED", "1"),
    ("PYTHONFAULTHANDLER", "1"),
];

impl Home {
    /// The same place as `setup` chooses; what is missing otherwise.
    pub(crate) fn find() -> Result<Self, String> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = variable("PREFILL_VLLM_HOME")
            .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("llm-d-prefill/vllm")))
            .or_else(|| variable("HOME").map(|home| home.join(".cache/llm-d-prefill/vllm")))
            .ok_or("neither `PREFILL_VLLM_HOME` nor `HOME` is set")?;
        if !folder.join("ready").exists() {
            return Err(format!("no vLLM in `{}`", folder.display()));
        }
        let site = fs::read_dir(folder.join("venv/lib"))
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().join("site-packages"))
            .find(|site| site.join("vllm").is_dir())
            .ok_or_else(|| format!("no `vllm` below `{}`", folder.join("venv/lib").display()))?;
        Ok(Self { folder, site })
    }

    /// The version that is installed, by the name of its metadata.
    pub(crate) fn version(&self) -> String {
        let names = fs::read_dir(&self.site).into_iter().flatten().flatten();
        let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let version = names
            .find_map(|name| Some(name.strip_prefix("vllm_cpu-")?.strip_suffix(".dist-info")?.to_owned()));
        version.unwrap_or_else(|| "of no version".to_owned())
    }

    /// A model: `dense` or `experts`.
    pub(crate) fn model(&self, name: &str) -> String {
        self.folder.join("models").join(name).display().to_string()
    }

    /// Where its programs are.
    pub(crate) fn programs(&self) -> PathBuf {
        self.folder.join("venv/bin")
    }

    /// Where the logs of this run are left.
    pub(crate) fn logs(&self) -> PathBuf {
        let logs = self.folder.join("logs");
        fs::create_dir_all(&logs).unwrap();
        logs
    }

    /// An environment of vLLM's own.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.env_clear().envs(VARIABLES);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.programs().display()));
        // What vLLM writes below HOME stays here.
        command.env("HOME", self.folder.join("home")).env("VLLM_CACHE_ROOT", self.folder.join("cache"));
        command.current_dir(&self.folder);
    }

    /// A file of vLLM's sources.
    pub(crate) fn source(&self, file: &str) -> String {
        fs::read_to_string(self.site.join(file)).unwrap_or_default()
    }

    /// Where the oracle is.
    pub(crate) fn oracle() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vllm/oracle.py").canonicalize().unwrap()
    }
}
