"""Makes one system call of a victim fail, or kill it, with strace, and checks what is left.

The points come from a run that is only traced: the calls of each thread that touch files of the
home, by their number in that thread, which is how ``inject=...:when=N`` counts (strace(1)).
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.stress.kills import ROOT, Tally, World
from tests.stress.victims import MANY

CALLS: Final = ("write", "pwrite64", "fsync", "fdatasync", "rename", "openat", "ftruncate")
ERRORS: Final = ("KILL", "EIO", "ENOSPC")
EVENTS: Final = 4 * 3 + MANY
_CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
_KILLED = "+++ killed by SIGKILL +++"
_INJECTED = "(INJECTED)"
_HOME = ".lineseal/"
_ID_LENGTH = 36


@dataclass
class _Call:
    """A call of a trace: its number among the calls of that name in that thread, and its text."""

    name: str
    number: int
    text: str


class Injection:
    """One kind of victim and the calls it makes.

    Attributes:
        points: For each call, its numbers that touch a file of the home.

    """

    def __init__(self, kind: str, folder: Path) -> None:
        """Trace a victim of *kind* once, in *folder*."""
        self._kind = kind
        self._folder = folder
        (folder / "world").mkdir()
        self._world = World(folder / "world", Tally())
        if kind == "materialise":
            self._world.seen = self._traced("emit", None)[1]
        self._keep()
        self._traced(kind, None)
        self.points = _points(_calls(self._trace()))

    def run(self, call: str, number: int, error: str) -> list[str] | None:
        """Let call number *number* fail, and return what was broken after it.

        Return None when this run did not come to that call, or it was not one that touches a file
        of the home: the numbers vary from run to run.

        Raises:
            RuntimeError: The run came to that call and strace did nothing, or the reverse.

        """
        self._restore()
        self._world.tally = Tally()
        what = "signal=KILL" if error == "KILL" else f"error={error}"
        status, seen = self._traced(self._kind, f"{call}:{what}:when={number}")
        if not self._happened(call, number, error, status):
            return None
        if self._kind == "emit":
            self._world.seen = seen
        broken: list[str] = []
        if self._kind == "emit" and error != "KILL" and status != 0:
            broken.append(f"the job ended with {status}")
        if self._kind == "materialise":
            self._world.check_store()
        if self._world.tally.unopenable:
            return [*broken, "the store cannot be opened"]
        self._world.finish(relay=False)
        tally = self._world.tally
        if tally.broken:
            broken.append(f"{tally.lost} lost, {tally.doubled} doubled, {tally.torn} torn")
        return broken

    def _happened(self, call: str, number: int, error: str, status: int) -> bool:
        """Tell whether a call that touches a file of the home was made to fail."""
        trace = self._trace()
        came = [one for one in _calls(trace) if (one.name, one.number) == (call, number)]
        if error == "KILL":
            done = _KILLED in trace and status == -signal.SIGKILL
        else:
            done = any(_INJECTED in one.text for one in came)
        if done != bool(came):
            msg = f"{self._kind}: {error} at {call} {number}: came {came}, but status {status}"
            raise RuntimeError(msg)
        return any(_HOME in one.text for one in came)

    def _trace(self) -> str:
        return (self._folder / "trace").read_text("utf-8", "replace")

    def _keep(self) -> None:
        shutil.copytree(self._world.home.path, self._folder / "kept", symlinks=True)

    def _restore(self) -> None:
        shutil.rmtree(self._world.home.path)
        shutil.copytree(self._folder / "kept", self._world.home.path, symlinks=True)

    def _traced(self, kind: str, inject: str | None) -> tuple[int, list[str]]:
        """Run a victim under strace; return its status and the ids it said."""
        log = str(self._folder / "trace")
        strace = [
            "strace",
            "-f",
            # Faster, but with it strace 6.1 says nothing and delivers no signal.
            *(() if inject is not None and ":signal=" in inject else ("--seccomp-bpf",)),
            "-y",
            "-qq",
            "-o",
            log,
            "-e",
            f"trace={','.join(CALLS)}",
        ]
        if inject is not None:
            strace += ["-e", f"inject={inject}"]
        more = [*self._world.paths(), *([str(EVENTS)] if kind == "emit" else [])]
        done = subprocess.run(
            [*strace, sys.executable, "-m", "tests.stress.victims", kind, *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = done.stdout.splitlines()
        return done.returncode, [line for line in said if len(line) == _ID_LENGTH]


def why_no_strace() -> str | None:
    """Say why system calls cannot be traced here, or None."""
    try:
        done = subprocess.run(
            ["strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "true"],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        return "strace is not installed"
    return None if done.returncode == 0 else "strace may not trace here (ptrace is not allowed)"


def _calls(trace: str) -> list[_Call]:
    counts: Counter[tuple[str, str]] = Counter()
    found: list[_Call] = []
    unfinished: dict[str, _Call] = {}
    for line in trace.splitlines():
        if (match := _CALL.match(line)) is not None and match[2] in CALLS:
            counts[match[1], match[2]] += 1
            found.append(_Call(match[2], counts[match[1], match[2]], match[3]))
            unfinished[match[1]] = found[-1]
        elif (match := _RESUMED.match(line)) is not None and match[2] in CALLS:
            unfinished[match[1]].text += match[3]
    return found


def _points(calls: list[_Call]) -> dict[str, list[int]]:
    numbers: dict[str, set[int]] = {}
    for call in calls:
        if _HOME in call.text:
            numbers.setdefault(call.name, set()).add(call.number)
    return {call: sorted(found) for call, found in numbers.items()}
