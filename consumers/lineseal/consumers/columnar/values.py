"""Says which values of a column are surely good, all at once. One function for each rule.

The rules are those of ``schemas.guard``, which stays the reference: a value that a function here
lets through is one that the guard lets through. Doubt counts as bad, and costs only time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineseal.consumers.columnar.codec import Mask
from lineseal.consumers.columnar.libraries import compute
from lineseal.consumers.columnar.one_body import Index
from lineseal.schemas.errors import ContractError
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.limits import MAX_IDENTIFIER_BYTES, MAX_STRING_BYTES, MAX_TIME

_SPACE, _DELETE, _FIRST_BEYOND_ASCII = 0x20, 0x7F, 0x80
_PREFIX = np.frombuffer(b"sha256:", np.uint8)
_DIGEST_BYTES = len("sha256:") + 64
_IS_HEX = np.zeros(256, np.bool_)
_IS_HEX[list(b"0123456789abcdef")] = True

Bytes = npt.NDArray[np.uint8]


def good_identifiers(column: Any) -> Mask:
    """Tell which texts are fit to name something; no value of *column* is null."""
    starts, ends, data = _layout(column)
    good: Mask = (ends > starts) & (ends - starts <= MAX_IDENTIFIER_BYTES)
    filled = np.flatnonzero(ends > starts)
    spaced = (data[starts[filled]] == _SPACE) | (data[ends[filled] - 1] == _SPACE)
    good[filled[spaced]] = False
    odd = _holders(ends, (data < _SPACE) | (data >= _DELETE))
    for index in odd[good[odd]]:
        good[index] = _is_identifier(data[starts[index] : ends[index]].tobytes())
    return good


def good_versions(column: Any) -> Mask:
    """Tell which texts are identifiers that cannot be taken for another part of a REF."""
    good = good_identifiers(column)
    text = column.cast(pa.binary())
    for bad in (
        compute.match_substring(text, b"@"),
        compute.starts_with(text, b"sha256:"),
        compute.starts_with(text, b"run:"),
        compute.equal(text, b"unknown"),
    ):
        good &= ~bad.to_numpy(zero_copy_only=False)
    return good


def good_digests(column: Any) -> Mask:
    """Tell which texts are ``sha256:`` and 64 lower-case hex characters."""
    starts, ends, data = _layout(column)
    good: Mask = ends - starts == _DIGEST_BYTES
    right = np.flatnonzero(good)
    letters = data[starts[right][:, None] + np.arange(_DIGEST_BYTES)]
    good[right] = (letters[:, : len(_PREFIX)] == _PREFIX).all(axis=1)
    good[right] &= _IS_HEX[letters[:, len(_PREFIX) :]].all(axis=1)
    return good


def good_texts(column: Any) -> Mask:
    """Tell which texts are UTF-8 and not over 8 KiB."""
    starts, ends, data = _layout(column)
    good: Mask = ends - starts <= MAX_STRING_BYTES
    foreign = _holders(ends, data >= _FIRST_BEYOND_ASCII)
    if len(foreign) and not _is_utf8(column):
        for index in foreign:
            good[index] &= _is_text(data[starts[index] : ends[index]].tobytes())
    return good


def good_numbers(column: Any) -> Mask:
    """Tell which numbers are finite."""
    good: Mask = np.isfinite(column.to_numpy(zero_copy_only=False))
    return good


def good_times(column: Any) -> Mask:
    """Tell which microseconds lie between 1970 and the end of the year 9999."""
    times = column.to_numpy()
    good: Mask = (times >= 0) & (times <= MAX_TIME)
    return good


def repeats_key(keys: Any, lengths: Index) -> Mask:
    """Tell which lists hold a key twice; *keys* are those of all lists, one after the other."""
    # Each key by the first place where it stands, and the number of its list: one number for both.
    codes = keys.cast(pa.binary()).dictionary_encode().indices.to_numpy().astype(np.int64)
    list_of = np.repeat(np.arange(len(lengths)), lengths)
    pairs = np.sort(list_of * len(codes) + codes)
    repeated = pairs[1:][pairs[1:] == pairs[:-1]]
    found: Mask = np.zeros(len(lengths), np.bool_)
    found[repeated // max(1, len(codes))] = True
    return found


def _layout(column: Any) -> tuple[Index, Index, Bytes]:
    """Return where each value starts and ends (excluded), and the bytes they lie in."""
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    low, high = (int(bounds[0]), int(bounds[-1])) if len(column) else (0, 0)
    letters = np.frombuffer(data, np.uint8)[low:high] if data else np.zeros(0, np.uint8)
    wide = bounds.astype(np.int64) - low
    return wide[:-1], wide[1:], letters


def _holders(ends: Index, marked: Mask) -> Index:
    """Return the values that hold a marked byte."""
    positions = np.flatnonzero(marked)
    # Values lie one after the other, so the first that ends behind a byte holds it.
    found: Index = np.unique(np.searchsorted(ends, positions, side="right"))
    return found


def _is_utf8(column: Any) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


@lru_cache(maxsize=1 << 16)
def _is_identifier(value: bytes) -> bool:
    try:
        check_identifier(value.decode())
    except (ContractError, UnicodeDecodeError):
        return False
    return True


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
