"""A running service answers exactly as the file would: byte for byte, status for status.

What is promised: every asking command, in every format, prints the same with and without a service;
errors too. Nobody meets the lock while a materialiser takes in new batches. Source: DESIGN 7.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from tests.integration.service.kit import Service, emit, lineseal, runs

from lineseal.consumers.api import ApiServer
from lineseal.consumers.detect import triage
from lineseal.consumers.logs import get_logger
from lineseal.consumers.store import Store
from lineseal.queries import questions
from lineseal.queries.columnar_rows import ColumnarRows
from lineseal.queries.containment import questions as containment
from lineseal.queries.gate import questions as gate
from lineseal.queries.incident import questions as incident
from lineseal.queries.question import Question, question_names
from lineseal.queries.record import questions as record
from lineseal.queries.remote import ask_service
from lineseal.queries.rollback import questions as rollback
from lineseal.queries.wide import answers as wide
from lineseal.settings import Home, load_settings

RAW = "dataset:lake/raw@1"
ASKED = [
    ("trace", "model:registry/fraud@2"),
    ("trace", "model:registry/fraud@2", "--suspect", "dataset:lake/feed@1"),
    (
        "trace",
        "model:registry/fraud@1",
        "--suspect",
        "dataset:lake/feed@1",
        "--as-of",
        "2020-01-01",
    ),
    ("trace", "model:registry/frau@2"),
    ("trace", "no reference at all"),
    ("impact", "dataset:lake/feed@1"),
    ("impact", "dataset:lake/feed@1", "--all-models", "--max-depth", "1"),
    ("diff", "model:registry/fraud@1", "model:registry/fraud@2"),
    ("last-good", "model:registry/fraud", "--without", "dataset:lake/feed@1"),
    ("timeline", "model:registry/fraud@2", "--ancestry"),
    ("who", "model:registry/fraud@2"),
    ("overrides", "--by", "nobody"),
    ("access",),
    ("feedback", "model:registry/fraud@2"),
    ("inventory",),
    ("gate", "promote", "model:registry/fraud@2", "--dry-run"),
    ("containment",),
    ("freeze", "dataset:lake/feed@1", "--dry-run"),
    ("incident", "list"),
    ("incident", "show", "INC-1"),
    ("rejects",),
    ("rejects", "show", "abcd"),
    ("producers",),
    ("status",),
    ("sql", "FROM edge ORDER BY ALL"),
    ("sql", "SELECT * FROM run_event", "--limit", "1"),
    ("sql", "DROP TABLE edge"),
    ("sql", "SELEC 1"),
]


@contextmanager
def served(home: Path) -> Generator[None]:
    """Hold the store of *home* open for writing, and answer for it."""
    settings = load_settings(Home(home))
    path = home / settings.store.path
    with (
        Store(path, deployment=settings.deployment.name) as store,
        ApiServer(Home(home), settings, lambda: store, get_logger()),
    ):
        yield


def everything(home: Path) -> list[tuple[int, str, str]]:
    """Ask every question as a program, and some as a person."""
    done = [lineseal(home, *asked, "--json") for asked in ASKED]
    done += [lineseal(home, *asked) for asked in ASKED[2:7:2]]
    done.append(lineseal(home, "bom", "model:registry/fraud@2", "--format", "slsa", "--unsigned"))
    return [(each.returncode, each.stdout, each.stderr) for each in done]


def test_every_answer_is_the_same_with_and_without_a_service(answered: Path) -> None:
    """Also what it says on stderr, and the exit status."""
    before = everything(answered)
    with served(answered):
        during = everything(answered)

    assert during == before
    assert {status for status, _, _ in before} >= {0, 1, 2, 3, 4, 6}


def test_a_large_answer_travels_in_columns(answered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is printed as the same bytes, in every format."""
    trace, impact = ("trace", "model:registry/fraud@2"), ("impact", "dataset:lake/feed@1")
    asked = [(*trace, "--json"), trace, (*impact, "--output", "csv"), impact]
    before = [lineseal(answered, *each) for each in asked]
    settings = load_settings(Home(answered))
    monkeypatch.setattr(wide, "MANY", 0)
    with served(answered):
        during = [lineseal(answered, *each) for each in asked]
        params = {"reference": trace[1]}
        told = ask_service(
            Home(answered), settings, "trace", params, answered / settings.store.path
        )

    assert told is not None
    assert isinstance(told.answer.rows, ColumnarRows)
    assert [(each.returncode, each.stdout, each.stderr) for each in during] == [
        (each.returncode, each.stdout, each.stderr) for each in before
    ]


