//! `install DIR`, as the init container runs it.

use crate::program::{launcher, run};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

#[test]
fn the_copy_is_the_program_and_twice_is_once() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("opt/prefill-launcher");
    let install = || run(launcher().arg("install").arg(folder.path().join("opt")));
    let first = install();
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.stdout, format!("`{}` installed\n", target.display()));
    assert_eq!(fs::read(&target).unwrap(), fs::read(env!("CARGO_BIN_EXE_prefill-launcher")).unwrap());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o755);
    let before = fs::metadata(&target).unwrap().ino();
    assert!(install().stdout.ends_with("was there already\n"));
    assert_eq!(fs::metadata(&target).unwrap().ino(), before);
    let version = Command::new(&target).arg("--version").env_clear().output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("prefill-launcher "));
    // What is broken or older is replaced, and nothing else is left in the directory.
    fs::write(&target, "half").unwrap();
    assert!(install().stdout.ends_with("installed\n"));
    assert_eq!(fs::read_dir(folder.path().join("opt")).unwrap().count(), 1);
}

#[test]
fn a_umask_takes_no_bit_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask 077; exec \"$0\" install \"$1\""]).arg(env!("CARGO_BIN_EXE_prefill-launcher"));
    assert_eq!(run(command.arg(folder.path())).code, 0);
    let mode = fs::metadata(folder.path().join("prefill-launcher")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn where_it_cannot_be_written_is_said() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let answer = run(launcher().arg("install").arg(file.path()));
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.stderr.contains("cannot be written: "), "{}", answer.stderr);
    assert!(answer.stderr.contains("hint: mount a writable volume"), "{}", answer.stderr);
    assert_eq!(run(launcher().arg("install")).code, 64);
}
