"""The flags that this repository knows, read from its own sources, so that a new one is looked up by itself."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWNED = re.compile(r'^    \("([a-z-]+)", "([a-z]*)", Takes::(\w+), Owned::', re.MULTILINE)
# Flags that a check or a step asks the user's words for: `extra.names("nnodes")` and lists of such names.
ASKED = ("nnodes", "data-parallel-backend", "distributed-executor-backend", "hf-overrides", "hf-config-path")
# Flags that people add to a prefill pod, and some that vLLM has no more: what the table says of them is for reading.
OTHERS = (
    "data-parallel-multi-port-external-lb",
    "enable-eplb",
    "num-redundant-experts",
    "all2all-backend",
    "node-rank",
    "master-addr",
    "kv-offloading-size",
    "enable-elastic-ep",
    "numa-bind",
    "grpc",
    "disable-log-requests",
)
# Written where the user's words have it, and nowhere else.
BACK = ("--data-parallel-external-lb", "--no-disable-uvicorn-access-log")
# Written only where the installed vLLM knows them.
GATED = {
    "--disable-access-log-for-endpoints": "access_log_for_endpoints",
    "--shutdown-timeout": "shutdown_timeout",
}


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def written():
    """What the launcher writes itself."""
    return sorted(set(re.findall(r'"(--[a-z][a-z0-9-]+)', text("core/src/serve/argv.rs"))) - set(BACK))


def owned():
    """Long name -> short name of what it lifts out of the user's words."""
    return {
        f"--{long}": f"-{short}" if short else ""
        for long, short, _ in OWNED.findall(text("core/src/flags.rs"))
    }


def of_scripts():
    """What KServe's scripts and llm-d's wide-EP pods hand to `vllm serve`, from the stand-ins for them."""
    found = set()
    for path in sorted((ROOT / "tests/scripts").glob("*.sh")):
        found |= {
            word.replace("_", "-") for word in re.findall(r"(?<![\w-])--[a-z][a-z0-9_-]+", path.read_text())
        }
    return sorted(found - {"--version"})


def flags():
    """Every flag -> its short name and who has it."""
    rows = {}
    short = owned()
    for who, names in (
        ("written", written()),
        ("read", sorted(short)),
        ("scripts", of_scripts()),
        ("asked", [f"--{name}" for name in ASKED]),
        ("others", [f"--{name}" for name in OTHERS]),
    ):
        for name in names:
            rows.setdefault(name, (short.get(name, ""), who))
    return rows
