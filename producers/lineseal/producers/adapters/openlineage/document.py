"""Takes received text apart into OpenLineage events, each with the exact text it came as.

A document is one JSON object, without the white space around it, so that an event has the same
digest whether it came alone, in a batch or in a file of lines. Its *identity* is the digest of the
canonical form: the same event written by another serialiser is the same event. Sizes, nesting and
the number of values are bounded before anything is parsed: 32 MiB of ``[],`` would be gigabytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from lineseal.schemas.errors import InvalidDocument

MAX_VALUES = 2_000_000
"""Most values one text may hold; what separates them is counted, in strings too."""
_SPACE = re.compile(r"[ \t\r\n]*")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Document:
    """Hold one event as it came.

    Attributes:
        text: Its exact bytes, UTF-8.
        digest: ``sha256:`` and the SHA-256 of ``text``, 64 hex characters.
        identity: SHA-256 of the canonical form, 32 bytes.
        value: What the text says.
        not_numbers: How many NaN and infinities it holds; they are read as null.

    """

    text: bytes
    digest: str
    identity: bytes
    value: dict[str, Any]
    not_numbers: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """Hold a part of a text that is no event, and why."""

    text: bytes
    reason: str


def read_documents(data: bytes, *, lines: bool = False) -> Iterator[Document | Refused]:
    """Yield what a text holds: one event, or an array of events.

    Args:
        data: The text, UTF-8.
        lines: The text may also be events one after the other (NDJSON).

    Raises:
        InvalidDocument: The text as a whole cannot be read: not UTF-8, not JSON, nested too deep,
            or with too many values. With *lines*, what was read before is yielded first.

    """
    values = data.count(b",") + data.count(b"[") + data.count(b"{")
    if values > MAX_VALUES:
        raise InvalidDocument(f"the text may hold {values} values, more than {MAX_VALUES}")
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDocument(f"not UTF-8 at byte {error.start}") from None
    reader = _Reader(text)
    if reader.peek() == "[":
        yield from reader.array()
    elif lines:
        while reader.peek():
            yield reader.item()
        return
    else:
        yield reader.item()
    if reader.peek():
        raise InvalidDocument(f"text follows the JSON value at character {reader.at}")


class _Reader:
    """Reads JSON values one after the other, knowing where each starts and ends."""

    def __init__(self, text: str) -> None:
        self.at = 0
        self._text = text
        self._not_numbers = 0
        self._decoder = json.JSONDecoder(parse_constant=self._constant)

    def peek(self) -> str:
        """Skip white space and return the next character, empty at the end."""
        found = _SPACE.match(self._text, self.at)
        self.at = self.at if found is None else found.end()
        return self._text[self.at : self.at + 1]

    def item(self) -> Document | Refused:
        """Read one value."""
        self.peek()
        start, self._not_numbers = self.at, 0
        try:
            value, self.at = self._decoder.raw_decode(self._text, start)
        except RecursionError:
            raise InvalidDocument("the JSON is nested too deep") from None
        except ValueError as error:
            position = getattr(error, "pos", start)
            raise InvalidDocument(f"not JSON at character {position}") from None
        own = self._text[start : self.at].encode("utf-8", "surrogatepass")
        if not isinstance(value, dict):
            return Refused(own, f"an event is a JSON object, not a {type(value).__name__}")
        return _document(own, cast("dict[str, Any]", value), self._not_numbers)

    def array(self) -> Iterator[Document | Refused]:
        """Read the items of an array."""
        self.at += 1
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            yield self.item()
            separator = self.peek()
            self.at += 1
            if separator == "]":
                return
            if separator != ",":
                raise InvalidDocument(f"not JSON at character {self.at - 1}")

    def _constant(self, name: str) -> None:
        del name  # NaN and the infinities are no JSON, yet many serialisers write them
        self._not_numbers += 1


def _document(text: bytes, value: dict[str, Any], not_numbers: int) -> Document:
    try:
        canonical = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    except (RecursionError, ValueError) as error:
        raise InvalidDocument(f"the JSON cannot be kept: {str(error)[:_SHOWN]}") from None
    digest = f"sha256:{hashlib.sha256(text).hexdigest()}"
    return Document(text, digest, hashlib.sha256(canonical).digest(), value, not_numbers)
