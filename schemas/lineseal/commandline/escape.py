r"""Makes text from events safe to show: a supplier's string must not steer a terminal.

Control, format (bidi, zero-width), surrogate and private characters are written out by their
number, as ``\u000a``; a leading ``= + - @``, tab or return in a CSV cell is prefixed with ``'``
(A32).
"""

from __future__ import annotations

from lineseal.schemas.characters import is_hidden

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def visible(text: str) -> str:
    """Return *text* on one line with every character that does not print written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible_character(character) for character in text)


def csv_cell(text: str) -> str:
    """Return *text* as a spreadsheet may take it: visible, and never a formula."""
    prefix = "'" if text.startswith(_FORMULA) else ""
    return prefix + visible(text)


def _visible_character(character: str) -> str:
    if not is_hidden(character):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
