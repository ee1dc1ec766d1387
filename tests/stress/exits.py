"""Runs one case of the exit campaign and counts: emitted, refused, arrived, told as lost, status.

What counts as arrived is what comes out of the log's reader, the verifier and the strict codec
after what the producer's next job, or ``lineseal outbox seal``, does first.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from lineseal.producers.identity import identify
from lineseal.settings import Home, load_settings
from tests.stress.jobs import PRELUDE, Case
from tests.unit.producers.world import headers_of, make_home, said_in

_TMPFS_BYTES = 16 << 20
_ROOM_FOR_JOB = 8 << 20


class NotHere(Exception):
    """Say why a case cannot run on this machine."""


@dataclass(frozen=True, slots=True)
class Result:
    """Count what became of the events of one case.

    Attributes:
        emitted: Events for which ``emit`` returned an id.
        refused: Calls that returned none.
        arrived: Emitted events that are in the log, each once.
        other: Events in the log that ``emit`` did not return an id for, such as a run's parts.
        doubled: Events that are in the log more than once.
        told: Events that the log says, under signature, were lost.
        status: Exit status of the job.
        plain: Exit status of the same job without an emitter.
        errors: What the job wrote to standard error.

    """

    emitted: int
    refused: int
    arrived: int
    other: int
    doubled: int
    told: int
    status: int
    plain: int
    errors: str

    def faults(self, case: Case) -> list[str]:
        """Say which promises of *case* were broken."""
        found = {
            "an accepted event is not in the log": self.arrived != self.emitted,
            "an event is in the log twice": self.doubled > 0,
            "the emitter changed the exit status": self.status != self.plain,
            f"the exit status is not {case.status}": self.plain != case.status,
            "an event was refused": self.refused > 0 and not case.drops,
            "nothing was refused": self.refused == 0 and case.drops and bool(case.count),
            "what was refused is not told": case.told and self.told != self.refused,
            f"not {case.count} calls": case.count not in (None, self.emitted + self.refused),
        }
        return [text for text, broken in found.items() if broken]


def prepare(folder: Path) -> Home:
    """Make in *folder* the home that every case gets a copy of."""
    with contextlib.redirect_stderr(io.StringIO()):
        return make_home(folder)


def run_case(case: Case, prepared: Home, folder: Path) -> Result:
    """Run *case* in *folder*, with a copy of the home *prepared*. Several may run side by side.

    Raises:
        NotHere: This machine cannot make the fault.

    """
    home = Home(folder / prepared.path.name)
    shutil.copytree(prepared.path, home.path)
    with _disk(case.disk, home.path / "log"):
        plain, _, _ = _run(case, folder, home, plain=True)
        status, lines, errors = _run(case, folder, home, plain=False)
        if case.disk:
            _mount("-o", f"remount,rw,size={4 * _TMPFS_BYTES}", str(home.path / "log"))
        identify(home, load_settings(home, {})).adopt_orphans()
        counts = Counter(said.event_id for said in said_in(home))
        told = sum(header.loss.count for header in headers_of(home) if header.loss is not None)
    emitted = [line for line in lines if line != "dropped"]
    return Result(
        emitted=len(emitted),
        refused=len(lines) - len(emitted),
        arrived=sum(counts[event_id] == 1 for event_id in emitted),
        other=len(counts.keys() - set(emitted)),
        doubled=sum(count > 1 for count in counts.values()),
        told=told,
        status=status,
        plain=plain,
        errors=errors,
    )


def _run(case: Case, folder: Path, home: Home, *, plain: bool) -> tuple[int, list[str], str]:
    program, said = folder / "job.py", folder / "said"
    program.write_text(PRELUDE + case.script)
    said.write_text("")
    environment = {**os.environ, **dict(case.environment), "SAID": str(said)}
    environment |= {"LINESEAL_HOME": str(home.path)} | ({"PLAIN_JOB": "1"} if plain else {})
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, said.read_text().splitlines(), done.stderr


@contextlib.contextmanager
def _disk(fault: str, folder: Path) -> Generator[None]:
    if not fault:
        yield
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={_TMPFS_BYTES}", "tmpfs", str(folder))
    try:
        if fault == "read-only":
            _mount("-o", "remount,ro", str(folder))
        else:
            filler = _TMPFS_BYTES - (0 if fault == "full" else _ROOM_FOR_JOB)
            with (folder / "filler").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, filler - 8192)
                if fault == "full":
                    with contextlib.suppress(OSError):
                        while True:
                            os.write(file.fileno(), bytes(1024))
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        raise NotHere("a real full or read-only disk needs root, to mount a small tmpfs")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"cannot mount a small tmpfs here: {done.stderr.strip()}")
