//! What else the launcher says of vLLM: why it writes a word or leaves it out, how it reads a user's words, which
//! variables it takes away.

use crate::checks::{cite, dry_run, serve};
use crate::home::Home;
use crate::oracle::Oracle;
use crate::report::Report;
use serde_json::{Value, json};

/// Words, and what vLLM says of them: a part of its message, or of its summary.
const WORDS: [(&str, &str, bool, &str, &str); 29] = [
    (
        "start rank on a leader: one rank",
        "dense",
        false,
        "-dp 1 -dpl 1 -dpr 0",
        "data_parallel_external_lb can only be set when data_parallel_size > 1",
    ),
    ("start rank on a leader: one rank here", "experts", true, "-dp 2 -dpl 1 -dpr 0", "of 2, external"),
    ("start rank on a leader: several here", "experts", true, "-dp 4 -dpl 2 -dpr 0", "of 4, hybrid"),
    ("start rank on their peers: the same", "experts", true, "-dp 4 -dpl 2 -dpr 2", "of 4, hybrid"),
    ("without it, what was meant", "experts", true, "-dp 4 -dpl 2", "ranks 0 to 1 of 4, internal"),
    ("a rank is external load balancing", "experts", true, "-dp 2 -dpn 1", "ranks 1 to 1 of 2, external"),
    (
        "headless with API servers",
        "dense",
        false,
        "-dp 2 -dpl 1 -dpr 1 --headless --api-server-count 8",
        "cannot be used with --headless",
    ),
    (
        "headless and hybrid",
        "dense",
        false,
        "-dp 4 -dpl 2 --headless --data-parallel-hybrid-lb",
        "hybrid_lb is not applicable in headless mode",
    ),
    ("no engines here", "dense", true, "-dp 2 -dpl 0", "no rank of 2, internal"),
    (
        "both flags of the access log",
        "dense",
        true,
        "--disable-access-log-for-endpoints /a --disable-uvicorn-access-log",
        "accepted",
    ),
    (
        "the same, and the whole log on again",
        "dense",
        true,
        "--disable-uvicorn-access-log --disable-access-log-for-endpoints /a --no-disable-uvicorn-access-log",
        "accepted",
    ),
    (
        "a rank of 0 that is the last of two",
        "experts",
        true,
        "-dp 4 -dpl 2 -dpr 2 -dpr 0",
        "ranks 0 to 1 of 4, hybrid",
    ),
    ("an underscore", "dense", true, "--data_parallel_size 2", "of 2"),
    ("an equals sign", "dense", true, "--data-parallel-size=2", "of 2"),
    ("a short flag", "dense", true, "-dp=2", "of 2"),
    ("a short flag with its value in one", "dense", false, "-dp2", "unrecognized arguments"),
    ("the last of two", "dense", true, "-dp 2 -dp 4", "of 4"),
    ("an abbreviation", "dense", true, "--data-parallel-size-l 1 -dp 2", "ranks 0 to 0 of 2"),
    ("a switch with a value", "dense", false, "--headless=1", "ignored explicit argument"),
    ("a switch turned off", "dense", true, "-ep --no-enable-expert-parallel", "accepted"),
    ("`--headless` turned off", "dense", false, "--no-headless", "unrecognized arguments"),
    ("a value that begins with a dash", "dense", true, "--disable-access-log-for-endpoints=-x", "accepted"),
    (
        "the same in two words",
        "dense",
        false,
        "--disable-access-log-for-endpoints -x",
        "expected one argument",
    ),
    ("a flag without its value", "dense", false, "--port --headless", "expected one argument"),
    ("a number that is none", "dense", false, "--port nine", "invalid int value"),
    ("a negative number", "dense", false, "-dp -1", "greater than or equal to 1"),
    ("a number that is not whole", "dense", false, "--shutdown-timeout 45.5", "invalid int value"),
    ("no port of a handshake", "dense", false, "-dp 2 -dpl 1 -dpp 99999", "less than or equal to 65535"),
    ("no port of HTTP, which fails when it is bound", "dense", true, "--port 99999", "accepted"),
];

/// Everything.
pub(crate) fn run(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    for (what, model, accepted, words, text) in WORDS {
        let verdict = oracle.serve(&serve(&home.model(model), words));
        let right = verdict.accepted() == accepted && verdict.short().contains(text);
        report.add(right, &format!("{what}: `{words}`: {}", verdict.short()));
    }
    leader(home, oracle, report);
    words(home, oracle, report);
    variables(home, oracle, report);
    table(oracle, report);
    types(home, oracle, report);
    deaths(home, report);
}

/// Why the models are of float32 and the starts say so: `README.md`.
fn types(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    let phrase = "supports_amx and dtype in (torch.bfloat16,)";
    let (found, what) =
        cite(home, "vllm/v1/attention/backends/cpu_attn.py", phrase, "this CPU may have no AMX");
    report.add(found, &what);
    for (kind, amx) in [("bfloat16", true), ("float32", false)] {
        let verdict = oracle.other(&json!({"ask": "kernels", "type": kind}));
        let (attention, products) = (verdict.field("attention"), verdict.field("products"));
        report.add(
            *attention == amx && *products == amx,
            &format!("{kind} where the CPU says that it has AMX: attention takes it: {attention}, small products: {products}"),
        );
    }
    let model = home.model("dense");
    for (words, kind) in [("", "torch.bfloat16"), ("--dtype float32", "torch.float32")] {
        let verdict = oracle.serve(&serve(&model, words));
        let found = verdict.field("type");
        report.add(*found == kind, &format!("a model of float32, `{words}`: {found}"));
    }
}

