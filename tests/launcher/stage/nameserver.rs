//! A name server that answers by a script, and nothing else.
//!
//! A line of the script is a name, `A` or `AAAA`, and the answers to its questions in turn; the last one stays:
//! `leader.llm A nxdomain*2 10.0.0.1,10.0.0.2`. Answers are `nxdomain`, `servfail`, `refused`, `silence`, `nodata` and
//! addresses with commas. A name that no line has is answered as `*` is, or `nxdomain`; its other type is `nodata`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked and answered, in order: `A leader.llm nxdomain`.
pub(crate) type Journal = Arc<Mutex<Vec<String>>>;

type Table = BTreeMap<(String, u16), Vec<String>>;

const TYPES: [(&str, u16); 2] = [("A", 1), ("AAAA", 28)];

/// Answers at `address` from now on.
pub(crate) fn start(address: SocketAddr, script: &str) -> std::io::Result<Journal> {
    let socket = UdpSocket::bind(address)?;
    let (mut table, journal) = (parse(script), Journal::default());
    let written = Arc::clone(&journal);
    thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let Some((name, kind, question)) = question(&packet[..length]) else { continue };
            let answer = next(&mut table, &name, kind);
            let word = TYPES.iter().find(|(_, number)| *number == kind).map_or("?", |(word, _)| word);
            written.lock().expect("the journal").push(format!("{word} {name} {answer}"));
            if answer != "silence" {
                let _ = socket.send_to(&reply(&packet[..2], question, &answer), from);
            }
        }
    });
    Ok(journal)
}

fn parse(script: &str) -> Table {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, kind, answers @ ..] = words.as_slice() else { panic!("`{line}`") };
        let kind = TYPES.iter().find(|(word, _)| word == kind).unwrap_or_else(|| panic!("`{line}`")).1;
        let times = |word: &&str| {
            let (word, times) = word.split_once('*').unwrap_or((*word, "1"));
            vec![word.to_owned(); times.parse().expect("a number behind `*`")]
        };
        assert!(!answers.is_empty(), "`{line}`");
        (((*name).to_owned(), kind), answers.iter().flat_map(times).collect())
    };
    lines.map(line).collect()
}

/// The answer whose turn it is.
fn next(table: &mut Table, name: &str, kind: u16) -> String {
    let known = table.keys().any(|(one, _)| one == name);
    let name = if known { name } else { "*" };
    match table.get_mut(&(name.to_owned(), kind)) {
        Some(answers) if answers.len() > 1 => answers.remove(0),
        Some(answers) => answers[0].clone(),
        None => if known { "nodata" } else { "nxdomain" }.to_owned(),
    }
}

/// Name, type and bytes of the one question in `packet`.
fn question(packet: &[u8]) -> Option<(String, u16, &[u8])> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(packet.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]);
    Some((labels.join("."), kind, packet.get(12..at + 4)?))
}

fn reply(id: &[u8], question: &[u8], answer: &str) -> Vec<u8> {
    let code: u8 = match answer {
        "nxdomain" => 3,
        "servfail" => 2,
        "refused" => 5,
        _ => 0,
    };
    let addresses: Vec<IpAddr> = answer.split(',').filter_map(|word| word.parse().ok()).collect();
    assert!(code != 0 || answer == "nodata" || !addresses.is_empty(), "`{answer}`");
    let count = u8::try_from(addresses.len()).expect("few addresses");
    let mut packet = id.to_vec();
    // A response with recursion, and how much stands in each section.
    packet.extend([0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
    packet.extend(question);
    for address in addresses {
        let (kind, bytes) = match address {
            IpAddr::V4(address) => (1, address.octets().to_vec()),
            IpAddr::V6(address) => (28, address.octets().to_vec()),
        };
        // The name is the one at offset 12; class IN; five seconds.
        packet.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 5, 0]);
        packet.push(u8::try_from(bytes.len()).expect("16 at most"));
        packet.extend(bytes);
    }
    packet
}
