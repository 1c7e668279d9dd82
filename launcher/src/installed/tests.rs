//! Machines with a vLLM on them, as installers leave them, in temporary directories.

mod hostile;
mod layouts;
mod programs;
mod versions;

use super::{Features, Installed, features, find};
use crate::failure::Failure;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const NONE: Features = Features {
    access_log_for_endpoints: false,
    shutdown_timeout: false,
    offloading_connector: false,
    file_tier: false,
};
const ALL: Features = Features {
    access_log_for_endpoints: true,
    shutdown_timeout: true,
    offloading_connector: true,
    file_tier: true,
};

/// The root of a machine's files.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn file(&self, path: &str, text: &str) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn program(&self, path: &str, text: &str) -> &Self {
        self.file(path, text);
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn link(&self, path: &str, target: impl AsRef<Path>) -> &Self {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
        self
    }

    /// A `vllm` as uv writes it.
    fn script(&self, path: &str, python: &str) -> &Self {
        let python = self.at(python);
        self.program(path, &format!("#!{}\n# -*- coding: utf-8 -*-\nimport sys\n", python.display()))
    }

    /// A venv as uv makes it, with a Python that is elsewhere.
    fn venv(&self, prefix: &str) -> &Self {
        let base = self.at("base/bin");
        self.program("base/bin/python3.12", "")
            .link(&format!("{prefix}/bin/python"), base.join("python3.12"))
            .link(&format!("{prefix}/bin/python3"), "python")
            .link(&format!("{prefix}/lib64"), "lib")
            .script(&format!("{prefix}/bin/vllm"), &format!("{prefix}/bin/python"))
            .file(
                &format!("{prefix}/pyvenv.cfg"),
                &format!(
                    "home = {}\nimplementation = CPython\nuv = 0.13.9\nversion_info = 3.12.1\n\
                     include-system-site-packages = false\n",
                    base.display()
                ),
            )
    }

    /// What pip writes down of a distribution.
    fn distribution(&self, site: &str, name: &str, version: &str) -> &Self {
        let directory = format!("{site}/{}-{version}.dist-info", name.replace('-', "_"));
        let metadata = format!(
            "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nSummary: serves\n\nVersion: 9.9\n"
        );
        self.file(&format!("{directory}/METADATA"), &metadata).file(
            &format!("{directory}/entry_points.txt"),
            "[console_scripts]\nvllm = vllm.entrypoints.cli.main:main\n",
        )
    }

    /// The package `vllm` in `folder`, with everything, or as it was before all of it.
    fn sources(&self, folder: &str, features: Features) -> &Self {
        let pick = |has: bool, text: &'static str| if has { text } else { "" };
        let flag = pick(
            features.shutdown_timeout,
            "        parser.add_argument(\n            \"--shutdown-timeout\",\n",
        );
        let field = pick(
            features.access_log_for_endpoints,
            "    disable_access_log_for_endpoints: str | None = None\n",
        );
        let spec = pick(features.offloading_connector, "register_spec(\n    \"TieringOffloadingSpec\",\n)\n");
        let tier = if features.file_tier { "fs" } else { "fs_python" };
        self.file(&format!("{folder}/vllm/__init__.py"), "")
            .file(&format!("{folder}/vllm/engine/arg_utils.py"), &format!("class EngineArgs:\n{flag}"))
            .file(
                &format!("{folder}/vllm/entrypoints/openai/cli_args.py"),
                &format!("class FrontendArgs:\n    disable_uvicorn_access_log: bool = False\n{field}"),
            )
            .file(&format!("{folder}/vllm/v1/kv_offload/factory.py"), spec);
        if features.offloading_connector {
            let text = format!("register_tier(\n    \"{tier}\",\n)\n");
            self.file(&format!("{folder}/vllm/v1/kv_offload/tiering/factory.py"), &text);
        }
        self
    }

    /// What is found with these directories on `PATH`.
    fn search(&self, path: &[&str]) -> Result<Installed, Failure> {
        let path = std::env::join_paths(path.iter().map(|directory| self.at(directory))).unwrap();
        find(Some(&path), None)
    }

    /// What is found where it must be.
    fn find(&self, path: &[&str]) -> Installed {
        let found = self.search(path).unwrap();
        // A note for what runs it, one at least for the package, and one for each feature.
        assert!(found.notes.len() >= 5, "{:?}", found.notes);
        found
    }
}

/// The code of the failure, and its words with `/` for the machine's root.
fn failure(machine: &Machine, result: Result<Installed, Failure>) -> (u8, String) {
    let failure = result.unwrap_err();
    assert!(failure.hint.is_some(), "{failure}");
    (failure.code, failure.message.replace(&format!("{}/", machine.0.path().display()), "/"))
}

/// What only a version decides, for the one gate that is asked in the table: 0.16.0.
fn by_version(version: &str) -> Option<bool> {
    let mut notes = Vec::new();
    let features = features::decide(None, Some(version), &mut notes);
    let unknown = notes.iter().all(|note| note.contains("does not say how old"));
    (!unknown).then_some(features.access_log_for_endpoints)
}

