"""Puts the batches that the store holds together again, as the bytes that were received.

A batch's frame is made of its header, signatures and events; the log says what its SHA-256 was.
What is missing or changed becomes a problem, and the batch is left out.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from lineseal.consumers.entries import microseconds, read_rows
from lineseal.consumers.journal import BATCH, Entry
from lineseal.consumers.verify.problems import (
    BATCH_CHANGED,
    BATCH_MISSING,
    ENTRY_MISSING,
    Problems,
)
from lineseal.schemas.model import BatchSignature, SignedBatch
from lineseal.signing.frame import encode_frame
from lineseal.signing.merkle import leaf_hash, merkle_root

WINDOW_EVENTS = 65_536
"""Events loaded at once; a commit with more is loaded whole."""
_MAX_CHOICES = 4096
_Key = tuple[str, str, int, int]
"""Producer, epoch, batch number, ingest time."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """Hold a batch as its entry and the store's bytes give it; *refused* are event indexes."""

    name: str
    entry: Entry
    producer: str
    header_sha256: str
    value: bytes
    logged_at: int | None
    first_seen: int
    refused: dict[int, str]


def stored_batches(
    connection: duckdb.DuckDBPyConnection,
    log: Sequence[tuple[int, Entry]],
    problems: Problems,
) -> Iterator[list[StoredBatch]]:
    """Yield the batches of each commit in the order of the log; *log* are its entries of batches.

    Every row of ``batch`` and ``event`` is accounted for once, or becomes a problem.
    """
    by_commit: dict[int, list[tuple[int, Entry]]] = defaultdict(list)
    for index, entry in log:
        by_commit[entry.ingest_time].append((index, entry))
    sizes: dict[int, int] = {
        microseconds(moment): events
        for moment, events in connection.execute(
            "SELECT ingest_time, CAST(sum(event_count) AS BIGINT) FROM batch GROUP BY ALL"
        ).fetchall()
    }
    times = sorted(by_commit.keys() | sizes.keys())
    for window in _windows(times, sizes):
        loaded = BatchWindow(connection, window)
        for ingest_time in window:
            yield loaded.take(ingest_time, by_commit.get(ingest_time, []), problems)
        loaded.complain(problems)


def _windows(times: Sequence[int], sizes: dict[int, int]) -> Iterator[list[int]]:
    window: list[int] = []
    events = 0
    for moment in times:
        if window and events + sizes.get(moment, 0) > WINDOW_EVENTS:
            yield window
            window, events = [], 0
        window.append(moment)
        events += sizes.get(moment, 0)
    if window:
        yield window


