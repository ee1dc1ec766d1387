"""Keeps one compressed batch from taking all memory of a reader.

Our topics hold nothing compressed, and our writer compresses nothing, but a topic somebody else
made may keep what a foreign writer packed: a hundred kilobytes that unpack to gigabytes.
kafka-python 3.0.12 unpacks without a limit, and so do its optional libraries. So in a process that
reads, gzip is unpacked up to a limit and nothing else is unpacked at all: such a batch is reported
with its exact range, and reading goes on behind it. Source: attack A24.
"""

from __future__ import annotations

import zlib
from typing import Any

from kafka.errors import UnsupportedCodecError
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.legacy_records import LegacyRecordBatch

MAX_UNPACKED_BYTES = 16 * 1024 * 1024
"""A batch of our own is at most 1 MiB and a bit; a foreign one of many records may be larger."""
_GZIP_WINDOW = 31
_NONE, _GZIP = 0, 1
"""Codecs of a record batch (Kafka protocol, attributes)."""


class NotUnpacked(UnsupportedCodecError):  # type: ignore[misc, unused-ignore]
    """A batch is not unpacked.

    Attributes:
        last_offset: Offset of its last record, or None when it does not say.

    """

    def __init__(self, message: str, last_offset: int | None) -> None:
        super().__init__(message)
        self.last_offset = last_offset


def bound_unpacking() -> None:
    """Put the limit into kafka-python, for all its readers in this process; twice is fine."""
    setattr(DefaultRecordBatch, "_maybe_uncompress", _unpack)  # noqa: B010 - private, untyped
    setattr(LegacyRecordBatch, "_decompress", _refuse_legacy)  # noqa: B010


def _unpack(batch: Any) -> None:
    if not batch._decompressed and batch.compression_type != _NONE:  # noqa: SLF001
        packed = bytes(memoryview(batch._buffer)[batch._pos :])  # noqa: SLF001
        batch._buffer = bytearray(_gunzip(packed, batch))  # noqa: SLF001
        batch._pos = 0  # noqa: SLF001
    batch._decompressed = True  # noqa: SLF001


def _gunzip(packed: bytes, batch: Any) -> bytes:
    if batch.compression_type != _GZIP:
        raise NotUnpacked("compressed with another codec than gzip", batch.last_offset)
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        found = unpacker.decompress(packed, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise NotUnpacked("its gzip data is damaged", batch.last_offset) from error
    if not unpacker.eof:
        raise NotUnpacked(f"unpacks to more than {MAX_UNPACKED_BYTES} bytes", batch.last_offset)
    return found


def _refuse_legacy(batch: Any, key_offset: int) -> None:
    del batch, key_offset
    raise NotUnpacked("compressed in the format before Kafka 0.11", None)
