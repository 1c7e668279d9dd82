"""Runs the launcher on every version's real sources, and compares what it would start with `table.json`.

    detect.py PREFILL_LAUNCHER

Twice for each version: with its sources and a version that says nothing, and with its version and no sources.
Ends with 1 where a flag is written that this vLLM does not take, or left out that it does; with 69 where something is
missing.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import fetch

HERE = Path(__file__).resolve().parent
EXCEPT, NO_LOG, SECONDS, TRANSFER = (
    "--disable-access-log-for-endpoints",
    "--disable-uvicorn-access-log",
    "--shutdown-timeout",
    "--kv-transfer-config",
)
CONNECTOR = {
    "kv_connector": "OffloadingConnector",
    "kv_connector_extra_config": {"spec_name": "TieringOffloadingSpec"},
}
FILES = {
    **CONNECTOR,
    "kv_connector_extra_config": {"spec_name": "TieringOffloadingSpec", "secondary_tiers": [{"type": "fs"}]},
}
SIZES = [
    "--tensor=1",
    "--pipeline=1",
    "--data=4",
    "--data-rpc-port=5555",
    "--expert",
    "--leader-address=127.0.0.1",
]
TLS = ["--tls-certificate=/dev/null", "--tls-key=/dev/null", "--tls-refresh"]
SERVER = [
    "--served-model-name=n",
    "--api-server-count=2",
    "--shutdown-timeout=30",
    "--access-log=except:/health",
]
# Launches in which every flag that the launcher can write is written once.
LAUNCHES = {
    "leader": [
        *SIZES,
        "--data-local=2",
        *SERVER,
        *TLS,
        "--start-rank=0",
        f"--kv-transfer-default={json.dumps(CONNECTOR)}",
    ],
    "headless": [
        *SIZES,
        "--data-local=2",
        "--start-rank=2",
        "--headless",
        "--access-log=off",
        f"--kv-transfer-default={json.dumps(FILES)}",
    ],
    "hybrid": [*SIZES, "--data-local=2", *SERVER, "--start-rank=2", "--load-balancing=hybrid"],
    "external": [*SIZES, *SERVER, "--start-rank=2", "--load-balancing=external"],
}


def prefix(folder, sources, version):
    """A venv as uv makes it, with this vLLM. `sources` is none for metadata alone."""
    site = folder / "lib/python3.12/site-packages"
    metadata = site / f"vllm-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.4\nName: vllm\nVersion: {version}\n")
    if sources:
        (site / "vllm").symlink_to(sources / "vllm")
    for name in ("base/bin/python3.12", "bin/vllm"):
        program = folder / name
        program.parent.mkdir(parents=True)
        program.write_text(f"#!{folder}/bin/python\nraise SystemExit('not to be started')\n")
        program.chmod(0o755)
    (folder / "bin/python").symlink_to(folder / "base/bin/python3.12")
    (folder / "pyvenv.cfg").write_text(
        f"home = {folder}/base/bin\nuv = 0.13.9\nversion_info = 3.12.1\ninclude-system-site-packages = false\n"
    )
    return folder / "bin/vllm"


def flags(launcher, vllm, words):
    """The flags of the command line that `run --dry-run` prints, and what it says."""
    command = [
        launcher,
        "run",
        "--dry-run",
        "--contract=1",
        "--model=m",
        f"--vllm={vllm}",
        "--rdma=off",
        *words,
    ]
    environment = {"PATH": os.environ.get("PATH", ""), "CUDA_VISIBLE_DEVICES": "0,1,2,3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(
            f"vllm-versions: `{shlex.join(command)}` ended with {done.returncode}: {done.stderr.strip()}"
        )
    return {word.split("=")[0] for word in shlex.split(done.stdout) if word.startswith("--")}, done.stderr


def expected(launch, has):
    """Which of the flags that depend on the version stand in this launch."""
    if launch == "headless":
        return {NO_LOG} | ({TRANSFER} if has["offloading_connector"] and has["file_tier"] else set())
    found = {EXCEPT if has["access_log_for_endpoints"] else NO_LOG}
    found |= {SECONDS} if has["shutdown_timeout"] else set()
    return found | ({TRANSFER} if launch == "leader" and has["offloading_connector"] else set())


def examine(launcher, table, version, sources, work):
    """What is wrong with this version, and which flags were written."""
    at = table["versions"].index(version)
    has = {name: letters[at] == "y" for name, letters in table["features"].items()}
    supported = at >= table["versions"].index(table["oldest"])
    wrong, seen = [], set()
    for kind, vllm in (
        ("by its sources", prefix(work / "sources", sources, "0.1.dev1+g0123abc")),
        ("by its version", prefix(work / "version", None, version)),
    ):
        for launch, words in LAUNCHES.items():
            written, said = flags(launcher, vllm, words)
            seen |= written
            gated = written & {EXCEPT, NO_LOG, SECONDS, TRANSFER}
            if gated != expected(launch, has):
                wrong.append(
                    f"{version} {kind}, {launch}: found {sorted(gated)}, expected {sorted(expected(launch, has))}"
                )
            unknown = [flag for flag in written if table["flags"].get(flag, "?" * 999)[at] != "y"]
            if unknown and supported:
                wrong.append(
                    f"{version} {kind}, {launch}: {unknown} is written, which this vLLM does not take"
                )
            guesses = [line for line in said.splitlines() if "how old" in line]
            if guesses:
                wrong.append(f"{version} {kind}: nothing was detected: {guesses}")
    return wrong, seen


def main(arguments):
    if len(arguments) != 1:
        print("vllm-versions: expected one argument, the path of `prefill-launcher`", file=sys.stderr)
        return 64
    launcher = Path(arguments[0])
    if not os.access(launcher, os.X_OK):
        print(
            f"vllm-versions: `{launcher}` is not there\nvllm-versions: hint: `cargo build -p prefill-launcher`",
            file=sys.stderr,
        )
        return 69
    table = json.loads((HERE / "table.json").read_text())
    wrong, seen = [], set()
    try:
        for version, digest in fetch.pinned(HERE / "versions.txt"):
            with tempfile.TemporaryDirectory() as work:
                found, written = examine(
                    launcher.resolve(),
                    table,
                    version,
                    fetch.sources(version, digest, fetch.cache()),
                    Path(work),
                )
            wrong += found
            seen |= written
    except fetch.Missing as missing:
        return missing.tell()
    never = sorted(set(table["written"]) - seen - {"--model"})
    if never:
        wrong.append(f"no launch has {never}: add one to `LAUNCHES`")
    print(
        "\n".join(wrong)
        if wrong
        else f"the launcher writes what each of {len(table['versions'])} versions takes ({len(seen)} flags)"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
