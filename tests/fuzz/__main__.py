"""Runs every fuzzer for a while: ``python -m tests.fuzz SECONDS [TARGET...]``, or ``make fuzz``.

What they learn is kept in ``.fuzz/`` (not in git) and used the next time. A find is kept there,
too; its input belongs into ``tests/assets`` and its cause is a bug. Status: 0 nothing found, 1 a
find, 2 the fuzzer cannot run here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".fuzz"
MAX_INPUT_BYTES = 4096
MAX_INPUT_SECONDS = 10
MAX_RSS_MB = 1024
"""A process with every library loaded has about 250; no input may add what a bomb adds."""


def main(arguments: list[str]) -> int:
    """Share the time out among the targets."""
    if importlib.util.find_spec("atheris") is None:
        sys.stderr.write(
            "fuzzing needs atheris, which is not installed: pip install '.[fuzz]'"
            f" (there is no wheel for every platform and Python; this is {sys.version})\n"
        )
        return 2
    names = arguments[1:] or list(TARGETS)
    seconds = max(1, int(arguments[0]) // len(names))
    return max([_fuzz(name, seconds) for name in names])


def _fuzz(name: str, seconds: int) -> int:
    corpus, seeds, finds = (FOLDER / name / part for part in ("corpus", "seeds", "finds"))
    for folder in (corpus, seeds, finds):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in TARGETS[name].seeds():
        if len(seed) > MAX_INPUT_BYTES:
            continue
        (seeds / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_INPUT_BYTES}",
        f"-timeout={MAX_INPUT_SECONDS}",
        f"-rss_limit_mb={MAX_RSS_MB}",
        f"-artifact_prefix={finds}/",
        "-print_final_stats=1",
    ]
    command = [sys.executable, "-m", "tests.fuzz.one", name, *options, str(corpus), str(seeds)]
    done = subprocess.run(
        command, cwd=ROOT, check=False, text=True, errors="replace", stderr=subprocess.PIPE
    )
    runs = _number(done.stderr, "stat::number_of_executed_units:")
    # No run at all is no success.
    failed = done.returncode != 0 or not runs
    sys.stdout.write(f"{name}: {runs} inputs in {seconds} s, {'FOUND' if failed else 'nothing'}\n")
    sys.stdout.flush()
    if failed:
        sys.stderr.write(done.stderr[-6000:] + f"\nwhat was found lies in {finds}\n")
    return int(failed)


def _number(text: str, label: str) -> int:
    words = text.rpartition(label)[2].split()
    return int(words[0]) if label in text and words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
