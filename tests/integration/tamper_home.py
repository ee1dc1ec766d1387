"""A home to tamper with: commands run in this process, on copies of one that was made once.

The home holds a model, its data, a reject, an alert and a finding; two checkpoints; copies of what
an attacker puts back: an old store, an old log, an old keyring; and one of the checkpoints that
is kept where nobody here can write.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import duckdb

from lineseal.commandline import program
from lineseal.consumers.running import opened
from lineseal.settings import Home, load_settings
from lineseal.transport.embedded import EmbeddedLogWriter


@dataclass(frozen=True)
class Done:
    """What a command gave."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Victim:
    """One home that may be changed at will."""

    folder: Path

    @property
    def home(self) -> Path:
        """Return the home folder."""
        return self.folder / ".lineseal"

    @property
    def store(self) -> Path:
        """Return the store's file."""
        return self.home / "store" / "lineseal.duckdb"

    @property
    def outboxes(self) -> Path:
        """Return the folder of the log's files."""
        return self.home / "log" / "events"

    @property
    def checkpoints(self) -> Path:
        """Return the file of checkpoints."""
        return self.home / "checkpoints" / "checkpoints.jsonl"

    @property
    def kept(self) -> Path:
        """Return the copy of the checkpoints that is kept elsewhere."""
        return self.folder / "kept.jsonl"

    def old(self, name: str) -> Path:
        """Return an old copy: store, log, keyring."""
        return self.folder / "old" / name

    def run(self, *arguments: str) -> Done:
        """Run a command as the program does, in this process."""
        out, err = io.StringIO(), io.StringIO()
        environment = {"LINESEAL_HOME": str(self.home)}
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.dict(os.environ, environment),
            mock.patch.object(sys, "argv", ["lineseal", *arguments]),
        ):
            try:
                program.main()
            except SystemExit as end:
                return Done(int(end.code or 0), out.getvalue(), err.getvalue())
        raise AssertionError("the program did not end")

    def sql(self, *statements: str) -> None:
        """Change the store as anybody with the file can."""
        with duckdb.connect(str(self.store)) as connection:
            for statement in statements:
                connection.execute(statement)

    def change_newest_batch(self, change: Callable[[bytes], bytes]) -> None:
        """Change the producer's newest batch, as anybody with its file can."""
        for path in sorted(self.outboxes.glob("trainer*.sqlite")):
            with contextlib.closing(sqlite3.connect(path)) as connection:
                (position, value), *_ = connection.execute(
                    "SELECT position, value FROM batch ORDER BY position DESC"
                ).fetchall()
                connection.execute(
                    "UPDATE batch SET value = ? WHERE position = ?", (change(value), position)
                )
                connection.commit()

    def emit(self, number: int) -> None:
        """Register one more data set."""
        done = self.run("emit", "registration", "--subject", f"dataset:lake/t@{number}")
        assert done.status == 0, done.err

    def replace(self, target: Path, source: Path) -> None:
        """Put a copy in the place of a file or folder."""
        if target.is_dir():
            shutil.rmtree(target)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.unlink(missing_ok=True)
            shutil.copyfile(source, target)

    def codes(self, done: Done) -> set[str]:
        """Return the codes that a command told: of verify's rows, of findings, of an error."""
        with contextlib.suppress(ValueError):
            answer = json.loads(done.out)
            if "problems" in answer:
                return set(answer["problems"])
        words = done.err.replace(":", " ").replace("[", " ").replace("]", " ").split()
        return {word.strip(",.") for word in words if word.strip(",.").isupper()}


def make_home(folder: Path) -> Victim:
    """Make the home that the others are copies of."""
    folder.mkdir(parents=True)
    victim = Victim(folder)
    _must(victim, "init", "--producer", "trainer", "--deployment", "lab")
    victim.old("").mkdir()
    shutil.copyfile(victim.home / "keyring.json", victim.old("keyring.json"))
    _must(victim, "keys", "new", "alice", "--person", "--enrol")
    victim.emit(0)
    _must(
        victim, "run", "--job", "fit", "--reads", "dataset:lake/t@0", "--writes", "model:reg/m@1",
        "--", "true",
    )  # fmt: skip
    _must(
        victim, "emit", "override", "--as", "alice", "--target", "dataset:lake/t@0", "--before",
        "a", "--after", "b", "--reason", "x y",
    )  # fmt: skip
    victim.run("materialise")
    shutil.copyfile(victim.store, victim.old("store"))
    shutil.copytree(victim.outboxes, victim.old("events"))
    _must(
        victim, "emit", "override", "--as", "alice", "--target", "model:reg/m@1", "--before",
        "blocked", "--after", "released", "--reason", "quarter end",
    )  # fmt: skip
    settings = load_settings(Home(victim.home))
    writer = EmbeddedLogWriter(victim.outboxes, "junk")
    writer.append("trainer", b"garbage")
    writer.close()
    with opened(Home(victim.home), settings) as work:
        while not work.materialiser.step().idle:
            pass
        # What a killed process leaves: the file, and what was committed since beside it.
        shutil.copyfile(victim.store, victim.old("store-before-wal"))
        wal = victim.store.with_name(victim.store.name + ".wal")
        assert wal.stat().st_size > 0
    victim.run("materialise")
    shutil.copyfile(victim.checkpoints, victim.kept)
    return victim


@contextlib.contextmanager
def copy_of(victim: Victim, folder: Path) -> Generator[Victim]:
    """Give a copy of *victim* in *folder* for the time of one attack."""
    shutil.copytree(victim.folder, folder, symlinks=True)
    try:
        yield Victim(folder)
    finally:
        shutil.rmtree(folder)


def _must(victim: Victim, *arguments: str) -> Done:
    done = victim.run(*arguments)
    assert done.status == 0, (arguments, done)
    return done
