"""Finds every checkpoint there is, and tells whether it fits the store's log.

Places: the table ``checkpoint``, the file outside, the topic of the log, and whatever files are
named: copies from another machine, exports of a SIEM. A checkpoint fits when a trusted key signed
it and the log, computed anew, has its root at its size; that all of them do is what proofs of
consistency between them would show.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lineseal.consumers.checkpoint_file import CheckpointFile
from lineseal.consumers.verify.log import CheckedLog
from lineseal.consumers.verify.problems import CHECKPOINT_MISSING, Problems
from lineseal.schemas.errors import (
    CheckpointInvalid,
    LinesealError,
    SplitView,
    StoreRollback,
    Unreadable,
)
from lineseal.settings import Home, Settings
from lineseal.signing.checkpoint import (
    SignedCheckpoint,
    find_notes,
    log_origin,
    read_checkpoint,
)
from lineseal.signing.keyring import Keyring
from lineseal.transport.base import CHECKPOINTS_TOPIC
from lineseal.transport.open import open_reader

_RECORDS = 1000
_POLL_SECONDS = 2.0
TABLE = "table checkpoint"


@dataclass(frozen=True, slots=True)
class Found:
    """Hold a verified checkpoint and the place it was found in."""

    place: str
    signed: SignedCheckpoint


def find_checkpoints(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    keyring: Keyring,
    copies: Iterable[Path],
    problems: Problems,
) -> list[Found]:
    """Find and verify all checkpoints; those that are none become problems."""
    places: list[tuple[str, Iterator[str]]] = [
        (TABLE, _in_table(connection, problems)),
        ("file", _in_file(home, problems)),
        ("topic", _in_topic(home, settings, problems)),
    ]
    places += [(str(path), _in_copy(path, problems)) for path in copies]
    found: list[Found] = []
    for place, notes in places:
        for note in notes:
            try:
                found.append(Found(place, read_checkpoint(note, keyring)))
            except CheckpointInvalid as error:
                problems.add(error.code, place, str(error))
    return found


def check_checkpoints(
    found: Iterable[Found],
    checked: CheckedLog,
    connection: duckdb.DuckDBPyConnection,
    deployment: str,
    problems: Problems,
) -> int:
    """Compare each with the log; return how many entries a checkpoint outside covers."""
    origin = _own_origin(connection, deployment)
    before = _log_before(connection)
    covered = 0
    outside: set[str] = set()
    for each in found:
        checkpoint = each.signed.checkpoint
        name = f"{each.place}, {checkpoint.size} entries"
        if each.place == "file":
            outside.add(each.signed.note)
        if checkpoint.origin != origin:
            if before is not None and checkpoint.origin in before[0]:
                problems.leave_out(
                    f"checkpoints of an earlier log, {checkpoint.origin}, are not comparable: "
                    f"this store took its place ({before[1]}); verify them with that store"
                )
            else:
                problems.add(SplitView.code, name, f"it is of another log: {checkpoint.origin}")
        elif checkpoint.size > checked.size:
            problems.add(
                StoreRollback.code, name, f"the log of the store has only {checked.size} entries"
            )
        elif checked.roots.get(checkpoint.size) != checkpoint.root:
            problems.add(SplitView.code, name, "the log of the store has another root there")
        elif each.place != TABLE:
            covered = max(covered, checkpoint.size)
    for each in found:
        if each.place == TABLE and each.signed.note not in outside:
            size = each.signed.checkpoint.size
            problems.add(CHECKPOINT_MISSING, f"file, {size} entries", "only the store has it")
    return covered


def _in_table(connection: duckdb.DuckDBPyConnection, problems: Problems) -> Iterator[str]:
    for size, root, origin, note in connection.execute(
        "SELECT tree_size, root_sha256, origin, note FROM checkpoint ORDER BY tree_size"
    ).fetchall():
        lines = note.split("\n")
        if lines[:2] != [origin, str(size)]:
            problems.add(CheckpointInvalid.code, TABLE, f"row {size} is not its note ({root[:12]})")
        yield note


def _in_file(home: Home, problems: Problems) -> Iterator[str]:
    path = CheckpointFile(home.checkpoints).path
    if not path.exists():
        return
    for number, line in enumerate(_read(path).splitlines(), 1):
        try:
            note = json.loads(line)["note"]
        except (ValueError, TypeError, KeyError):
            problems.add(CheckpointInvalid.code, f"{path}, line {number}", "this is no checkpoint")
            continue
        yield str(note)


def _in_topic(home: Home, settings: Settings, problems: Problems) -> Iterator[str]:
    notes: list[str] = []
    try:
        reader = open_reader(settings.log.url, home, topic=CHECKPOINTS_TOPIC)
        with contextlib.closing(reader):
            reader.seek({})
            while records := reader.poll(_RECORDS, _POLL_SECONDS if notes else 0.0):
                notes += [record.value.decode("utf-8", "replace") for record in records]
    except LinesealError as error:
        problems.leave_out(f"the topic of checkpoints cannot be read: {error}")
    yield from notes


def _in_copy(path: Path, problems: Problems) -> Iterator[str]:
    notes = list(find_notes(_read(path)))
    if not notes:
        problems.add(CheckpointInvalid.code, str(path), "there is no checkpoint in it")
    yield from notes


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error


def _own_origin(connection: duckdb.DuckDBPyConnection, deployment: str) -> str | None:
    rows = connection.execute("SELECT value FROM store_fact WHERE name = 'log_id'").fetchall()
    return log_origin(deployment, rows[0][0]) if rows else None


def _log_before(connection: duckdb.DuckDBPyConnection) -> tuple[set[str], str] | None:
    rows = connection.execute(
        "SELECT stream, detail FROM log_entry WHERE log_index = 0 AND kind = 'START'"
    ).fetchall()
    if not rows:
        return None
    return {rows[0][0]}, json.loads(rows[0][1])["reason"]
