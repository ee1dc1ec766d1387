"""Answers whether a pending event, and the state of its file, were written by this producer.

A pending event has no signature yet: the sealer would sign whatever lies in the file. Hence each
row carries a message authentication code (keyed BLAKE2b) over the file's name, its row number and
its bytes, and so does the state that says what was sealed. Whoever may write the folder, and has
not the producer's key, can then neither insert, change, reorder nor bring rows from another file.
Source: ADR-0021; RFC 7693.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Final

_MAC_BYTES: Final = 16
_ROW_NUMBER_BYTES: Final = 8


class FileMacs:
    """Makes and checks the codes of one file. Without keys it makes empty ones and checks none."""

    def __init__(self, keys: Sequence[bytes], stream: str) -> None:
        """Use *keys*, of at most 64 bytes each: the first one makes, any of them fits."""
        # Copying what was begun with key and name takes a third of beginning again.
        self._rows = [_begun(key, b"lineseal row", stream) for key in keys]
        self._states = [_begun(key, b"lineseal state", stream) for key in keys]

    @property
    def none(self) -> bool:
        """Return True when nothing can be authenticated."""
        return not self._rows

    def of_row(self, row: int, event: bytes) -> bytes:
        """Return the code of pending event *event* in row number *row*."""
        return _finished(self._rows[0], row, event) if self._rows else b""

    def fits_row(self, row: int, event: bytes, mac: bytes | None) -> bool:
        """Tell whether *mac* is the code of that row under one of the keys."""
        if not self._rows:
            return True
        return any(_equal(_finished(one, row, event), mac) for one in self._rows)

    def of_state(self, *values: Any) -> bytes | None:
        """Return the code of a file's state, or None without keys."""
        return _finished(self._states[0], 0, _text(values)) if self._states else None

    def fits_state(self, mac: bytes | None, *values: Any) -> bool:
        """Tell whether *mac* is the code of that state under one of the keys."""
        if not self._states:
            return True
        return any(_equal(_finished(one, 0, _text(values)), mac) for one in self._states)


def _begun(key: bytes, purpose: bytes, stream: str) -> hashlib.blake2b:
    begun = hashlib.blake2b(key=key, digest_size=_MAC_BYTES, person=purpose)
    name = stream.encode()
    begun.update(len(name).to_bytes(2, "big") + name)
    return begun


def _finished(begun: hashlib.blake2b, row: int, content: bytes) -> bytes:
    code = begun.copy()
    code.update(row.to_bytes(_ROW_NUMBER_BYTES, "big"))
    code.update(content)
    return code.digest()


def _equal(ours: bytes, found: bytes | None) -> bool:
    return isinstance(found, bytes) and hmac.compare_digest(ours, found)


def _text(values: Sequence[Any]) -> bytes:
    return repr(tuple(values)).encode()