class BatchWindow:
    """Holds the rows of some commits that follow each other; *times* are their ingest times."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, times: Sequence[int]) -> None:
        span = {"first": times[0], "last": times[-1]}
        between = "WHERE ingest_time BETWEEN make_timestamp($first) AND make_timestamp($last)"
        self._batches: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
        wanted = (
            "SELECT producer, epoch, batch_seq, header_sha256, merkle_root, event_count,"  # noqa: S608
            " payload_type, header, keyid, signature, signatures, ingest_time"
            f" FROM batch {between} ORDER BY rowid"
        )
        for row in read_rows(connection, wanted, span):
            self._batches[microseconds(row["ingest_time"]), row["header_sha256"]].append(row)
        self._whole: dict[_Key, list[bytes]] = {}
        self._events: dict[_Key, dict[int, list[bytes]]] = defaultdict(lambda: defaultdict(list))
        self._load_events(connection, between, span)
        self._refused: dict[_Key, dict[int, list[tuple[bytes, str]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        wanted = (
            "SELECT producer, epoch, batch_seq, epoch_us(ingest_time), event_index, raw, code"  # noqa: S608
            f" FROM reject {between} AND event_index IS NOT NULL ORDER BY reject_id"
        )
        for producer, epoch, seq, moment, index, raw, code in connection.execute(
            wanted, span
        ).fetchall():
            self._refused[producer, epoch, seq, moment][index].append((raw, code))

    def _load_events(
        self, connection: duckdb.DuckDBPyConnection, between: str, span: dict[str, int]
    ) -> None:
        wanted = (
            "SELECT producer, epoch, batch_seq, epoch_us(ingest_time) AS moment,"  # noqa: S608
            " list(event_index ORDER BY event_index, rowid), list(raw ORDER BY event_index, rowid)"
            f" FROM event {between} GROUP BY ALL"
        )
        for producer, epoch, seq, moment, indexes, raws in connection.execute(
            wanted, span
        ).fetchall():
            key = (producer, epoch, seq, moment)
            if indexes == list(range(len(raws))):
                self._whole[key] = raws
                continue
            for index, raw in zip(indexes, raws, strict=True):
                self._events[key][index].append(raw)

    def take(
        self, ingest_time: int, log: Sequence[tuple[int, Entry]], problems: Problems
    ) -> list[StoredBatch]:
        """Return the good batches of one commit, in the order of the log."""
        batches: list[StoredBatch] = []
        for index, entry in log:
            detail = json.loads(entry.detail)
            rows = self._batches.get((ingest_time, str(detail.get("header_sha256"))))
            if not rows:
                problems.add(
                    BATCH_MISSING, f"entry {index}", f"the batch {entry.value_sha256} is gone"
                )
                continue
            batch = self._put_together(rows.pop(0), entry, detail, problems)
            if batch is not None:
                batches.append(batch)
        return batches

    def complain(self, problems: Problems) -> None:
        """Report what no entry of the log accounts for."""
        for (_, header_sha256), rows in self._batches.items():
            for row in rows:
                problems.add(
                    ENTRY_MISSING, _name(row), f"the log knows no batch {header_sha256} then"
                )
        for (producer, epoch, seq, _), events in self._events.items():
            if any(events.values()):
                problems.add(
                    ENTRY_MISSING, f"{producer}/{epoch}/{seq}", "it has events of no known batch"
                )
        for producer, epoch, seq, _ in self._whole:
            problems.add(
                ENTRY_MISSING, f"{producer}/{epoch}/{seq}", "it has events of no known batch"
            )

    def _put_together(
        self, row: dict[str, Any], entry: Entry, detail: dict[str, Any], problems: Problems
    ) -> StoredBatch | None:
        name = _name(row)
        key = (row["producer"], row["epoch"], row["batch_seq"], entry.ingest_time)
        chosen = self._choose(key, row["event_count"], row["merkle_root"])
        if isinstance(chosen, str):
            problems.add(BATCH_CHANGED, name, chosen)
            return None
        events, refused = chosen
        signatures = row["signatures"] or [{"keyid": row["keyid"], "sig": row["signature"]}]
        value = encode_frame(
            SignedBatch(
                payload_type=row["payload_type"],
                header=row["header"],
                signatures=tuple(BatchSignature(**signature) for signature in signatures),
                events=events,
            )
        )
        if hashlib.sha256(value).hexdigest() != entry.value_sha256:
            problems.add(BATCH_CHANGED, name, "its bytes are not those that the log names")
            return None
        return StoredBatch(
            name=name,
            entry=entry,
            producer=row["producer"],
            header_sha256=row["header_sha256"],
            value=value,
            logged_at=detail.get("logged_at"),
            first_seen=detail["first_seen"],
            refused=refused,
        )

    def _choose(
        self, key: _Key, count: int, root: str
    ) -> tuple[tuple[bytes, ...], dict[int, str]] | str:
        """Pick the batch's events, or say what is wrong. Branches of a fork share their numbers."""
        whole = self._whole.pop(key, None)
        if whole is not None and len(whole) == count:
            return tuple(whole), {}
        accepted, refused = self._events[key], self._refused[key]
        for index, raw in enumerate(whole or ()):
            accepted[index].append(raw)
        options: list[list[tuple[bytes, str | None]]] = []
        for index in range(count):
            here = [(raw, None) for raw in accepted[index]]
            there: list[tuple[bytes, str | None]] = list(refused[index])
            options.append([*here, *there])
            if not options[-1]:
                return f"its event {index} is missing"
        for picked in itertools.islice(itertools.product(*options), _MAX_CHOICES):
            if merkle_root([leaf_hash(raw) for raw, _ in picked]).hex() != root:
                continue
            for index, (raw, code) in enumerate(picked):
                if code is None:
                    accepted[index].remove(raw)
                else:
                    refused[index].remove((raw, code))
            return (
                tuple(raw for raw, _ in picked),
                {index: code for index, (_, code) in enumerate(picked) if code is not None},
            )
        return "its events do not hash to its Merkle root"


def log_of_batches(log: Sequence[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
    """Return the entries of batches."""
    return [(index, entry) for index, entry in log if entry.kind == BATCH]


def _name(row: dict[str, Any]) -> str:
    return f"{row['producer']}/{row['epoch']}/{row['batch_seq']}"
