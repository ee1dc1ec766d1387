"""A syslog server on loopback that runs as this user from a configuration of its own.

The classes that know one program are in ``rsyslog`` and ``syslog_ng``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.siem.server_process import ServerProcess, at_least, free_port, listens

_UID = re.compile(r'uid="([0-9a-f-]{36})" feed_id="[^"]+" feed_seq="(\d+)"')
_START_SECONDS = 15.0


class SyslogServer(ServerProcess):
    """Runs one daemon while the block runs and reads what it wrote."""

    def __init__(self, folder: Path, scheme: str) -> None:
        """Choose a port; whoever inherits says how to start it."""
        super().__init__(folder)
        self._folder = folder
        self._command: Sequence[str] = ()
        self._environment: dict[str, str] = {}
        self.port = free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.out = folder / "received.log"

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        (self._folder / "pid").unlink(missing_ok=True)
        self.launch(
            self._command,
            lambda: listens(self.port),
            seconds=_START_SECONDS,
            environment=self._environment,
        )
        return self

    def records(self, expected: int) -> list[tuple[str, int]]:
        """Return uid and number of every record that landed, waiting for *expected*."""
        return at_least(expected, self._landed)

    def lines(self) -> list[str]:
        """Return every line it wrote."""
        return self.out.read_text("utf-8").split("\n")[:-1]

    def _landed(self) -> list[tuple[str, int]]:
        text = self.out.read_text("utf-8") if self.out.exists() else ""
        return [(uid, int(seq)) for uid, seq in _UID.findall(text)]
