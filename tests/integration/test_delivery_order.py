"""Order does not matter: whichever way batches arrive, every question has the same answer.

What is promised: the sealed batches of a real pipeline (the demo), delivered in any order, some
of them several times, with a restart of the materialiser somewhere in between, give a store
whose answers are equal, byte for byte, to those of the store that got them in order.
Source: DESIGN 8 ("answers do not change when events arrive late, twice or in another order"),
ADR-0004.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulator import Entry, MemoryLog, MemoryReader

from lineseal.consumers.keyring_source import KeyringSource
from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.store import Store
from lineseal.demo.story import CLEAN_MODEL, FEED, POISONED_MODEL
from lineseal.queries.cli.diff import diff
from lineseal.queries.cli.impact import impact
from lineseal.queries.cli.last_good import last_good
from lineseal.queries.cli.state import producers
from lineseal.queries.cli.trace import trace
from lineseal.settings import Home, load_settings
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded import EmbeddedLogReader

Answers = dict[str, tuple[Any, str]]
"""What was asked, to exit status and what was printed."""


@pytest.fixture(scope="module")
def home(demo: dict[str, Any]) -> Home:
    """Return the demo's home; its own store is the reference."""
    return Home(Path(demo["home"]))


@pytest.fixture(scope="module")
def records(home: Home) -> list[LogRecord]:
    """Return the sealed batches of the demo, in the order they lie in its log."""
    reader = EmbeddedLogReader(home.path / "log" / "events")
    found = list(reader.poll(10_000, 0.0))
    reader.close()
    return found


@pytest.fixture(scope="module")
def desk(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a home without a log, from which any store can be asked.

    With the demo's log beside it, a store that was fed from elsewhere is told to be behind.
    """
    path = tmp_path_factory.mktemp("desk") / ".lineseal"
    shutil.copytree(home.path, path, ignore=shutil.ignore_patterns("log", "outbox", "store"))
    return Home(path)


@pytest.fixture(scope="module")
def reference(home: Home, desk: Home) -> Answers:
    """Return all answers of the store that the demo materialised in order."""
    return _ask_everything(desk, home.resolve(load_settings(home).store.path))


def _ask_everything(home: Home, store: Path) -> Answers:
    return {
        f"{command.name} {' '.join(arguments)}": _ask(home, store, command, arguments)
        for command, arguments in _questions(_datasets(store))
    }


def _questions(datasets: list[str]) -> list[tuple[click.Command, list[str]]]:
    assert FEED in datasets
    return [
        (producers, []),
        (impact, [FEED]),
        *((impact, [dataset, "--all-models"]) for dataset in datasets),
        *((trace, [model]) for model in (CLEAN_MODEL, POISONED_MODEL)),
        *((trace, [model, "--suspect", FEED]) for model in (CLEAN_MODEL, POISONED_MODEL)),
        (impact, ["supplier:Acme Scans", "--all-models", "--dose"]),
        (diff, [CLEAN_MODEL, POISONED_MODEL]),
        (last_good, [POISONED_MODEL, "--without", FEED]),
    ]


def _ask(home: Home, store: Path, command: click.Command, arguments: list[str]) -> tuple[Any, str]:
    environment = {"LINESEAL_HOME": str(home.path), "LINESEAL_STORE__PATH": str(store)}
    result = CliRunner(env=environment).invoke(
        command, [*arguments, "--json"], standalone_mode=False, catch_exceptions=False
    )
    return result.return_value, result.stdout


def _datasets(store: Path) -> list[str]:
    with duckdb.connect(str(store), read_only=True) as connection:
        rows = connection.execute(
            "SELECT 'dataset:' || namespace || '/' || name || '@' || version AS reference "
            "FROM artifact_version WHERE kind = 'dataset' AND known_to IS NULL ORDER BY reference"
        ).fetchall()
    return [reference for (reference,) in rows]


def _deliver(home: Home, store: Path, parts: list[list[LogRecord]], limit: int) -> None:
    """Deliver part after part to one store, each to a materialiser that was just started."""
    deployment = load_settings(home).deployment
    log = MemoryLog()
    for part in parts:
        log.entries += [Entry(record.key, record.value) for record in part]
        keyring = KeyringSource(
            home.keyring, roots=deployment.roots, threshold=deployment.threshold
        )
        with Store(store, deployment=deployment.name) as opened:
            materialiser = Materialiser(opened, MemoryReader(log), keyring, deployment.name)
            while not materialiser.step(limit).idle:
                pass


@settings(max_examples=15)
@given(data=st.data())
def test_order_repeats_and_restarts_do_not_change_an_answer(
    desk: Home, records: list[LogRecord], reference: Answers, data: st.DataObject
) -> None:
    """Shuffled, some batches twice or more, a restart in between: every answer is the same."""
    numbers = range(len(records))
    repeats = data.draw(st.lists(st.sampled_from(numbers), max_size=10), label="repeats")
    order = data.draw(st.permutations([*numbers, *repeats]), label="order")
    restart = data.draw(st.integers(0, len(order)), label="restart after")
    limit = data.draw(st.sampled_from([10, 512]), label="records at once")
    delivered = [records[number] for number in order]

    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "lineseal.duckdb"
        _deliver(desk, store, [delivered[:restart], delivered[restart:]], limit)
        answers = _ask_everything(desk, store)

    assert reference == answers


def test_a_batch_that_never_arrives_does_change_answers(
    desk: Home, records: list[LogRecord], reference: Answers, tmp_path: Path
) -> None:
    """The comparison is no formality: with one batch left out it fails."""
    store = tmp_path / "lineseal.duckdb"

    _deliver(desk, store, [records[1:]], 512)

    assert reference["producers "] != _ask(desk, store, producers, [])
