r"""Makes values from events harmless before they enter a document, and cuts what is too long.

Whatever a supplier wrote, a document holds only characters that print: controls, line and
paragraph separators, bidi and zero-width characters and lone surrogates are written out by their
number, as ``\u000a``. So no framing below (line, octet count, tab, XML) can be broken by a value.
Numbers that are not finite become null: JSON has no word for them. The text as it was is in the
store.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import Any, cast

from lineseal.commandline.escape import visible

MAX_TEXT = 8192
"""Characters of one text in a document."""
MAX_ITEMS = 100
"""Entries of one list in a document."""
_CUT = "…"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MAX_MS = 253_402_300_799_999
_EXPLAINS = frozenset({"actor", "evidences", "policy", "remediation", "resources"})
_PLACE = ("feed_id", "feed_seq")
_SHORTEST = 48
"""Characters of a text in the shortest document; ids of ours have 36."""
SMALLEST = 4096
"""Bytes that a document can always be brought down to."""
_STEPS = ((2048, 50), (1024, 20), (512, 10), (256, 5), (128, 3))


def line(text: str, limit: int = MAX_TEXT) -> str:
    """Return *text* on one printable line of at most *limit* characters; ``…`` ends a cut one."""
    shown = visible(text[: limit + 1])
    if len(text) <= limit and len(shown) <= limit:
        return shown
    return shown[: limit - 1] + _CUT


def harmless(value: Any, *, text: int = MAX_TEXT, items: int = MAX_ITEMS) -> Any:
    """Return *value* with every text made a line, long lists cut, and no null and no NaN.

    Fields that are None, and lists and objects that are empty, are left out of objects.
    """
    if isinstance(value, str):
        return line(value, text)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        kept = {line(key, text): harmless(item, text=text, items=items) for key, item in pairs}
        return {key: item for key, item in kept.items() if item not in (None, [], {}, "")}
    if isinstance(value, list | tuple):
        entries = cast("list[Any]", value)[:items]
        kept_entries = (harmless(item, text=text, items=items) for item in entries)
        return [item for item in kept_entries if item not in (None, [], {}, "")]
    return value


def iso_time(milliseconds: int) -> str:
    """Return a time as ``2026-01-01T00:00:00.000Z``; one outside the calendar becomes its end."""
    moment = _EPOCH + dt.timedelta(milliseconds=min(max(milliseconds, 0), _MAX_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_cut(value: Any) -> bool:
    """Tell whether ``harmless`` leaves something of *value* out for its length."""
    if isinstance(value, str):
        return len(value) > MAX_TEXT
    if isinstance(value, Mapping):
        return any(is_cut(item) for item in cast("Mapping[str, Any]", value).values())
    if isinstance(value, list | tuple):
        entries = cast("list[Any]", value)
        return len(entries) > MAX_ITEMS or any(map(is_cut, entries))
    return False


def to_line(document: Mapping[str, Any]) -> str:
    """Render a document as one line of JSON without needless blanks."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def size(document: Mapping[str, Any]) -> int:
    """Return how many bytes the line of a document takes."""
    return len(to_line(document).encode())


def shortened(document: Mapping[str, Any], max_bytes: int) -> dict[str, Any]:
    """Return a document of at most *max_bytes* (``SMALLEST`` or more), marked where it was cut.

    Long texts and lists go first, then what only explains; ids, times and severity stay.
    """
    whole = size(document)
    if whole <= max_bytes:
        return dict(document)
    for text, items in _STEPS:
        candidate = _marked(harmless(document, text=text, items=items), whole)
        if size(candidate) <= max_bytes:
            return candidate
    kept = {key: value for key, value in document.items() if key not in _EXPLAINS}
    own = {key: kept["unmapped"][key] for key in _PLACE if key in kept.get("unmapped", {})}
    return _marked(harmless({**kept, "unmapped": own}, text=_SHORTEST, items=1), whole)


def _marked(document: dict[str, Any], whole: int) -> dict[str, Any]:
    metadata = {**document["metadata"], "is_truncated": True, "untruncated_size": whole}
    return {**document, "metadata": metadata}
