"""Runs what README.md tells a newcomer to type, and knows what it says they will see.

A block counts when a comment stands before it: ``<!-- test: file NAME -->`` writes the block to a
file, ``<!-- test: run -->`` runs it with bash (``run 1`` expects that exit status), and
``<!-- test: output -->`` is what the block before it printed to stdout. ``python -m tests.readme``
runs all of it in a new folder and writes the outputs into README.md (or the page named) again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
_BLOCK = re.compile(
    r"^<!-- test: (?P<what>file|run|output)(?: (?P<argument>\S+))? -->\n"
    r"```\w+\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_PASSING = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}…"), "<uuid>…"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8,64}\b"), "<hex>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" $", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Hold one marked block: ``what`` to do with it, and where its text stands in the page."""

    what: str
    argument: str
    text: str
    span: tuple[int, int]


def blocks(page: str) -> list[Block]:
    """Return the marked blocks of a page, in order."""
    return [
        Block(match["what"], match["argument"] or "", match["text"], match.span("text"))
        for match in _BLOCK.finditer(page)
    ]


def play(page: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Follow the page in *folder*; yield each output block with what was printed instead.

    Raises:
        AssertionError: A block ended with another status than the page says.

    """
    printed = ""
    for block in blocks(page):
        if block.what == "file":
            (folder / block.argument).write_text(block.text)
        elif block.what == "run":
            printed = _run(block, folder)
        else:
            yield block, printed


def lasting(text: str) -> str:
    """Return *text* without what differs from run to run: ids, digests, times, padding."""
    for pattern, replacement in _PASSING:
        text = pattern.sub(replacement, text)
    return text.strip()


def _run(block: Block, folder: Path) -> str:
    programs = str(Path(sys.executable).parent)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LINESEAL_")}
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env={**environment, "PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    expected = int(block.argument or 0)
    assert result.returncode == expected, f"{block.text}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def _rewrite(path: Path) -> None:
    page = path.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        outputs = list(play(page, Path(folder)))
    for block, printed in reversed(outputs):
        if lasting(block.text) == lasting(printed):
            continue
        start, end = block.span
        lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
        page = page[:start] + "\n".join(lines) + "\n" + page[end:]
    path.write_text(page, "utf-8")


if __name__ == "__main__":
    _rewrite(Path(sys.argv[1]) if len(sys.argv) > 1 else README)
