"""A syslog server on loopback that runs as this user from a configuration of its own.

The classes that know one program are in ``rsyslog`` and ``syslog_ng``.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import pytest

_UID = re.compile(r'uid="([0-9a-f-]{36})" feed_id="[^"]+" feed_seq="(\d+)"')
# Read once: the tests themselves run without any LINESEAL_ variable.
REQUIRED = os.environ.get("LINESEAL_REQUIRE_SIEM", "") == "1"
_START_SECONDS = 15.0
_LAND_SECONDS = 15.0


class SyslogServer:
    """Runs one daemon while the block runs and reads what it wrote."""

    def __init__(self, folder: Path, scheme: str) -> None:
        """Choose a port; whoever inherits says how to start it."""
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._command: Sequence[str] = ()
        self._environment: dict[str, str] = {}
        self.port = free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.out = folder / "received.log"

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        (self._folder / "pid").unlink(missing_ok=True)
        with (self._folder / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self._environment},
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, (self._folder / "stderr").read_text()
                time.sleep(0.05)
            else:
                return self
        raise AssertionError((self._folder / "stderr").read_text())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def records(self, expected: int) -> list[tuple[str, int]]:
        """Return uid and number of every record that landed, waiting for *expected*."""
        deadline = time.monotonic() + _LAND_SECONDS
        while True:
            text = self.out.read_text("utf-8") if self.out.exists() else ""
            found = [(uid, int(seq)) for uid, seq in _UID.findall(text)]
            if len(found) >= expected or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def lines(self) -> list[str]:
        """Return every line it wrote."""
        return self.out.read_text("utf-8").split("\n")[:-1]


def without(reason: str) -> NoReturn:
    """Skip the test, or fail it where real receivers are required."""
    if REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port() -> int:
    """Return a port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
