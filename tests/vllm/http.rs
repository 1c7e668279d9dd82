//! As much of HTTP as asking vLLM takes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Status and body; none where nobody answers.
fn ask(port: u16, head: &str, body: &str, patience: Duration) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split_whitespace().nth(1)?.parse().ok()?, body.to_owned()))
}

/// `GET PATH`.
pub(crate) fn get(port: u16, path: &str) -> Option<(u16, String)> {
    ask(port, &format!("GET {path} HTTP/1.1"), "", Duration::from_mins(1))
}

/// A completion of so many tokens, by one rank.
pub(crate) fn complete(port: u16, rank: u32, tokens: u32, patience: Duration) -> Option<(u16, String)> {
    let head = format!("POST /v1/completions HTTP/1.1\r\nX-data-parallel-rank: {rank}");
    let body = format!(
        r#"{{"model":"tiny","prompt":"abc","max_tokens":{tokens},"ignore_eos":true,"temperature":0}}"#
    );
    ask(port, &head, &body, patience)
}
