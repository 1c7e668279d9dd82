//! What the binary asks of the image it runs in: UBI 9, with glibc 2.34 and no RDMA package.

use std::process::Command;

/// The newest symbols that may be needed.
const GLIBC: (u32, u32) = (2, 34);

fn readelf(flag: &str) -> String {
    let mut command = Command::new("readelf");
    let output = command.args([flag, "--wide", env!("CARGO_BIN_EXE_prefill-launcher")]).output();
    String::from_utf8(output.expect("readelf, of binutils, which the C compiler needs too").stdout).unwrap()
}

#[test]
fn nothing_is_needed_but_the_c_library() {
    let text = readelf("--dynamic");
    let needed: Vec<&str> = text.lines().filter(|line| line.contains("(NEEDED)")).collect();
    assert!(!needed.is_empty(), "{text}");
    for line in needed {
        let known = ["[libc.so.6]", "[libm.so.6]", "[libgcc_s.so.1]", "[ld-linux-"];
        assert!(known.iter().any(|name| line.contains(name)), "{line}");
    }
}

#[test]
fn no_symbol_is_newer_than_the_image() {
    let text = readelf("--version-info");
    let versions: Vec<(u32, u32)> = text
        .split("GLIBC_")
        .skip(1)
        .filter_map(|rest| {
            let mut parts =
                rest.split(|letter: char| !letter.is_ascii_digit() && letter != '.').next()?.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        })
        .collect();
    assert!(versions.len() > 3, "{text}");
    assert!(versions.iter().all(|version| *version <= GLIBC), "{versions:?}");
}
