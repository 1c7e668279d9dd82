//! What `make test-vllm` says of a process that died, and of the CPU.

#[path = "../vllm/ending.rs"]
mod ending;

use ending::{amx, code, died, lines};

/// As vLLM 0.32.0 printed it, when a worker got SIGILL; shortened.
const WORKER: &str = "\
(EngineCore_DP0 pid=41) INFO 11-24 16:23:06 [core.py:402] init engine took 3.63 s
(EngineCore_DP0 pid=41) ERROR 11-24 16:23:08 [multiproc_executor.py:315] Worker proc VllmWorker-0 died unexpectedly (exit code: -4), shutting down executor.
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore_DP0': 1}
";

#[test]
fn a_signal_has_its_name() {
    assert_eq!(code(-4), "-4 (SIGILL)");
    assert_eq!(code(-9), "-9 (SIGKILL)");
    assert_eq!([code(0), code(1), code(-64)], ["0", "1", "-64"]);
}

#[test]
fn a_worker_and_its_engine_are_found() {
    let told = ", vLLM says that its process VllmWorker-0 died, exit code -4 (SIGILL)\
        , vLLM says that its process EngineCore_DP0 died, exit code 1";
    assert_eq!(died(WORKER), told);
}

#[test]
fn a_death_that_is_told_twice_is_one() {
    assert_eq!(died(&WORKER.repeat(2)), died(WORKER));
    assert_eq!(died(&format!("Fatal Python error: Illegal instruction\n{WORKER}")), died(WORKER));
}

#[test]
fn processes_beside_the_engines_are_found() {
    let log = "RuntimeError: Process ApiServer_1 (PID: 17) died with exit code -11\n\
        Failed core proc(s): {'EngineCore_DP0': -9, 'VLLM_DP_Coordinator': 1}, failed frontend proc(s): {'Renderer': 2}\n";
    let all = [
        "ApiServer_1 died, exit code -11 (SIGSEGV)",
        "EngineCore_DP0 died, exit code -9 (SIGKILL)",
        "VLLM_DP_Coordinator died, exit code 1",
        "Renderer died, exit code 2",
    ];
    assert_eq!(died(log), all.map(|one| format!(", vLLM says that its process {one}")).concat());
}

#[test]
fn a_code_that_vllm_does_not_know_is_told_so() {
    let unknown = ", vLLM says that its process VllmWorker-0 died, exit code unknown";
    let log = "Worker proc VllmWorker-0 died unexpectedly (exit code: None), shutting down executor.\n";
    assert_eq!(died(log), unknown);
    let fault = ", a process of it had a fault that is exit code -4 (SIGILL)";
    assert_eq!(died(&format!("Fatal Python error: Illegal instruction\n{log}")), format!("{unknown}{fault}"));
}

#[test]
fn a_fault_that_vllm_does_not_tell_is_found() {
    assert_eq!(
        died("Fatal Python error: Segmentation fault\n"),
        ", a process of it had a fault that is exit code -11 (SIGSEGV)"
    );
}

#[test]
fn nobody_dies_in_other_words() {
    let others = ["", "Engine core process EngineCore_DP0 died unexpectedly.\n", "Failed core proc(s): {}\n"];
    assert_eq!(others.map(died), ["", "", ""]);
}

#[test]
fn a_short_log_is_told_whole() {
    assert_eq!(lines(WORKER), WORKER.trim_end());
    assert_eq!(lines(""), "");
}

#[test]
fn a_death_is_told_however_much_follows() {
    let numbered = |what: &str| (0..50).map(|at| format!("{what} {at}\n")).collect::<Vec<_>>().concat();
    let told = lines(&format!("{}{WORKER}{}", numbered("before"), numbered("after")));
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(&told[..2], ["…", "before 49"]);
    assert!(told[3].contains("(exit code: -4)"), "{told:?}");
    assert_eq!(&told[4..6], ["…", "after 38"]);
    assert_eq!(*told.last().unwrap(), "after 49");
}

#[test]
fn of_a_fault_the_thread_that_made_it_is_told() {
    let others =
        "Thread 0x01 (most recent call first):\n  File \"connection.py\", line 395 in _recv\n".repeat(9);
    let after = "after\n".repeat(50);
    let told = lines(&format!(
        "Fatal Python error: Illegal instruction\n\n{others}\nCurrent thread 0x02 (most recent call first):\n  File \"cpu_attn.py\", line 1 in forward\n{after}"
    ));
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(&told[..2], ["Fatal Python error: Illegal instruction", "…"]);
    assert_eq!(told[3], "  File \"cpu_attn.py\", line 1 in forward");
}

#[test]
fn a_long_line_is_cut_between_letters() {
    let told = lines(&"ü".repeat(400));
    assert_eq!(told, format!("{}…", "ü".repeat(300)));
}

#[test]
fn the_flags_about_amx_are_told() {
    let intel =
        "processor\t: 0\nvmx flags\t: amx_of_no_use\nflags\t\t: fpu amx_bf16 avx512f amx_tile amx_int8\n";
    assert_eq!(amx(intel), "amx_bf16 amx_tile amx_int8");
    assert_eq!(amx("flags\t\t: fpu avx512_bf16\n"), "none");
    assert_eq!(amx("Features\t: fp asimd\n"), "none");
}
