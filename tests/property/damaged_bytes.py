"""Draws bytes with one thing wrong: a bit, an end, something put in, a number in Avro's form."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, data: bytes, numbers: Sequence[bytes]) -> bytes:
    """Draw *data* with one fault; *numbers*, as encoded, may stand where another was."""
    at = draw(st.integers(0, len(data) - 1))
    kind = draw(st.sampled_from(["flip", "cut", "more", "insert", "number"]))
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
    if kind == "cut":
        return data[:at]
    if kind == "more":
        return data + draw(st.binary(min_size=1, max_size=8))
    if kind == "number":
        return data[:at] + draw(st.sampled_from(numbers)) + data[at + 1 :]
    return data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at:]
