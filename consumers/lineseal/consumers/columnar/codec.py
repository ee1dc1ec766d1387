"""Decodes many events at once into Arrow columns, and says which bytes are canonical.

``pyruhvro`` decodes. It is not trusted with the verdict: what it decoded is encoded again and
compared with the bytes that were sealed, and text is checked to be UTF-8 later (``values``),
because it checks neither. Events are decoded with others of the same body (``one_body``). Any
failure, its ``PanicException`` included, halves the events until the ones that cannot be decoded
stand alone; those go the reference way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineseal.consumers.columnar import libraries
from lineseal.consumers.columnar.libraries import compute
from lineseal.consumers.columnar.one_body import BODY, Index, by_body, layout
from lineseal.schemas.codec import ALLOWED_EVENT_SCHEMAS
from lineseal.schemas.limits import MAX_EVENT_BYTES

_TOO_FEW = 8
"""So few events cost less one by one than another attempt in columns."""
_THREADS = max(1, min(4, os.cpu_count() or 1))
_WORTH_A_THREAD = 512
"""Events that are worth a thread of their own."""
_GROUP_BYTES = 8 * 1024 * 1024
"""Bytes decoded together. Lists of empty texts, one byte each, become forty times as much."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Hold events that decoded together, all of one body.

    Attributes:
        name: The body's name.
        rows: Their places among the events that were given.
        columns: One Arrow record batch, a row for each.
        body: The body of each, an Arrow array of records.
        raw: The bytes of each, as an Arrow array.

    """

    name: str
    rows: Index
    columns: Any
    body: Any
    raw: Any

    def only(self, good: Mask) -> Decoded:
        """Return those that *good* says."""
        if good.all():
            return self
        wanted = pa.array(good)
        columns, body, raw = (x.filter(wanted) for x in (self.columns, self.body, self.raw))
        return Decoded(self.name, self.rows[good], columns, body, raw)


def is_available() -> bool:
    """Tell whether events can be decoded in columns here."""
    return libraries.avro is not None


def decode(events: Sequence[bytes], schema_sha256: str) -> Iterator[Decoded]:
    """Decode *events*, all of one allow-listed schema; what is missing could not be decoded.

    Every row given is canonical: encoding it again gives exactly the sealed bytes.
    """
    name = ALLOWED_EVENT_SCHEMAS.get(schema_sha256)
    if libraries.avro is None or name is None:
        return
    known = layout(name)
    bodies, sizes, joined = by_body(events, known)
    for body, schema, rows in zip(known.bodies, known.schemas, bodies, strict=True):
        for few in np.split(rows, _cuts(sizes[rows])):
            raw = joined.take(pa.array(few))
            yield from _decode([events[row] for row in few.tolist()], raw, few, body, schema)


def _cuts(sizes: Index) -> Index:
    """Return where to cut events of these sizes so that what is decoded together is small."""
    cuts: Index = np.flatnonzero(np.diff(np.cumsum(sizes) // _GROUP_BYTES)) + 1
    return cuts


def _decode(
    events: list[bytes], raw: Any, rows: Index, body: str, schema: str
) -> Iterator[Decoded]:
    if not events:
        return
    parts = _attempt(events, schema)
    if parts is None:
        if len(events) > _TOO_FEW:
            middle = len(events) // 2
            for half in (slice(middle), slice(middle, None)):
                yield from _decode(events[half], raw[half], rows[half], body, schema)
        return
    start = 0
    for columns in parts:
        part = slice(start, start + columns.num_rows)
        found = _canonical(columns, raw[part], body, schema)
        if found is not None:
            good, values = found
            yield Decoded(body, rows[part], columns, values, raw[part]).only(good)
        start = part.stop


def _attempt(events: list[bytes], schema: str) -> list[Any] | None:
    threads = min(_THREADS, 1 + len(events) // _WORTH_A_THREAD)
    try:
        parts: list[Any] = libraries.avro.deserialize_array_threaded(events, schema, threads)
    except BaseException as error:  # noqa: BLE001 - see there
        _raise_unless_verdict(error)
        return None
    return parts if sum(part.num_rows for part in parts) == len(events) else None


def _canonical(columns: Any, raw: Any, body: str, schema: str) -> tuple[Mask, Any] | None:
    """Tell which rows have this one body and are the bytes they came from; give the bodies."""
    again = _encode(columns, schema)
    if again is None:
        return None
    bodies = columns.column(BODY)
    names = [field.name for field in bodies.type]
    values = dict(zip(names, bodies.flatten(), strict=True))
    own = values.pop(body)
    good = compute.and_(
        compute.equal(raw, again), compute.less_equal(compute.binary_length(raw), MAX_EVENT_BYTES)
    )
    good = compute.and_(good, own.is_valid())
    for other in values.values():
        if other.true_count:
            good = compute.and_(good, compute.invert(other))
    return _to_mask(good), own


def _encode(columns: Any, schema: str) -> Any | None:
    try:
        (part,) = libraries.avro.serialize_record_batch(columns, schema, 1)
    except BaseException as error:  # noqa: BLE001 - see there
        _raise_unless_verdict(error)
        return None
    again = pa.array(part)
    return again if len(again) == columns.num_rows else None


def _raise_unless_verdict(error: BaseException) -> None:
    # A panic in Rust is no Exception, so that nobody swallows it by accident.
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return
    raise error


def _to_mask(values: Any) -> Mask:
    mask: Mask = values.to_numpy(zero_copy_only=False)
    return mask