def test_every_question_of_a_command_is_registered() -> None:
    """A service finds it under the very name that the command asks for."""
    named = {
        each.name
        for module in (questions, record, rollback, gate, containment, incident, triage)
        for each in vars(module).values()
        if isinstance(each, Question)
    }

    assert named == set(question_names())


def test_nobody_meets_the_lock_while_batches_are_taken_in(home: Home, following: Service) -> None:
    """Every question is answered, answers only grow, and all batches arrive."""
    expected = {"run-1", *(f"load-{number}" for number in range(300))}

    def emit_all() -> None:
        for start in range(0, 300, 30):
            emit(home, *(f"load-{number}" for number in range(start, start + 30)))

    load = threading.Thread(target=emit_all)
    load.start()
    sizes = [0]
    while True:
        status = lineseal(home, "status", "--json")
        assert status.returncode == 0, status.stderr
        found = runs(home)
        assert len(found) >= sizes[-1]
        sizes.append(len(found))
        if found == expected:
            break
        if not load.is_alive():
            assert following.process.poll() is None, following.lines
    load.join()

    assert following.stop() == 0
    assert not [line for line in following.events() if line["level"] != "info"]


def test_the_writers_lock_survives_a_statement(home: Home, following: Service) -> None:
    """Copying the store for it must not give the lock away (fcntl(2))."""
    path = home.resolve(load_settings(home).store.path)
    assert runs(home) == {"run-1"}

    with pytest.raises(duckdb.IOException, match="lock"):
        duckdb.connect(path, read_only=True)


def test_a_socket_that_a_kill_left_is_in_nobodys_way(home: Home) -> None:
    """Commands open the file, and the next service takes the place."""
    with Service(home, "materialise", "--follow") as first:
        first.wait_until_it_answers()
        first.process.kill()
        first.process.wait()
        assert first.socket.exists()
        assert runs(home) == {"run-1"}
    with Service(home, "materialise", "--follow") as second:
        second.wait_until_it_answers()
        assert runs(home) == {"run-1"}
        assert second.stop() == 0
        assert not second.socket.exists()


def test_a_second_materialiser_says_who_materialises(home: Home, following: Service) -> None:
    """And the first goes on."""
    refused = lineseal(home, "materialise")

    assert refused.returncode == 5
    assert f"process {following.process.pid} has" in refused.stderr
    assert runs(home) == {"run-1"}


def test_batches_that_are_not_in_the_store_are_said(home: Home) -> None:
    """By trace, impact and status, for people and programs; the answer stays what it is."""
    emit(home, "run-2")
    emit(home, "run-3")
    asked = lineseal(home, "status")
    answer = json.loads(lineseal(home, "status", "--json").stdout)
    sentence = (
        "2 batches in the log are not in the store yet: run 'lineseal materialise' to take in what "
        "is new"
    )

    assert asked.returncode == 0
    assert asked.stderr == f"warning: {sentence}\n"
    assert answer["complete"] is True
    assert answer["warnings"] == [sentence]
    lineseal(home, "materialise")
    assert lineseal(home, "status").stderr == ""


def test_a_user_who_is_not_the_owner_cannot_reach_the_socket(
    home: Home, following: Service
) -> None:
    """Folder 0700, socket 0600."""
    assert following.socket.parent.stat().st_mode & 0o777 == 0o700
    assert following.socket.stat().st_mode & 0o777 == 0o600
    if os.geteuid() == 0:
        asked = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", "cat", str(following.socket)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "denied" in asked.stderr
