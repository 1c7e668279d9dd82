//! A machine as readable text (`tests/machines/*.machine`), unpacked into a directory for `--sysroot`.
//! The format is told in `tests/machines/README.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::symlink;
use std::path::Path;

/// One machine.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    /// Environment of the pod.
    pub(crate) environment: Vec<(String, String)>,
    /// Flags of the launcher.
    pub(crate) options: Vec<String>,
    /// What the plan must say.
    pub(crate) wants: Vec<String>,
    entries: BTreeMap<String, Entry>,
    network: Network,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Directory,
    File(String),
    Link(String),
}

#[derive(Debug, Default)]
struct Network {
    indices: BTreeMap<String, u32>,
    addresses: Vec<(String, IpAddr, u8)>,
    routes: Vec<(String, IpAddr, u8, Option<IpAddr>, u32)>,
}

impl Machine {
    /// The machine that `text` describes.
    pub(crate) fn parse(text: &str) -> Self {
        let mut machine = Self::default();
        machine.netdev("sys/devices/virtual", "lo", 1, true);
        machine.network.addresses.push(("lo".to_owned(), Ipv4Addr::LOCALHOST.into(), 8));
        machine.network.addresses.push(("lo".to_owned(), Ipv6Addr::LOCALHOST.into(), 128));
        let mut stack: Vec<(usize, String)> = Vec::new();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let indent = line.len() - line.trim_start().len();
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            stack.retain(|(depth, _)| *depth < indent);
            let base = stack.last().map_or("", |(_, path)| path.as_str()).to_owned();
            if let Some(path) = content.strip_suffix(": |") {
                let mut body = String::new();
                while let Some((_, next)) = lines.next_if(|(_, next)| next.trim_start().starts_with('|')) {
                    let next = next.trim_start().trim_start_matches('|');
                    body += next.strip_prefix(' ').unwrap_or(next);
                    body.push('\n');
                }
                machine.put(&join(&base, path), Entry::File(body));
            } else if let Some(below) = machine.line(&base, content, number + 1) {
                stack.push((indent, below));
            }
        }
        machine
    }

    /// Reads one line; what it opens, if it opens something.
    fn line(&mut self, base: &str, content: &str, number: usize) -> Option<String> {
        let words: Vec<&str> = content.split_whitespace().collect();
        match words.as_slice() {
            ["env", ..] if base.is_empty() => {
                let (name, value) = content["env ".len()..].split_once('=').expect("env NAME=value");
                self.environment.push((name.to_owned(), value.to_owned()));
            }
            ["option", ..] if base.is_empty() => {
                self.options.push(content["option ".len()..].trim().to_owned());
            }
            ["want", ..] if base.is_empty() => self.wants.push(content["want ".len()..].trim().to_owned()),
            ["address", netdev, address] => {
                let (address, prefix) = prefixed(address);
                self.network.addresses.push(((*netdev).to_owned(), address, prefix));
            }
            ["route", netdev, destination, rest @ ..] => self.route(netdev, destination, rest),
            ["netdev", name, index, rest @ ..] => {
                let index = index.parse().expect("index of a netdev");
                let place = if base.is_empty() { "sys/devices/virtual" } else { base };
                self.netdev(place, name, index, !rest.contains(&"down"));
            }
            ["driver", name] if base.starts_with("sys/") => {
                let up = "../".repeat(base.split('/').count() - 1);
                self.put(&format!("{base}/driver"), Entry::Link(format!("{up}bus/pci/drivers/{name}")));
            }
            ["hca", rest @ ..] if base.starts_with("sys/") => return Some(self.hca(base, rest)),
            ["gid", index, address, kind, netdev] if base.contains("/ports/") => {
                self.gid(base, index, address, kind, netdev);
            }
            [path, "->", target] => {
                self.put(&join(base, path), Entry::Link((*target).to_owned()));
            }
            [path, "!"] => self.put(&join(base, path), Entry::Directory),
            [path] if path.ends_with('/') => {
                let path = join(base, path.trim_end_matches('/'));
                self.put(&path, Entry::Directory);
                return Some(path);
            }
            _ => {
                let (path, text) =
                    content.split_once(':').unwrap_or_else(|| panic!("line {number}: `{content}`"));
                let text = text.trim();
                let text = if text.is_empty() { String::new() } else { format!("{text}\n") };
                self.put(&join(base, path), Entry::File(text));
            }
        }
        None
    }

    fn put(&mut self, path: &str, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
    }

    fn route(&mut self, netdev: &str, destination: &str, rest: &[&str]) {
        let (destination, prefix) = match destination {
            "default" => (Ipv4Addr::UNSPECIFIED.into(), 0),
            "default6" => (Ipv6Addr::UNSPECIFIED.into(), 0),
            other => prefixed(other),
        };
        let behind = |word: &str| rest.iter().position(|one| *one == word).and_then(|at| rest.get(at + 1));
        let gateway = behind("via").map(|text| text.parse().expect("gateway"));
        let metric = behind("metric").map_or(0, |text| text.parse().expect("metric"));
        self.network.routes.push((netdev.to_owned(), destination, prefix, gateway, metric));
    }

    fn netdev(&mut self, place: &str, name: &str, index: u32, up: bool) {
        let path = format!("{place}/net/{name}");
        let flags = if name == "lo" {
            0x9
        } else if up {
            0x1003
        } else {
            0x1002
        };
        self.put(&format!("{path}/ifindex"), Entry::File(format!("{index}\n")));
        self.put(&format!("{path}/flags"), Entry::File(format!("{flags:#x}\n")));
        let state = if name == "lo" {
            "unknown"
        } else if up {
            "up"
        } else {
            "down"
        };
        self.put(&format!("{path}/operstate"), Entry::File(format!("{state}\n")));
        self.put(&format!("{path}/mtu"), Entry::File("9000\n".to_owned()));
        self.class("net", name, &path);
        self.network.indices.insert(name.to_owned(), index);
    }

    fn class(&mut self, class: &str, name: &str, path: &str) {
        let target = format!("../../{}", path.strip_prefix("sys/").expect("below sys/"));
        self.put(&format!("sys/class/{class}/{name}"), Entry::Link(target));
    }

    fn hca(&mut self, base: &str, words: &[&str]) -> String {
        let (node, name) = match words {
            [name @ .., node] if !name.is_empty() && node.starts_with("uverbs") => {
                (Some(*node), name.join(" "))
            }
            name => (None, name.join(" ")),
        };
        let path = format!("{base}/infiniband/{name}");
        self.class("infiniband", &name, &path);
        if !base.contains("/virtual") {
            let function = base.rsplit('/').next().unwrap_or(base);
            self.put(&format!("{path}/device"), Entry::Link(format!("../../../{function}")));
        }
        if let Some(node) = node {
            let verbs = format!("{base}/infiniband_verbs/{node}");
            self.put(&format!("{verbs}/ibdev"), Entry::File(format!("{name}\n")));
            let minor = 192 + node.trim_start_matches("uverbs").parse::<u32>().unwrap_or(0);
            self.put(&format!("{verbs}/dev"), Entry::File(format!("231:{minor}\n")));
            self.class("infiniband_verbs", node, &verbs);
        }
        self.put(&path, Entry::Directory);
        path
    }

    fn gid(&mut self, port: &str, index: &str, address: &str, kind: &str, netdev: &str) {
        let gid: Ipv6Addr = address.parse().unwrap_or_else(|_| panic!("GID {address}"));
        let groups: Vec<String> = gid.segments().iter().map(|group| format!("{group:04x}")).collect();
        self.put(&format!("{port}/gids/{index}"), Entry::File(groups.join(":") + "\n"));
        let kind = match kind {
            "v1" => Some("IB/RoCE v1"),
            "v2" => Some("RoCE v2"),
            _ => None,
        };
        if let Some(kind) = kind {
            self.put(&format!("{port}/gid_attrs/types/{index}"), Entry::File(format!("{kind}\n")));
        }
        if netdev != "-" {
            self.put(&format!("{port}/gid_attrs/ndevs/{index}"), Entry::File(format!("{netdev}\n")));
        }
    }

    /// Writes it below `root`.
    pub(crate) fn unpack(&self, root: &Path) {
        let mut entries = self.entries.clone();
        let status = "Name:\tprefill-launcher\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n";
        entries.entry("proc/self/status".to_owned()).or_insert_with(|| Entry::File(status.to_owned()));
        if entries.get("proc/net") != Some(&Entry::Directory) {
            for (name, text) in self.network.files() {
                entries.entry(format!("proc/net/{name}")).or_insert(Entry::File(text));
            }
        }
        for (path, entry) in &entries {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directory");
            match entry {
                Entry::Directory => fs::create_dir_all(&path).expect("directory"),
                Entry::File(text) => {
                    fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                }
                Entry::Link(target) => symlink(target, &path).expect("link"),
            }
        }
    }
}

