"""docs/openlineage.md is true: what it tells one to type works, with the official client.

What is promised: every marked block runs, in order, in an empty folder, and prints what the page
shows.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

from tests import readme

PAGE = Path(__file__).resolve().parents[3] / "docs" / "openlineage.md"
ADDRESS = "127.0.0.1:5000"


def test_what_the_page_says_works(tmp_path: Path) -> None:
    """Only the port is another one."""
    text = PAGE.read_text("utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = f"lineseal gateway --listen 127.0.0.1:{port} >"
    page = text.replace("lineseal gateway >", command).replace(ADDRESS, f"127.0.0.1:{port}")

    assert ADDRESS in text
    try:
        for block, printed in readme.play(page, tmp_path):
            assert readme.lasting(block.text) == readme.lasting(printed)
    finally:
        pid = tmp_path / "gateway.pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGKILL)
