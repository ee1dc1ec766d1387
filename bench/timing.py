"""Times questions one by one and tells the percentiles, for benches that ask many."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SHARES = (0.5, 0.95, 0.99)


def time_each(ask: Callable[[T], object], things: Iterable[T]) -> list[float]:
    """Return the seconds that each took."""
    found: list[float] = []
    for thing in things:
        began = time.perf_counter()
        ask(thing)
        found.append(time.perf_counter() - began)
    return found


def processor_seconds(pid: int | None = None) -> float:
    """Return what this process and its ended children took so far, and process *pid* if given."""
    own = sum(os.times()[:4])
    if pid is None:
        return own
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write_section(page: Path, title: str, heading: str, lines: Sequence[str]) -> None:
    """Write one section of *page*; the others, of other sizes, stay."""
    before = page.read_text("utf-8") if page.exists() else ""
    kept = [part for part in before.split("\n## ")[1:] if part.splitlines()[0] != heading]
    sections = [*kept, "\n".join([heading, "", *lines]).rstrip() + "\n"]
    sections.sort(key=lambda part: (len(part.splitlines()[0]), part))
    page.parent.mkdir(exist_ok=True)
    page.write_text("\n## ".join([f"# {title}\n", *sections]), "utf-8")
    say(f"wrote {page}")


def cells(times: Sequence[float]) -> str:
    """Return p50, p95 and p99 in milliseconds as cells of a table."""
    ordered = sorted(times)
    places = (ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in SHARES)
    return " | ".join(f"{1000 * seconds:,.1f}" for seconds in places)


def say(text: str) -> None:
    """Tell progress on stderr."""
    sys.stderr.write(f"{text}\n")