/// The words by which `ending.rs` finds who died.
fn deaths(home: &Home, report: &mut Report) {
    for (file, phrase) in [
        ("vllm/v1/executor/multiproc_executor.py", "Worker proc %s died unexpectedly (exit code: %s), "),
        ("vllm/v1/utils.py", "died with exit code {proc.exitcode}"),
        ("vllm/v1/engine/utils.py", "Failed core proc(s): {finished}"),
    ] {
        let (found, what) = cite(home, file, phrase, "a start that fails looks for it in a real log");
        report.add(found, &what);
    }
}

/// The launcher leaves out what vLLM would take for another load balancing, unless the user means it.
fn leader(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    let model = home.model("experts");
    for (words, kept) in [
        ("--data=4 --data-local=2 --start-rank=0", false),
        ("--data=4 --data-local=2 --start-rank=0 --keep-rank-0", true),
    ] {
        let mut ours = vec!["--contract=1".to_owned(), format!("--model={model}")];
        ours.extend(words.split(' ').map(str::to_owned));
        let said = dry_run(home, &ours, "");
        let line = said.stdout.trim_end();
        // Words are separated by blanks, and the model's folder has none.
        let started = line.split(' ').skip_while(|word| *word != "serve").map(str::to_owned);
        let verdict = oracle.serve(&started.collect::<Vec<_>>());
        let (rank, means) = if kept { ("the start rank 0", "hybrid") } else { ("no start rank", "internal") };
        let right = said.code == 0
            && line.contains("--data-parallel-start-rank 0") == kept
            && verdict.short().contains(&format!("ranks 0 to 1 of 4, {means}"));
        report.add(right, &format!("`{words}` through the launcher has {rank}: {line}: {}", verdict.short()));
    }
    let worker = serve(&model, "-dp 2 -dpl 1 -dpr 1 --headless");
    for (leader, right) in
        [("-dp 2 -dpl 1", "all 2"), ("-dp 2 -dpl 1 -dpr 0", "must not use --headless in external or hybrid")]
    {
        let says = oracle.group(&[serve(&model, leader), worker.clone()]).short();
        report.add(says.contains(right), &format!("leader `{leader}` with a headless worker: {says}"));
    }
}

/// Words that no line of text can hold.
fn words(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    let model = home.model("dense");
    let mut ask = |what: &str, behind: &[&str], accepted: bool, right: &dyn Fn(&Value) -> bool| {
        let words: Vec<String> =
            std::iter::once("serve").chain(behind.iter().copied()).map(str::to_owned).collect();
        let verdict = oracle.serve(&words);
        let names = verdict.field("names");
        let shown: Vec<&str> = behind.iter().copied().filter(|word| !word.contains(&*model)).collect();
        report.add(
            verdict.accepted() == accepted && right(names),
            &format!("{what}: {shown:?}: {}", verdict.short()),
        );
    };
    let any = |_: &Value| true;
    ask("an empty word", &[&model, ""], false, &any);
    ask("an empty value", &[&model, "--root-path", ""], true, &any);
    ask("a word of blanks, as a template may leave", &[&model, "--api-server-count", "8", "  "], false, &any);
    ask(
        "a blank before a flag, as a template may leave",
        &[&model, " --tensor-parallel-size", "1"],
        false,
        &any,
    );
    ask("the model as a flag", &[&format!("--model={model}")], true, &any);
    let list = ["--served-model-name", "a", "b", "--port", "8000"];
    let all: Vec<&str> = std::iter::once(model.as_str()).chain(list).collect();
    ask("a list up to the next flag", &all, true, &|names| *names == json!(["a", "b"]));
    ask("a list without a name", &[&model, "--served-model-name", "--port", "8000"], false, &any);
}

/// What was read from this version's sources, against the parser that they make.
fn table(oracle: &mut Oracle, report: &mut Report) {
    const VERSION: &str = "0.32.0";
    let table: Value = serde_json::from_str(include_str!("../vllm-versions/table.json")).unwrap();
    let versions = table["versions"].as_array().unwrap();
    let at = versions.iter().position(|one| one == VERSION).expect("the table has this version");
    let verdict = oracle.other(&json!({"ask": "flags"}));
    let known: Vec<&str> =
        verdict.field("flags").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = table["flags"].as_object().unwrap();
    let wrong: Vec<&String> = rows
        .iter()
        .filter(|(flag, letters)| {
            (letters.as_str().unwrap().as_bytes()[at] == b'y') != known.contains(&flag.as_str())
        })
        .map(|(flag, _)| flag)
        .collect();
    let what = format!(
        "docs/vllm-versions.md says of {} flags what the parser of {VERSION} says, which knows {} spellings; wrong: {wrong:?}",
        rows.len(),
        known.len()
    );
    report.add(wrong.is_empty() && !known.is_empty(), &what);
}

/// Variables that the launcher takes away, or sets.
fn variables(home: &Home, oracle: &mut Oracle, report: &mut Report) {
    let mut ask = |name: &str, environment: Value| {
        oracle.other(&json!({"ask": "variable", "name": name, "environment": environment}))
    };
    let verdict = ask("VLLM_PORT", json!({"VLLM_PORT": "tcp://10.0.0.9:8000"}));
    report.add(
        verdict.says().contains("appears to be a URI"),
        &format!("`VLLM_PORT=tcp://…`: {}", verdict.says()),
    );
    let verdict = ask("VLLM_NIXL_SIDE_CHANNEL_HOST", json!({}));
    report.add(
        verdict.field("value") == "localhost",
        &format!(
            "`VLLM_NIXL_SIDE_CHANNEL_HOST` unset is `{}`",
            verdict.field("value").as_str().unwrap_or_default()
        ),
    );
    let (found, what) = cite(
        home,
        "vllm/platforms/interface.py",
        "Unknown vLLM environment variable detected",
        "`start` looks for it in a real log",
    );
    report.add(found, &what);
}
