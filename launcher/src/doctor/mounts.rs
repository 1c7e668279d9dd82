//! What is mounted (`/proc/self/mountinfo`), and the two mounts that are looked into.

use super::Reader;
use prefill_rdma::doctor::{Facts, Mount};

pub(super) fn read(reader: &mut Reader<'_>, facts: &mut Facts) {
    let lines: Option<Vec<Line>> =
        reader.read("proc/self/mountinfo").map(|text| text.lines().filter_map(line).collect());
    facts.shared_memory = shared_memory(reader, lines.as_deref());
    if let Ok(certificates) = reader.root.directory("etc/ssl/certs") {
        // Debian's and Red Hat's bundle, or files that OpenSSL looks for by hash.
        let bundle = certificates.has("ca-certificates.crt") || certificates.has("ca-bundle.crt");
        let by_hash = || certificates.names().iter().any(|name| name.ends_with(".0"));
        facts.authorities = Some(bundle || by_hash());
    }
    facts.mounts = lines.map(|lines| lines.into_iter().map(|line| line.mount).collect());
}

struct Line {
    mount: Mount,
    /// `size=` of a tmpfs, bytes.
    size: Option<u64>,
}

/// `30 25 0:27 / /dev/shm rw,noexec shared:4 - tmpfs shm rw,size=65536k`: number, parent, device, root, point,
/// options, more fields; behind the dash the file system, its source, its own options.
fn line(text: &str) -> Option<Line> {
    let (mount, source) = text.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(4);
    let (point, options) = (mount.next()?, mount.next()?);
    let mut source = source.split(' ');
    let file_system = source.next()?;
    let size = source.nth(1).and_then(|options| options.split(',').find_map(|one| one.strip_prefix("size=")));
    Some(Line {
        mount: Mount {
            point: unescaped(point),
            file_system: file_system.to_owned(),
            no_exec: options.split(',').any(|option| option == "noexec"),
        },
        size: size.and_then(bytes),
    })
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, letter)| text.replace(code, letter))
}

/// `65536k`
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['k', 'm', 'g']);
    let unit = match text.strip_prefix(digits)? {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Of this machine, what the file system says; of another one, what its mount said.
fn shared_memory(reader: &mut Reader<'_>, lines: Option<&[Line]>) -> Option<u64> {
    let path = "dev/shm";
    if !reader.root.is_here() {
        return lines?.iter().rfind(|line| line.mount.point == "/dev/shm")?.size;
    }
    let size = reader.root.directory(path).and_then(|directory| directory.size());
    size.map_err(|error| reader.note(path, error)).ok()
}

#[cfg(test)]
mod tests {
    use super::{bytes, line};

    #[test]
    fn lines_have_a_dash_in_the_middle() {
        let text = "30 25 0:27 / /dev/shm rw,nosuid,noexec shared:4 - tmpfs shm rw,size=65536k";
        let found = line(text).unwrap();
        assert_eq!((found.mount.point.as_str(), found.mount.no_exec), ("/dev/shm", true));
        assert_eq!((found.mount.file_system.as_str(), found.size), ("tmpfs", Some(64 << 20)));
        let text = "31 25 0:28 / /mnt/a\\040b\\134c rw - overlay overlay rw,lowerdir=/x";
        let found = line(text).unwrap();
        assert_eq!((found.mount.point.as_str(), found.mount.no_exec), ("/mnt/a b\\c", false));
        assert_eq!(found.size, None);
        assert!(line("30 25 0:27 /").is_none());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("65536k"), Some(64 << 20));
        assert_eq!(bytes("1g"), Some(1 << 30));
        assert_eq!(bytes("512"), Some(512));
        assert_eq!(bytes("50%"), None);
        assert_eq!(bytes("k"), None);
    }
}
