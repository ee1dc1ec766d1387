"""How the demo starts processes: every stage and every command is one of its own.

They run in the demo folder with ``LINESEAL_HOME`` set and every other ``LINESEAL_`` variable
taken away, so that neither the caller's home nor its settings are touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lineseal.settings import HOME_FOLDER

_PIPELINE = "lineseal.demo.pipeline"


@dataclass(frozen=True, slots=True)
class Finished:
    """Hold what a process left: exit status, output, and how long it took in seconds."""

    status: int
    stdout: str
    stderr: str
    seconds: float


class Workshop:
    """Starts the demo's processes in one folder."""

    def __init__(self, folder: Path, bytecode: Path) -> None:
        """Work in *folder*; *bytecode* may hold compiled modules for the time of the run."""
        self.folder = folder
        self.home = folder / HOME_FOLDER
        self._environment = _environment(os.environ, self.home, bytecode)

    def stage(self, name: str, *arguments: str) -> Finished:
        """Run one stage of the pipeline and keep its output."""
        return self._run("-m", f"{_PIPELINE}.{name}", *arguments)

    def lineseal(self, *arguments: str) -> Finished:
        """Run a ``lineseal`` command and keep its output."""
        return self._run("-m", "lineseal.commandline", *arguments)

    def show(self, *arguments: str) -> int:
        """Run a ``lineseal`` command whose output goes straight to our stdout.

        Its stderr goes there too: a reader sees one text, in the order it was written.
        """
        sys.stdout.flush()
        return subprocess.run(  # noqa: S603 - our own program
            self._command("-m", "lineseal.commandline", *arguments),
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode

    def _run(self, *arguments: str) -> Finished:
        started = time.monotonic()
        done = subprocess.run(  # noqa: S603 - our own program
            self._command(*arguments),
            cwd=self.folder,
            env={**self._environment, "PYTHONIOENCODING": "utf-8:backslashreplace"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )
        seconds = time.monotonic() - started
        return Finished(done.returncode, done.stdout, done.stderr, seconds)

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        # -P: a file in the demo folder never shadows a module.
        return [sys.executable, "-P", *arguments]


def _environment(caller: Mapping[str, str], home: Path, bytecode: Path) -> dict[str, str]:
    environment = {
        name: value for name, value in caller.items() if not name.startswith("LINESEAL_")
    }
    environment["LINESEAL_HOME"] = str(home)
    # Where Python may not write bytecode beside its modules, some twenty processes would each
    # compile scikit-learn anew: give them a place of their own for the time of the run.
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        environment["PYTHONPYCACHEPREFIX"] = str(bytecode)
    return environment