impl Network {
    fn files(&self) -> Vec<(&'static str, String)> {
        let mut trie = String::from(
            "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\nLocal:\n",
        );
        let mut inet6 = String::new();
        let mut route = String::from(
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n",
        );
        let mut route6 = String::new();
        for (netdev, address, prefix) in &self.addresses {
            match address {
                IpAddr::V4(address) => {
                    writeln!(trie, "     |-- {address}\n        /32 host LOCAL").unwrap();
                    if netdev != "lo" {
                        line4(
                            &mut route,
                            netdev,
                            Ipv4Addr::from_bits(address.to_bits() & mask4(*prefix)),
                            *prefix,
                            None,
                            0,
                        );
                    }
                }
                IpAddr::V6(address) => {
                    let index = self.indices.get(netdev).unwrap_or_else(|| panic!("no netdev `{netdev}`"));
                    let scope = if address.segments()[0] == 0xfe80 { "20" } else { "00" };
                    writeln!(
                        inet6,
                        "{:032x} {index:02x} {prefix:02x} {scope} 80 {netdev:>8}",
                        address.to_bits()
                    )
                    .unwrap();
                    let mask = u128::MAX.checked_shl(128 - u32::from(*prefix)).unwrap_or(0);
                    line6(
                        &mut route6,
                        netdev,
                        Ipv6Addr::from_bits(address.to_bits() & mask),
                        *prefix,
                        None,
                        256,
                    );
                    // The kernel lists the address itself there too.
                    writeln!(
                        route6,
                        "{:032x} 80 {:032x} 00 {:032x} 00000000 00000002 00000000 80200001 {netdev:>8}",
                        address.to_bits(),
                        0,
                        0
                    )
                    .unwrap();
                }
            }
        }
        for (netdev, destination, prefix, gateway, metric) in &self.routes {
            match destination {
                IpAddr::V4(to) => line4(&mut route, netdev, *to, *prefix, *gateway, *metric),
                IpAddr::V6(to) => line6(&mut route6, netdev, *to, *prefix, *gateway, *metric),
            }
        }
        vec![("fib_trie", trie), ("if_inet6", inet6), ("route", route), ("ipv6_route", route6)]
    }
}

