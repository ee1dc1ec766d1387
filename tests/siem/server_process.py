"""A server that a test starts on loopback: waits until it is ready, reads, stops it by its PID."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TypeVar

import pytest

# Read once: the tests themselves run without any LINESEAL_ variable.
REQUIRED = os.environ.get("LINESEAL_REQUIRE_SIEM", "") == "1"
_STOP_SECONDS = 30.0
_LAND_SECONDS = 20.0

T = TypeVar("T")


class ServerProcess:
    """Runs one program while the block runs; whoever inherits says which in ``__enter__``."""

    def __init__(self, folder: Path) -> None:
        """Prepare; the program says what it has to say in a file of *folder*."""
        self._output = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def launch(
        self,
        command: Sequence[str],
        is_ready: Callable[[], bool],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start *command* and wait until it is ready; fail with what it said when it is not."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command, env={**os.environ, **(environment or {})}, stdout=output, stderr=output
            )
        deadline = time.monotonic() + seconds
        while not is_ready():
            said = self._output.read_text("utf-8", "replace")[-4000:]
            assert self._process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_STOP_SECONDS)


def at_least(expected: int, found: Callable[[], list[T]]) -> list[T]:
    """Return what *found* finds, waiting for *expected* of them."""
    deadline = time.monotonic() + _LAND_SECONDS
    while True:
        there = found()
        if len(there) >= expected or time.monotonic() > deadline:
            return there
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Tell whether somebody listens on *port* of loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


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
