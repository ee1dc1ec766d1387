"""Writes integers as Avro does: zig-zag, seven bits a byte, the lowest first."""

from __future__ import annotations

from typing import Final

from lineseal.schemas.limits import MAX_STRING_BYTES

_MORE = 0x80
_SEVEN = 0x7F


def encode_long(value: int) -> bytes:
    """Return the bytes of a 64-bit integer.

    Raises:
        OverflowError: It does not fit 64 bits.

    """
    if not -(1 << 63) <= value < 1 << 63:
        raise OverflowError(f"{value} does not fit 64 bits")
    rest = (value << 1) ^ (value >> 63)
    # The lengths of sizes and of times of today; the loop below writes the same.
    if 0x3FFF < rest < 1 << 21:
        return bytes((rest & _SEVEN | _MORE, rest >> 7 & _SEVEN | _MORE, rest >> 14))
    if 1 << 49 <= rest < 1 << 56:
        return bytes(
            (
                rest & _SEVEN | _MORE,
                rest >> 7 & _SEVEN | _MORE,
                rest >> 14 & _SEVEN | _MORE,
                rest >> 21 & _SEVEN | _MORE,
                rest >> 28 & _SEVEN | _MORE,
                rest >> 35 & _SEVEN | _MORE,
                rest >> 42 & _SEVEN | _MORE,
                rest >> 49,
            )
        )
    out = bytearray()
    while rest > _SEVEN:
        out.append(rest & _SEVEN | _MORE)
        rest >>= 7
    out.append(rest)
    return bytes(out)


SMALL_LONGS: Final = tuple(encode_long(value) for value in range(MAX_STRING_BYTES + 1))
"""The bytes of 0 to 8,192: every length of a text is among them."""
