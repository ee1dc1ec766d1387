"""Accepts the events of many batches together, in columns where it can.

Per group: decode and compare, guard, scope, then rows. Whatever one of these has a doubt about
is judged again alone by ``judge.judge_events``, whose verdict and whose rows count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lineseal.consumers.apply import Arrival
from lineseal.consumers.columnar.codec import Decoded, Mask, decode, is_available
from lineseal.consumers.columnar.facts import Accepted, to_tables
from lineseal.consumers.columnar.guard import surely_good
from lineseal.consumers.columnar.one_body import Index
from lineseal.consumers.columnar.scope import in_scope, proves_actor
from lineseal.consumers.rows import Rows
from lineseal.signing.verify import VerifiedBatch

WORTHWHILE = 64
"""Events in one step from which columns are faster than one by one."""
_GROUP = 1 << 16
"""Events decoded together at most: bounds memory, about 2 KB for each."""
_GROUP_BYTES = 32 * 1024 * 1024
"""And their bytes: so many that the events of each body are enough for columns of their own."""


def accept_in_columns(
    batches: Sequence[VerifiedBatch], arrivals: Sequence[Arrival], rows: Rows
) -> list[list[int]]:
    """Add the rows of all events that are surely good to *rows*.

    Args:
        batches: Verified, all new to the store.
        arrivals: When and where each of them arrived.
        rows: Where the rows go.

    Returns:
        For each batch the places of the events that are to be judged one by one.

    """
    sizes = np.array([len(batch.events) for batch in batches], np.int64)
    left = [list(range(size)) for size in sizes]
    if not is_available() or sizes.sum() < max(1, WORTHWHILE):
        return left
    for schema, members in _groups(batches):
        done = _accept_group(
            [batches[n] for n in members], [arrivals[n] for n in members], schema, rows
        )
        for number, mask in zip(members, done, strict=True):
            left[number] = np.flatnonzero(~mask).tolist()
    return left


def _groups(batches: Sequence[VerifiedBatch]) -> Iterator[tuple[str, list[int]]]:
    """Yield batches, by their places, that are decoded together: one schema, not too many."""
    by_schema: dict[str, list[int]] = {}
    for number, batch in enumerate(batches):
        by_schema.setdefault(batch.header.schema_sha256, []).append(number)
    for schema, numbers in by_schema.items():
        group: list[int] = []
        count = size = 0
        for number in numbers:
            events = batches[number].events
            more = sum(map(len, events))
            if group and (count + len(events) > _GROUP or size + more > _GROUP_BYTES):
                yield schema, group
                group, count, size = [], 0, 0
            group.append(number)
            count += len(events)
            size += more
        yield schema, group


def _accept_group(
    batches: Sequence[VerifiedBatch], arrivals: Sequence[Arrival], schema: str, rows: Rows
) -> list[Mask]:
    """Add the rows of what is surely good; tell for each batch which events that were."""
    sizes = [len(batch.events) for batch in batches]
    events = [event for batch in batches for event in batch.events]
    batch_of = np.repeat(np.arange(len(batches)), sizes)
    index = np.concatenate([np.arange(size) for size in sizes])
    accepted = np.zeros(len(events), np.bool_)
    for decoded in decode(events, schema):
        part = _keep(decoded, batches, arrivals, batch_of, index)
        if part is None:
            continue
        kept, sure = part
        accepted[kept] = True
        for table, columns in to_tables(sure):
            rows.add_columns(table, columns)
    return np.split(accepted, np.cumsum(sizes)[:-1])


def _keep(
    decoded: Decoded,
    batches: Sequence[VerifiedBatch],
    arrivals: Sequence[Arrival],
    batch_of: Index,
    index: Index,
) -> tuple[Index, Accepted] | None:
    """Keep what is surely good of *decoded*: the places of these events, and their columns."""
    good = surely_good(decoded) & in_scope(decoded, batches, batch_of[decoded.rows])
    if not good.any():
        return None
    decoded = decoded.only(good)
    rows = decoded.rows
    sure = Accepted(
        decoded=decoded,
        proven=proves_actor(decoded, batches, batch_of[rows]),
        batch_of=batch_of[rows],
        index=index[rows],
        batches=batches,
        arrivals=arrivals,
    )
    return rows, sure
