"""Real processes for the tests of a running service: start, ask, stop by their ids."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests import warm

from lineseal.queries.remote import connect_unix
from lineseal.schemas.codec import encode_event
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.model import Actor, ActorKind, Event, Origin, RunEvent, RunState, body_of
from lineseal.settings import Home, load_settings
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import file_uri, load_signer
from lineseal.transport.embedded import Outbox, open_log_folder

PATIENCE_SECONDS = 90.0


def command(*arguments: str) -> list[str]:
    """Return the program with its arguments."""
    return [sys.executable, "-m", "lineseal.commandline", *arguments]


def environment(home: Home | Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that names the home."""
    path = home.path if isinstance(home, Home) else home
    return {**os.environ, "LINESEAL_HOME": str(path), **(extra or {})}


def lineseal(home: Home | Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command in *home* with *extra* variables."""
    return warm.run(*arguments, env=environment(home, extra))


def emit(home: Home, *run_ids: str) -> None:
    """Seal one event for each run into the home's log."""
    settings = load_settings(home)
    signer = load_signer(file_uri(home.keys / "trainer.pem"))
    sealer = Sealer(signer, deployment=settings.deployment.name, producer="trainer")
    folder = open_log_folder(settings, home)
    with Outbox.open(folder, "trainer", sealer, max_bytes=1 << 30) as outbox:
        for run_id in run_ids:
            outbox.accept([encode_event(_start(run_id))])


def _start(run_id: str) -> Event:
    return Event(
        event_id=new_uuid7(),
        event_time=now_us(),
        producer="trainer",
        actor=Actor(kind=ActorKind.SERVICE, id="trainer"),
        origin=Origin.EMITTER,
        run_id=run_id,
        body=body_of(RunEvent(state=RunState.START)),
    )


def runs(home: Home) -> set[str]:
    """Ask the command line for the runs in the store."""
    asked = lineseal(home, "sql", "SELECT run_id FROM run", "--json")
    assert asked.returncode == 0, asked.stderr
    return {row["run_id"] for row in json.loads(asked.stdout)["rows"]}


class Service:
    """A long-running command; what it says is collected. Killed at the end if it still runs."""

    def __init__(self, home: Home | Path, *arguments: str, **extra: str) -> None:
        self.home = home if isinstance(home, Home) else Home(home)
        self._command = command(*arguments)
        self._environment = environment(self.home, extra)
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        """Start it."""
        self.process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        self._reader = threading.Thread(target=self._collect)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop, and return its exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        return status

    def events(self) -> list[dict[str, Any]]:
        """Return its log lines."""
        return [json.loads(line) for line in self.lines]

    def get(self, path: str) -> tuple[int, Any]:
        """Ask the API with GET over its socket."""
        connection = unix_connection(self.socket)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    @property
    def socket(self) -> Path:
        """Return the path of its socket."""
        return self.home.path / "run" / "api.sock"

    def wait_until_it_answers(self, path: str = "/health") -> None:
        """Wait until the API says 200 to *path*."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert self.process.poll() is None, "\n".join(self.lines)
            try:
                if self.get(path)[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            assert time.monotonic() < deadline, "\n".join(self.lines)
            time.sleep(0.05)

    def _collect(self) -> None:
        stream = self.process.stderr
        assert stream is not None
        self.lines.extend(line.rstrip("\n") for line in stream)


def unix_connection(path: Path) -> http.client.HTTPConnection:
    """Open an HTTP connection over a Unix socket."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connect_unix(sock, path)
    except OSError:
        sock.close()
        raise
    connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_SECONDS)
    connection.sock = sock
    return connection
