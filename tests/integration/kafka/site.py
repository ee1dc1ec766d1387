"""A home made by ``lineseal init`` whose log lies in Kafka, and commands run in it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
from tests import warm
from tests.integration.kafka.kit import PATIENCE_SECONDS

from lineseal.commandline.program import main

QUICK = frozenset({"emit", "init", "keys"})
"""Commands that open no connection and hold nothing open; ``outbox`` too, without a broker."""


class Site:
    """One machine with Lineseal on it.

    Attributes:
        home: The home folder.
        environment: What every process of it needs.

    """

    def __init__(self, folder: Path, url: str, **settings: str) -> None:
        """Make a home with one producer, ``trainer``; *settings* are environment variables."""
        self.folder = folder
        self.home = folder / ".lineseal"
        folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if "LINESEAL" not in name}
        self.environment = {**kept, "LINESEAL_HOME": str(self.home)}
        self.run("init", "--producer", "trainer")
        self.environment |= {"LINESEAL_LOG__URL": url, **settings}

    @property
    def outboxes(self) -> Path:
        """Return the folder of the outbox files."""
        return self.home / "log" / "events"

    @property
    def _kafka(self) -> bool:
        return self.environment.get("LINESEAL_LOG__URL", "").startswith("kafka:")

    def run(self, *command: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a lineseal command to its end: a quick one in this process, others in their own."""
        quick = command[0] in QUICK or (command[0] == "outbox" and not self._kafka)
        done = self._here(command) if quick else self._there(command)
        assert done.returncode == status, done.stderr + done.stdout
        return done

    def _here(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment, clear=True),
            patch.object(sys, "argv", ["lineseal", *command]),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(
            command, ended.value.code, out.getvalue(), err.getvalue()
        )

    def _there(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return warm.run(
            *command, cwd=self.folder, env=self.environment, timeout=2 * PATIENCE_SECONDS
        )

    def job(self, code: str) -> subprocess.Popen[str]:
        """Start a Python program; its input and output are pipes."""
        return subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
