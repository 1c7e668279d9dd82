//! A pod's script, run by a real bash where nothing but a stand-in for vLLM can be started.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::{ADDRESS, Release, Started};

/// What scripts may call: nothing that writes, deletes or speaks to others.
const HARMLESS: [&str; 13] =
    ["awk", "basename", "cat", "cut", "dirname", "grep", "head", "sed", "seq", "sort", "tail", "tr", "wc"];

/// For what takes a second where no machine is busy.
const LIMIT: Duration = Duration::from_mins(1);

/// Runs bash with `words`.
pub(super) fn run(
    words: &[String],
    environment: &BTreeMap<String, String>,
    release: Release,
) -> Result<Started, String> {
    started(words, environment, release).map_err(|error| format!("the script: {error}"))
}

fn started(
    words: &[String],
    environment: &BTreeMap<String, String>,
    release: Release,
) -> io::Result<Started> {
    let folder = tempfile::tempdir()?;
    programs(folder.path(), release)?;
    let mut command = Command::new("/bin/bash");
    command.args(words).env_clear().envs(environment).env("PATH", folder.path()).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    wait(command.spawn()?)?;
    let read = |name: &str| fs::read_to_string(folder.path().join(name));
    let words = read("words").map_err(|_| io::Error::other("vLLM is not started"))?;
    // KServe's template leaves blanks where an option is left out, which bash keeps in quotes.
    let words = words.split_terminator('\0').map(|word| word.trim().to_owned());
    let variables = read("variables")?;
    let variables = variables.split_terminator('\0').filter_map(|one| one.split_once('='));
    Ok(Started {
        words: words.filter(|word| !word.is_empty()).collect(),
        environment: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    })
}

fn programs(folder: &Path, release: Release) -> io::Result<()> {
    for name in HARMLESS {
        symlink(Path::new("/usr/bin").join(name), folder.join(name))?;
    }
    let place = folder.display();
    // A second vLLM would find the first one's port taken.
    let vllm = format!(
        "#!/bin/bash\nif [ \"$1\" = --version ]; then echo 'vllm {version}'; exit; fi\n\
         set -o noclobber\nprintf '%s\\0' \"$@\" > '{place}/words' && cat /proc/self/environ > '{place}/variables'\n",
        version = release.version()
    );
    for (name, text) in [
        ("vllm", vllm),
        ("getent", format!("#!/bin/bash\necho '{ADDRESS} leader'\n")),
        ("sleep", "#!/bin/bash\n".to_owned()),
    ] {
        fs::write(folder.join(name), text)?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn wait(mut child: Child) -> io::Result<()> {
    let begin = Instant::now();
    while child.try_wait()?.is_none() {
        if begin.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "takes too long"));
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash(script: &str, arguments: &[&str]) -> io::Result<Started> {
        let words: Vec<String> =
            ["-c", script, "--"].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        let environment = [("EXTRA".to_owned(), "--dtype half".to_owned())].into();
        started(&words, &environment, Release::New)
    }

    #[test]
    fn vllm_gets_what_bash_makes_of_the_script() {
        let script = "export VLLM_MLA_DISABLE=1\neval \"exec vllm serve /m '' \\\n  $EXTRA $@\"";
        let started = bash(script, &["--x 'a b'", "  --y"]).unwrap();
        assert_eq!(started.words, ["serve", "/m", "--dtype", "half", "--x", "a b", "--y"]);
        assert_eq!(started.environment["VLLM_MLA_DISABLE"], "1");
    }

    #[test]
    fn the_version_and_the_leader_can_be_asked_for() {
        let script = "vllm serve $(vllm --version | tail -1 | awk '{print $NF}') $(getent hosts x | cut -d ' ' -f 1); vllm serve other";
        assert_eq!(bash(script, &[]).unwrap().words, ["serve", "0.99.0", "10.0.0.1"]);
    }

    #[test]
    fn a_script_can_end_without_vllm() {
        for script in ["true", "rm -r /nothing && vllm serve x", "if"] {
            assert_eq!(bash(script, &[]).unwrap_err().to_string(), "vLLM is not started", "{script}");
        }
    }
}
