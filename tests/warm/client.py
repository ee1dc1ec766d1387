"""Asks the server for commands; the first one starts it, and it ends with this process."""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

_starting = threading.Lock()


def run(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
) -> CompletedProcess[str]:
    """Run a command to its end in folder *cwd* with exactly the environment *env*.

    Raises:
        TimeoutError: It did not end within *timeout* seconds; it may still run.

    """
    words = [str(argument) for argument in arguments]
    request = {
        "arguments": words,
        "cwd": str(cwd or Path.cwd()),
        "environment": dict(os.environ if env is None else env),
    }
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        files[0].write(stdin)
        files[0].seek(0)
        connection = stack.enter_context(socket.socket(socket.AF_UNIX))
        connection.settimeout(timeout)
        with _starting:
            address = _server()
        connection.connect(address)
        descriptors = array.array("i", [file.fileno() for file in files])
        connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors.tobytes())])
        connection.sendall(json.dumps(request).encode() + b"\n")
        status = connection.makefile("rb").readline()
        assert status, "the server of warm programs is gone"
        for file in files[1:]:
            file.seek(0)
        out, err = (file.read().decode() for file in files[1:])
    return CompletedProcess(words, int(status), out, err)


@cache
def _server() -> str:
    """Start the server of this process, and return where it listens."""
    folder = tempfile.mkdtemp(prefix="lineseal-warm-")
    # It ends when its input ends: when this process does, however that happens.
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.warm.server", f"{folder}/socket"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if "LINESEAL" not in name},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    _running.append(process)
    return f"{folder}/socket"


_running: list[subprocess.Popen[bytes]] = []
"""The server: never collected before this process ends, whose end closes its input."""