fn line4(text: &mut String, netdev: &str, to: Ipv4Addr, prefix: u8, gateway: Option<IpAddr>, metric: u32) {
    let hex = |address: Ipv4Addr| format!("{:08X}", u32::from_ne_bytes(address.octets()));
    let (flags, gateway) = match gateway {
        Some(IpAddr::V4(gateway)) => (3, hex(gateway)),
        _ => (1, hex(Ipv4Addr::UNSPECIFIED)),
    };
    let mask = hex(Ipv4Addr::from_bits(mask4(prefix)));
    writeln!(text, "{netdev}\t{}\t{gateway}\t{flags:04X}\t0\t0\t{metric}\t{mask}\t0\t0\t0", hex(to)).unwrap();
}

fn line6(text: &mut String, netdev: &str, to: Ipv6Addr, prefix: u8, gateway: Option<IpAddr>, metric: u32) {
    let (flags, gateway) = match gateway {
        Some(IpAddr::V6(gateway)) => (3, gateway.to_bits()),
        _ => (1, 0),
    };
    let zero = 0_u128;
    writeln!(
        text,
        "{:032x} {prefix:02x} {zero:032x} 00 {gateway:032x} {metric:08x} 00000001 00000000 {flags:08x} {netdev:>8}",
        to.to_bits()
    )
    .unwrap();
}

fn mask4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn prefixed(text: &str) -> (IpAddr, u8) {
    let (address, prefix) =
        text.split_once('/').unwrap_or_else(|| panic!("`{text}`, expected ADDRESS/PREFIX"));
    (address.parse().expect("address"), prefix.parse().expect("prefix"))
}

fn join(base: &str, path: &str) -> String {
    if base.is_empty() { path.to_owned() } else { format!("{base}/{path}") }
}