/// `Version(text) >= Version("0.16.0")` of Python's `packaging` 26.3; none where it is not a version,
/// or one before 0.2.
const VERSIONS: [(&str, Option<bool>); 38] = [
    ("0.16.0", Some(true)),
    ("0.16", Some(true)),
    ("0.16.0.0", Some(true)),
    ("v0.16.0", Some(true)),
    ("0.16.0rc1", Some(false)),
    ("0.16.0.rc.1", Some(false)),
    ("0.16.0a0", Some(false)),
    ("0.16.0-beta2", Some(false)),
    ("0.16.0.dev5", Some(false)),
    ("0.16.0.dev5+gabc", Some(false)),
    ("0.16.0rc2.dev12+g7b3f1c2.d20260114.precompiled", Some(false)),
    ("0.16.0+cpu", Some(true)),
    ("0.16.0+cu129.d20260301", Some(true)),
    ("0.16.0.post1", Some(true)),
    ("0.16.0-1", Some(true)),
    ("0.16.0.post1.dev3", Some(true)),
    ("0.15.99", Some(false)),
    ("0.15.0.post2", Some(false)),
    ("0.9.2", Some(false)),
    ("0.100.0", Some(true)),
    ("0.17.0rc1", Some(true)),
    ("0.16.1.dev0+g51f799c1a", Some(true)),
    ("1.0", Some(true)),
    ("1!0.1", Some(true)),
    ("0.16.0+UPPER.1", Some(true)),
    ("0.11.1rc3.dev44+g123abc.d20251101.precompiled", Some(false)),
    ("2026.1", Some(true)),
    ("0.1.dev1+g51f799c1a", None),
    ("0.1.dev11", None),
    ("0.0.0", None),
    ("0.1", None),
    ("0.2.0", Some(false)),
    ("dev", None),
    ("unknown", None),
    ("0.16.x", None),
    ("0.16.0-cpu", None),
    ("0..16", None),
    ("0.16.0+", None),
];

#[test]
fn versions_are_ordered_as_python_orders_them() {
    for (version, expected) in VERSIONS {
        assert_eq!(by_version(version), expected, "{version}");
    }
}

#[test]
fn each_feature_has_its_own_gate() {
    let features = |version| features::decide(None, Some(version), &mut Vec::new());
    let mut expected = NONE;
    assert_eq!(features("0.15.1"), expected);
    expected.access_log_for_endpoints = true;
    assert_eq!(features("0.16.0"), expected);
    assert_eq!(features("0.18.0rc2"), expected);
    expected.shutdown_timeout = true;
    assert_eq!(features("0.18.0"), expected);
    expected.offloading_connector = true;
    assert_eq!(features("0.22.1+cpu"), expected);
    assert_eq!(features("0.23.0"), ALL);
}

/// vLLM 0.10.2 has no folder `kv_offload`, which says as little as its version here.
#[test]
fn what_came_after_a_missing_feature_is_missing() {
    let machine = Machine::new();
    machine.sources("site", NONE);
    fs::remove_dir_all(machine.at("site/vllm/v1")).unwrap();
    let decide = |version| {
        let mut notes = Vec::new();
        (features::decide(Some(&machine.at("site/vllm")), version, &mut notes), notes)
    };
    let (found, notes) = decide(Some("0.1.dev1+g51f799c1a"));
    assert_eq!(found, NONE);
    assert_eq!(
        notes.last().unwrap(),
        "its tier `fs`: no, it came after `--disable-access-log-for-endpoints`, which this vLLM does not have"
    );
    assert_eq!(decide(None).0, NONE);
    // A version that says something is believed.
    assert_eq!(decide(Some("0.23.0")).0, Features { offloading_connector: true, file_tier: true, ..NONE });
}

#[test]
fn every_decision_says_what_it_rests_on() {
    let machine = Machine::new();
    machine.sources("site", Features { shutdown_timeout: false, ..ALL });
    let mut notes = Vec::new();
    features::decide(Some(&machine.at("site/vllm")), Some("0.19.0"), &mut notes);
    features::decide(None, Some("0.22.0"), &mut notes);
    features::decide(None, Some("0.1.dev1+g51f799c1a"), &mut notes);
    features::decide(None, None, &mut notes);
    let notes: Vec<String> =
        notes.iter().map(|note| note.replace(&format!("{}/", machine.0.path().display()), "/")).collect();
    let expected = [
        "`--disable-access-log-for-endpoints`: yes, it is in `/site/vllm/entrypoints/openai/cli_args.py`",
        "`--shutdown-timeout`: no, it is not in `/site/vllm/engine/arg_utils.py`, although vLLM has it since \
         0.18.0",
        "`TieringOffloadingSpec`: yes, it is in `/site/vllm/v1/kv_offload/factory.py`",
        "its tier `fs`: yes, it is in `/site/vllm/v1/kv_offload/tiering/factory.py`",
        "`--disable-access-log-for-endpoints`: yes, vLLM 0.22.0 is not older than 0.16.0",
        "`--shutdown-timeout`: yes, vLLM 0.22.0 is not older than 0.18.0",
        "`TieringOffloadingSpec`: yes, vLLM 0.22.0 is not older than 0.22.0",
        "its tier `fs`: no, vLLM 0.22.0 is older than 0.23.0",
        "`--disable-access-log-for-endpoints`: yes, version `0.1.dev1+g51f799c1a` does not say how old this \
         vLLM is",
    ];
    assert_eq!(notes.get(..expected.len()).unwrap(), expected);
    assert_eq!(notes.last().unwrap(), "its tier `fs`: yes, nothing says how old this vLLM is");
}
