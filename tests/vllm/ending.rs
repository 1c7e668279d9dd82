//! How a process ended, and what vLLM's log tells of the processes behind it. Text to text: `tests/launcher/vllm.rs`
//! has the tests, because these here want vLLM and have no harness.

/// As many lines as fit a screen with two pods.
const LAST: usize = 12;
/// So many in front of a death.
const BEFORE: usize = 2;
/// vLLM prints its whole configuration in one line.
const WIDTH: usize = 300;
/// Python's fault handler begins so, in the process that dies. It tells every thread; the one at fault has a head of
/// its own, and its newest call comes first.
const FAULT: &str = "Fatal Python error: ";
const AT_FAULT: &str = "Current thread ";

/// `-4 (SIGILL)`, as Python counts: a signal is a negative exit code.
pub(crate) fn code(code: i32) -> String {
    let name = match code {
        -1 => "SIGHUP",
        -2 => "SIGINT",
        -3 => "SIGQUIT",
        -4 => "SIGILL",
        -5 => "SIGTRAP",
        -6 => "SIGABRT",
        -7 => "SIGBUS",
        -8 => "SIGFPE",
        -9 => "SIGKILL",
        -11 => "SIGSEGV",
        -13 => "SIGPIPE",
        -14 => "SIGALRM",
        -15 => "SIGTERM",
        -31 => "SIGSYS",
        _ => return code.to_string(),
    };
    format!("{code} ({name})")
}

/// Which processes a log calls dead, each with its exit code, in few words that go on with a sentence; empty where it
/// calls none. A parent of theirs may well end with 0.
pub(crate) fn died(log: &str) -> String {
    let mut all = Vec::new();
    for found in log.lines().flat_map(deaths) {
        if !all.contains(&found) {
            all.push(found);
        }
    }
    // vLLM does not tell every death: of eight workers that got SIGILL, one left no exit code in its log.
    let fault = log.lines().find_map(fault).filter(|fault| all.iter().all(|(_, code)| *code != Some(*fault)));
    let told = all.iter().map(|(name, exit)| {
        let exit = exit.map_or_else(|| "unknown".to_owned(), code);
        format!(", vLLM says that its process {name} died, exit code {exit}")
    });
    let fault = fault.map(|fault| format!(", a process of it had a fault that is exit code {}", code(fault)));
    told.chain(fault).collect::<Vec<_>>().concat()
}

/// The exit code of a process whose last words a line begins.
fn fault(line: &str) -> Option<i32> {
    let (_, what) = line.split_once(FAULT)?;
    let known = [
        ("Illegal instruction", -4),
        ("Aborted", -6),
        ("Bus error", -7),
        ("Floating", -8),
        ("Segmentation fault", -11),
    ];
    known.iter().find(|(name, _)| what.starts_with(name)).map(|(_, code)| *code)
}

/// What one line tells, in vLLM 0.32.0's words; `claims` looks whether its source still has them.
fn deaths(line: &str) -> Vec<(String, Option<i32>)> {
    // v1/executor/multiproc_executor.py: `Worker proc NAME died unexpectedly (exit code: N), …`
    let worker = between(line, "Worker proc ", " died unexpectedly").zip(between(
        line,
        "died unexpectedly (exit code: ",
        ")",
    ));
    // v1/utils.py: `Process NAME (PID: N) died with exit code N`
    let process = between(line, "Process ", " (PID: ")
        .zip(line.split_once(" died with exit code ").map(|(_, rest)| rest.trim()));
    // v1/engine/utils.py: `Failed core proc(s): {'NAME': N, …}`, `failed frontend proc(s): {…}`
    let lists = line.split("ailed ").skip(1).filter_map(|rest| between(rest, " proc(s): {", "}"));
    let listed = lists.flat_map(|list| list.split(',')).filter_map(|one| one.split_once(": "));
    worker
        .into_iter()
        .chain(process)
        .chain(listed)
        .map(|(name, code)| (name.trim().trim_matches('\'').to_owned(), code.parse().ok()))
        .collect()
}

fn between<'line>(line: &'line str, start: &str, end: &str) -> Option<&'line str> {
    line.split_once(start)?.1.split_once(end).map(|(text, _)| text)
}

/// The lines of a log that tell most: a fault, a death with what stands before it, and the last. Others may follow a
/// death by the hundred, so the last lines alone would not show it.
pub(crate) fn lines(log: &str) -> String {
    let all: Vec<&str> = log.lines().collect();
    let mut wanted = vec![false; all.len()];
    let mut want = |from: usize, to: usize| wanted[from..to.min(all.len())].fill(true);
    if let Some(at) = all.iter().position(|line| line.contains(FAULT)) {
        want(at, at + 1);
        if let Some(thread) = all[at..].iter().position(|line| line.starts_with(AT_FAULT)) {
            want(at + thread, at + thread + LAST);
        }
    }
    if let Some(at) = all.iter().position(|line| !deaths(line).is_empty()) {
        want(at.saturating_sub(BEFORE), at + 1);
    }
    want(all.len().saturating_sub(LAST), all.len());
    let mut text = Vec::new();
    for (at, line) in all.iter().enumerate().filter(|(at, _)| wanted[*at]) {
        if at > 0 && !wanted[at - 1] {
            text.push("…".to_owned());
        }
        let cut = line.char_indices().nth(WIDTH).map_or(line.len(), |(at, _)| at);
        text.push(if cut < line.len() { format!("{}…", &line[..cut]) } else { (*line).to_owned() });
    }
    text.join("\n")
}

/// The flags of the CPU that are about AMX, of `/proc/cpuinfo`.
pub(crate) fn amx(cpuinfo: &str) -> String {
    let flags = cpuinfo.lines().find_map(|line| {
        let (key, flags) = line.split_once(':')?;
        (key.trim() == "flags").then_some(flags)
    });
    let amx: Vec<&str> =
        flags.unwrap_or_default().split_whitespace().filter(|flag| flag.starts_with("amx")).collect();
    if amx.is_empty() { "none".to_owned() } else { amx.join(" ") }
}
