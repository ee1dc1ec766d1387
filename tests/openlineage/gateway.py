"""A real gateway for tests: the command, on a free port of the loopback, stopped by its id."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import warm

PATIENCE_SECONDS = 60.0
SETTINGS = {
    "LINESEAL_GATEWAY__HEADER_SECONDS": "2",
    "LINESEAL_GATEWAY__BODY_SECONDS": "3",
    "LINESEAL_GATEWAY__MAX_EVENT_BYTES": str(4 * 1024 * 1024),
    "LINESEAL_GATEWAY__MAX_BUFFERED_BYTES": str(16 * 1024 * 1024),
    "LINESEAL_GATEWAY__MAX_CONNECTIONS": "64",
}


def lineseal(home: Path, *arguments: str, status: int = 0, stdin: bytes = b"") -> str:
    """Run the program, and expect how it ends."""
    done = warm.run("--home", home, *arguments, stdin=stdin)
    assert done.returncode == status, done.stderr
    return done.stdout


def receiving_home(folder: Path) -> Path:
    """Make a home whose gateway has a key."""
    lineseal(folder, "init", "--producer", "jobs")
    lineseal(folder, "keys", "new", "gateway", "--role", "gateway", "--enrol")
    return folder


def stored(home: Path, question: str) -> list[dict[str, Any]]:
    """Materialise and ask."""
    lineseal(home, "materialise")
    printed = lineseal(home, "sql", question, "--output", "ndjson")
    return [json.loads(line) for line in printed.splitlines()]


class Gateway:
    """Runs ``lineseal gateway``. Use as a context manager."""

    def __init__(self, home: Path, **settings: str) -> None:
        """Prepare to run it for *home* with the tests' settings, and others by their names."""
        self.home = home
        self._log = home / "gateway.log"
        self._settings = {**SETTINGS, **settings}
        self.port = 0

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start it, and wait until it listens."""
        command = ["gateway", "--listen", "127.0.0.1:0"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lineseal.commandline", "--home", str(self.home), *command],
                stderr=log,
                env={**os.environ, **self._settings},
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := re.search(r"listening at \S+:(\d+);", self._log.read_text())) is None:
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.port = int(found[1])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it in order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_SECONDS) in (0, -signal.SIGKILL), self._log.read_text()

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def peak_mib(self) -> int:
        """Return the most memory it ever had, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) // 1024

    def post(
        self, body: Any, token: str | None, path: str = "/api/v1/lineage", **headers: str
    ) -> tuple[int, Any]:
        """Send a body (JSON, or bytes as they are); return the status and what was answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        try:
            connection.request("POST", path, data, named)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        said: Any = json.loads(text) if text[:1] in (b"{", b"[") else text
        if answer.headers["retry-after"]:
            said["retry_after"] = int(answer.headers["retry-after"])
        return answer.status, said
