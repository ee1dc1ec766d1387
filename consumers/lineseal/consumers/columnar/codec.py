"""Decodes many events at once into Arrow columns, and says which bytes are canonical.

``pyruhvro`` decodes. It is not trusted with the verdict: what it decoded is encoded again and
compared with the bytes that were sealed, and text is checked to be UTF-8 later (``values``),
because it checks neither. Any failure, its ``PanicException`` included, halves the events until
the ones that cannot be decoded stand alone; those go the reference way.
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
from lineseal.schemas.codec import ALLOWED_EVENT_SCHEMAS, schema_bytes
from lineseal.schemas.limits import MAX_EVENT_BYTES

_TOO_FEW = 8
"""So few events cost less one by one than another attempt in columns."""
_THREADS = max(1, min(4, os.cpu_count() or 1))

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Hold events that decoded together.

    Attributes:
        rows: Their places among the events that were given.
        columns: One Arrow record batch, a row for each.
        raw: The bytes of each, as an Arrow array.

    """

    rows: Index
    columns: Any
    raw: Any


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
    schema = schema_bytes(name).decode()
    yield from _decode(list(events), np.arange(len(events)), schema)


def _decode(events: list[bytes], rows: Index, schema: str) -> Iterator[Decoded]:
    columns = _attempt(events, schema)
    if columns is None:
        if len(events) > _TOO_FEW:
            middle = len(events) // 2
            yield from _decode(events[:middle], rows[:middle], schema)
            yield from _decode(events[middle:], rows[middle:], schema)
        return
    raw = pa.array(events, pa.binary())
    again = _encode(columns, schema)
    if again is None:
        return
    good = compute.and_(
        compute.equal(raw, again), compute.less_equal(compute.binary_length(raw), MAX_EVENT_BYTES)
    )
    if not compute.all(good).as_py():
        columns, raw, rows = columns.filter(good), raw.filter(good), rows[_to_mask(good)]
    yield Decoded(rows, columns, raw)


def _attempt(events: list[bytes], schema: str) -> Any | None:
    try:
        parts = libraries.avro.deserialize_array_threaded(events, schema, _THREADS)
        columns = pa.Table.from_batches(parts).combine_chunks().to_batches()[0]
    except BaseException as error:  # noqa: BLE001 - see there
        _raise_unless_verdict(error)
        return None
    return columns if columns.num_rows == len(events) else None


def _encode(columns: Any, schema: str) -> Any | None:
    try:
        parts = libraries.avro.serialize_record_batch(columns, schema, _THREADS)
        again = pa.concat_arrays([pa.array(part) for part in parts])
    except BaseException as error:  # noqa: BLE001 - see there
        _raise_unless_verdict(error)
        return None
    return again if len(again) == columns.num_rows else None


def _raise_unless_verdict(error: BaseException) -> None:
    # A panic in Rust is no Exception, so that nobody swallows it by accident.
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return
    raise error


def _to_mask(values: Any) -> Mask:
    mask: Mask = values.to_numpy(zero_copy_only=False)
    return mask
