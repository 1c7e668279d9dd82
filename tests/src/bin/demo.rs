//! `make demo`: the shipped module in the engine of the real policy server, on two prefill pods; what
//! differs after it, with the reason at every change.
#![allow(clippy::print_stdout, reason = "the demonstration is this program's output")]

use prefill_conformance::corpus;
use prefill_conformance::demo::{Kind, sheet};
use prefill_conformance::policy_server_host::Module;
use serde_json::Value;
use std::io::{IsTerminal as _, stdout};
use std::{env, error::Error, fs};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A leader as KServe 0.20 makes it, script and all.
const CASE: &str = "mutate/kserve-v0.9.0-leader";
/// A pod by hand: nothing but an image, a command and a GPU.
const PLAIN: &str = "mutate/modelservice-image-kept";

fn main() -> Result<()> {
    let module = Module::new(&fs::read(corpus::folder().join("../policy.wasm"))?)?;
    let asked: Vec<String> = env::args().skip(1).collect();
    let cases = if asked.is_empty() { vec![CASE.to_owned(), PLAIN.to_owned()] } else { asked };
    for case in cases {
        let (kind, name) = case.split_once('/').ok_or("a case is KIND/NAME")?;
        let case =
            corpus::cases(kind)?.into_iter().find(|case| case.name == name).ok_or("there is no such case")?;
        show(&module, &case)?;
    }
    Ok(())
}

fn show(module: &Module, case: &corpus::Case) -> Result<()> {
    let reply = module.call("validate", &case.payload)?;
    let response: Value = serde_json::from_slice(&reply.bytes)?;
    let before = case.pod().ok_or("the case has no pod")?;
    let coloured = stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let paint = |kind, text: &str| {
        if coloured { format!("\x1b[{}m{text}\x1b[0m", colour(kind)) } else { text.to_owned() }
    };
    println!("{}", paint(Kind::Head, &format!("━━ {} ━━", case.path())));
    for row in sheet(&before, &response)? {
        println!("{}", paint(row.kind, &row.text));
    }
    println!();
    Ok(())
}

/// As git colours a diff; a reason is yellow.
fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Head => "36",
        Kind::Reason => "33",
        Kind::Removed => "31",
        Kind::Added => "32",
        Kind::Verdict => "1",
        Kind::Warning => "1;33",
    }
}
