"""What the file of documents holds: a document, a refusal, a place in a topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold what is kept of one document.

    Attributes:
        identity: What tells repetitions, 32 bytes.
        text: The document.
        run_id: The run it is about, if any.
        owner: Who sent it; None when anybody may speak of any run.

    """

    identity: bytes
    text: bytes
    run_id: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Say what was refused, and why.

    Attributes:
        code: Why, as a code.
        detail: Why, in words.
        sender: Who sent it.
        stream: How it came: over HTTP, or the partition of a topic.
        position: Its number in that partition.
        at: When, microseconds UTC.
        sha256: SHA-256 of the text, 64 hex characters; empty before it is stored.
        size_bytes: Bytes of the text.

    """

    code: str
    detail: str
    sender: str
    stream: str
    position: int | None
    at: int
    sha256: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Say where to read on in a topic of Kafka.

    Attributes:
        positions: For each of its streams the position of the next record.
        identity: Which topic it is; None before it was ever read.

    """

    positions: Mapping[str, int]
    identity: str | None
