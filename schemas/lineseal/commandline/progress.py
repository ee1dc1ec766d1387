"""A progress bar for work that may take longer than two seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

SHOW_AFTER_SECONDS = 2.0


class Progress:
    """Shows a bar on stderr once the work has taken two seconds, and only on a terminal.

    >>> with Progress("hashing", 100) as progress:
    ...     progress.advance(100)
    """

    def __init__(self, label: str, total: int) -> None:
        """Prepare a bar for *total* units (bytes, records) of work."""
        self._label = label
        self._total = total
        self._done = 0
        self._started = time.monotonic()
        self._bar: Any = None
        self._shown = sys.stderr.isatty()

    def advance(self, units: int) -> None:
        """Count *units* as done."""
        self._done += units
        if not self._shown:
            return
        if self._bar is None:
            if time.monotonic() - self._started < SHOW_AFTER_SECONDS:
                return
            self._bar = click.progressbar(
                length=self._total, label=self._label, file=sys.stderr
            ).__enter__()
            units = self._done
        self._bar.update(units)

    def reach(self, done: int, total: int) -> None:
        """Say that *done* of *total* units are done; both may become known only on the way."""
        self._total = total
        if self._bar is not None:
            self._bar.length = total
        self.advance(done - self._done)

    def __enter__(self) -> Self:
        """Start counting."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the bar if it was ever shown."""
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)
