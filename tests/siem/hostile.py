"""Texts that have broken log pipelines, and a strategy that mixes them."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = (
    "\n",
    "\r\n",
    "|",
    "=",
    "\\",
    "\\n",
    "\t",
    "\x00",
    "\x1b[2J\x1b[31m",
    "\u2028",
    "\u2029",
    "\x85",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ud800",
    "\udfff",
    "]",
    '"',
    "<13>1 2026-01-01T00:00:00Z h evil - - - ",
    "42 <13>1 - - - - - - forged",
    "CEF:0|x|y|1|1|n|10|",
    "cs1=a sev=1 severity_id=1 ",
    '","severity_id":1,"x":"',
    '{"create":{}}',
    "NaN",
    "Infinity",
    "</script>",
    "=cmd|' /C calc'!A0",
    "名前",
    "é",
    "a",
    " ",
)
BIG = "(two megabytes)"
"""Stands for a text of that size, see ``grown``: a failing test prints its arguments."""


def grown(text: str) -> str:
    """Return *text*, or two megabytes where it says so."""
    return "A\n|=" * 500_000 if text == BIG else text


def hostile() -> st.SearchStrategy[str]:
    """Texts made of what breaks things."""
    pieces = st.sampled_from(PIECES) | st.text(st.characters(), max_size=3)
    return st.lists(pieces, min_size=1, max_size=8).map("".join).filter(bool)
