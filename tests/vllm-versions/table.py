"""Which `vllm serve` takes which flag: writes `table.json` and `docs/vllm-versions.md` from the sources of each version.

    table.py            write both anew
    table.py --check    change nothing; end with 1 where they differ

Ends with 69 where something is missing.
"""

import difflib
import json
import sys
from pathlib import Path

import features
import fetch
import ours
import page
from flags import Flags

HERE = Path(__file__).resolve().parent
SIGN = {True: "y", False: "n", None: "?"}


def look(version, digest):
    """What one version answers."""
    folder = fetch.sources(version, digest, fetch.cache())
    flags = Flags(folder)
    for reason in flags.unsure:
        print(f"{version}: not sure: {reason}", file=sys.stderr)
    words = {word for name, (short, _) in ours.flags().items() for word in (name, short) if word}
    return {
        "flags": {word: flags.accepts(word) for word in words},
        "model": "model_tag" in flags.positional or None,
        "features": {
            "access_log_for_endpoints": flags.accepts("--disable-access-log-for-endpoints"),
            "shutdown_timeout": flags.accepts("--shutdown-timeout"),
            "offloading_connector": features.registered(folder, "register_spec", "TieringOffloadingSpec"),
            "file_tier": features.registered(folder, "register_tier", "fs"),
        },
        "others": {
            "fs_python": features.registered(folder, "register_tier", "fs_python"),
            "OffloadingConnector": features.registered(folder, "register_connector", "OffloadingConnector"),
            # Where there is no hybrid load balancing, nothing means it.
            "rank_zero_counts": flags.accepts("--data-parallel-hybrid-lb")
            and features.rank_zero_counts(folder),
        },
        "frontend": features.frontend(folder),
    }


def table(seen):
    """All answers, one letter a version."""
    versions = list(seen)

    def letters(pick):
        return "".join(SIGN[pick(seen[version])] for version in versions)

    rows = {
        key: {
            name: letters(lambda one, key=key, name=name: one[key][name])
            for name in sorted(seen[versions[-1]][key])
        }
        for key in ("flags", "features", "others")
    }
    always = [name for name in ours.written() if name not in ours.GATED]
    whole = [
        all(rows["flags"][name][at] == "y" for name in always) and seen[version]["model"]
        for at, version in enumerate(versions)
    ]
    first = len(whole) - [*reversed([*whole]), False].index(False)
    return {
        "generated": "by tests/vllm-versions/table.py; write it anew with `make vllm-versions`",
        "meaning": "one letter a version, in the order of `versions`: y yes, n no, ? not known",
        "versions": versions,
        "oldest": versions[first] if first < len(versions) else None,
        "written": ours.written(),
        "gated": ours.GATED,
        **rows,
        "frontend": {
            path: letters(lambda one, path=path: one["frontend"] == path)
            for path in sorted({one["frontend"] for one in seen.values()})
        },
    }


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(f"vllm-versions: found `{' '.join(arguments)}`, expected nothing or `--check`", file=sys.stderr)
        return 64
    try:
        found = table(
            {version: look(version, digest) for version, digest in fetch.pinned(HERE / "versions.txt")}
        )
    except fetch.Missing as missing:
        return missing.tell()
    written = {
        HERE / "table.json": json.dumps(found, indent=1) + "\n",
        ours.ROOT / "docs/vllm-versions.md": page.page(found, ours.flags()),
    }
    different = False
    for path, text in written.items():
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        if before == text:
            continue
        different = True
        name = str(path.relative_to(ours.ROOT))
        if arguments:
            sys.stdout.writelines(
                difflib.unified_diff(
                    before.splitlines(True), text.splitlines(True), name, f"{name}, as generated"
                )
            )
        else:
            path.write_text(text, encoding="utf-8")
            print(f"written: {name}")
    if different and arguments:
        print(
            "vllm-versions: what is committed differs from what the sources say; hint: `make vllm-versions`",
            file=sys.stderr,
        )
    elif not different:
        print(
            f"{len(found['versions'])} versions, {found['versions'][0]} to {found['versions'][-1]}: nothing has changed"
        )
    return 1 if different and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
