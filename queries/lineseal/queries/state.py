"""What has the store received, and what did it refuse? From whom, up to where, with which gaps."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.catalog import query
from lineseal.queries.chains import Chains, Gap
from lineseal.queries.times import Moment, format_time, from_microseconds
from lineseal.schemas.errors import Ambiguous, NotFound
from lineseal.schemas.ids import now_us

DEFAULT_LIMIT = 100
"""Rejects."""
NEVER_SEEN = "NEVER_SEEN"
"""State of an epoch that only a later genesis names."""

_HEX = re.compile(r"[0-9a-f]{4,64}")


def producers(
    connection: duckdb.DuckDBPyConnection, *, clock: Callable[[], int] = now_us
) -> Answer:
    """List every epoch of every producer with its head and what is missing from it.

    What is wrong with a producer or its key stands at each of its epochs. The answer is not
    complete when batches are missing, anything was found, or a producer reported a loss.
    """
    now = from_microseconds(clock())
    chains = Chains.load(connection, Moment())
    gaps: dict[tuple[str, str], list[Gap]] = {}
    for found in chains.gaps.values():
        for gap in found:
            gaps.setdefault((gap.producer, gap.epoch), []).append(gap)
    rows = [_epoch_row(key, chains, gaps.get(key, []), now) for key in {**chains.epochs, **gaps}]
    seen = {row["producer"] for row in rows}
    rows += [
        _epoch_row((producer, None), chains, [], now)
        for producer in chains.findings
        if producer not in seen
    ]
    rows.sort(key=lambda row: (row["producer"], row["first_created_at"] or "", row["epoch"] or ""))
    warnings = [gap.sentence for found in gaps.values() for gap in found]
    warnings += [finding.sentence for found in chains.findings.values() for finding in found]
    for epoch in chains.epochs.values():
        warnings += [text for code, text in epoch.faults(now) if code == "lost_events"]
    return Answer(query="producers", complete=not warnings, warnings=sorted(warnings), rows=rows)


MORE_REJECTS = "there are more rejects than --limit allows"


def rejects(
    connection: duckdb.DuckDBPyConnection, *, code: str | None = None, limit: int = DEFAULT_LIMIT
) -> Answer:
    """List what was refused, the newest first, at most *limit* rows."""
    # One row more than asked for tells whether there are more.
    found = query("rejects").records(connection, code=code, most=limit + 1)
    warnings = [MORE_REJECTS] if len(found) > limit else []
    return Answer(
        query="rejects",
        subject=code,
        complete=not warnings,
        warnings=warnings,
        rows=[_printable(row) for row in found[:limit]],
    )


def reject(connection: duckdb.DuckDBPyConnection, prefix: str) -> tuple[Answer, bytes]:
    """Return everything about one refused record, and its bytes.

    Args:
        connection: The open store.
        prefix: At least four hex characters of the SHA-256 of the bytes.

    Raises:
        NotFound: No refused record has such a digest.
        Ambiguous: Several have; ``candidates`` are their digests.

    """
    wanted = prefix.lower().removeprefix("sha256:")
    if not _HEX.fullmatch(wanted):
        raise NotFound(f"{prefix!r} is no id: an id is 4 to 64 hex characters")
    found = query("reject_bytes").records(connection, prefix=wanted)
    ids = sorted({row["id"] for row in found})
    if not ids:
        raise NotFound(f"nothing that was refused has an id that starts with {wanted}")
    if len(ids) > 1:
        raise Ambiguous(f"{len(ids)} refused records have an id that starts so", tuple(ids))
    raw = bytes(found[0]["raw"])
    rows = [_printable(row) for row in found]
    return Answer(query="rejects show", subject=ids[0], rows=rows), raw


def status(connection: duckdb.DuckDBPyConnection, path: Path) -> Answer:
    """Sum up the store at *path*: what is in it, and how new it is."""
    facts = dict(query("store_facts").rows(connection))
    counts = query("store_counts").records(connection)[0]
    return Answer(
        query="status",
        rows=[
            {
                "store": str(path),
                "size_bytes": path.stat().st_size,
                "deployment": facts.get("deployment"),
                "schema_version": facts.get("schema_version"),
                "keyring_version": facts.get("keyring_version"),
                **_printable(counts),
                "findings": dict(query("finding_counts").rows(connection)),
            }
        ],
        extra={"positions": query("positions").records(connection)},
    )


def _epoch_row(
    key: tuple[str, str | None], chains: Chains, gaps: list[Gap], now: dt.datetime
) -> dict[str, Any]:
    producer, name = key
    epoch = None if name is None else chains.epochs.get((producer, name))
    findings = [
        finding
        for finding in chains.findings.get(producer, ())
        if finding.epoch == name or finding.epoch is None
    ]
    missing = [f"{gap.first_missing}-{gap.last_missing}" for gap in gaps]
    return {
        "producer": key[0],
        "epoch": key[1],
        "state": epoch.state if epoch else NEVER_SEEN,
        "alive": epoch.is_alive(now) if epoch else False,
        "batches": epoch.batches if epoch else 0,
        "events": epoch.events if epoch else 0,
        "last_batch_seq": epoch.last_batch_seq if epoch else None,
        "gaps": missing,
        "findings": sorted({finding.code for finding in findings}),
        "finding_ids": sorted({finding.finding_id for finding in findings}),
        "lost_events": epoch.lost_events if epoch else 0,
        "rejected": epoch.rejected if epoch else 0,
        "first_created_at": format_time(epoch.first_created_at) if epoch else None,
        "last_created_at": format_time(epoch.last_created_at) if epoch else None,
        "head_sha256": epoch.head_sha256 if epoch else None,
    }


def _printable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return format_time(value)
    return value.hex() if isinstance(value, bytes) else value
