"""Receives Label Studio's webhooks: labels become reviews, changed ones overrides.

Label Studio sends only what an annotation says now, so what it said before is kept here, in a small
SQLite file. Webhooks may overtake each other: ``updated_at`` decides which one is the newest, and
what comes late is recorded as late and changes nothing here. Label Studio does not sign: give the
webhook a header with a secret, in Label Studio and here. It does not send again what failed,
either. A person's name is asserted by Label Studio, not proven.
Source: the webhook event reference and the server 1.23.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, cast

from lineseal.producers.artifacts import FilePath, SubjectLike, label_set
from lineseal.producers.emitter import Emitter
from lineseal.schemas.errors import ConfigurationError
from lineseal.transport.embedded.voice import LOGGER

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
UNKNOWN: Final = "unknown"
"""What a label was before, when this receiver never saw it."""

_TABLE = (
    "CREATE TABLE IF NOT EXISTS annotation (project TEXT, annotation TEXT, labels TEXT,"
    " updated_at TEXT, PRIMARY KEY (project, annotation))"
)
"""An annotation that was deleted stays, without labels: its number is not given again."""


class LabelStudioReceiver:
    """Turns the body of one webhook after the other into events; safe to share between threads."""

    def __init__(
        self,
        emitter: Emitter,
        state: FilePath,
        *,
        secret: str,
        header: str = "X-Lineseal-Secret",
        label_sets: Mapping[int, SubjectLike] | None = None,
    ) -> None:
        """Open the state, or make it.

        Args:
            emitter: Whom to emit through.
            state: The file that keeps what every annotation said last.
            secret: What the header must hold.
            header: The header that Label Studio was told to send.
            label_sets: REFs of the label sets of projects, by the project's id; by default
                ``label_set:label-studio/project-ID``.

        Raises:
            ConfigurationError: The secret is empty: everybody would know it.

        """
        if not secret:
            raise ConfigurationError("a webhook receiver needs a secret")
        self._emitter = emitter
        self._secret = secret.encode()
        self._header = header.lower()
        self._label_sets = dict(label_sets or {})
        self._lock = threading.Lock()
        os.close(os.open(Path(state), os.O_RDWR | os.O_CREAT, 0o600))
        self._state = sqlite3.connect(state, check_same_thread=False, isolation_level=None)
        self._state.execute(_TABLE)

    def close(self) -> None:
        """Close the state."""
        self._state.close()

    def receive(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Record one webhook and return the HTTP status to answer with; never raise.

        200 recorded, or nothing to record; 400 no webhook of Label Studio; 401 wrong secret; 413
        too large; 503 the event could not be kept.
        """
        given = {name.lower(): value for name, value in headers.items()}.get(self._header, "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._secret):
            return 401
        if len(body) > MAX_BODY_BYTES:
            return 413
        try:
            payload: Any = json.loads(body)
            changes = list(_changes(payload))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return 400
        try:
            with self._lock:
                kept = [self._record(payload["project"]["id"], change) for change in changes]
        except Exception as error:  # noqa: BLE001 - a server goes on
            LOGGER.warning("a webhook of Label Studio was not recorded: %s", type(error).__name__)
            return 503
        return 200 if all(kept) else 503

    def _record(self, project: int, change: dict[str, Any]) -> bool:
        target = self._label_sets.get(project, label_set("label-studio", f"project-{project}"))
        key = (str(project), str(change["annotation"]))
        row = self._state.execute(
            "SELECT labels, updated_at FROM annotation WHERE project = ? AND annotation = ?", key
        ).fetchone()
        is_late = row is not None and _is_older(change, row)
        before: list[str] | None = None if row is None or is_late else json.loads(row[0] or "null")
        after: list[str] | None = change["labels"]
        if after is None and row is not None and row[0] is None:
            return True  # deleted already
        ids: list[str | None] = []
        if after is not None:
            ids.append(self._review(target, change, before))
        if not change["new"] and (after is None or before != after):
            ids.append(self._override(target, change, before, is_late=is_late))
        if any(each is None for each in ids):
            return False
        # Kept after the events: a crash in between says a change twice rather than never.
        if not is_late:
            labels = None if after is None else json.dumps(after)
            self._state.execute(
                "INSERT OR REPLACE INTO annotation VALUES (?, ?, ?, ?)",
                (*key, labels, change["updated_at"]),
            )
        return True

    def _review(self, target: Any, change: dict[str, Any], before: list[str] | None) -> str | None:
        return self._emitter.review_labels(
            target,
            annotator=change["person"],
            items=1,
            flips=[] if before is None else _flips(before, change["labels"]),
            latency_seconds=change["seconds"],
        )

    def _override(
        self, target: Any, change: dict[str, Any], before: list[str] | None, *, is_late: bool
    ) -> str | None:
        after: list[str] | None = change["labels"]
        said = " (its webhook came late: it says something newer by now)" if is_late else ""
        return self._emitter.override(
            target,
            before=UNKNOWN if before is None else json.dumps(before, ensure_ascii=False),
            after="deleted" if after is None else json.dumps(after, ensure_ascii=False),
            reason=f"annotation {change['annotation']} was changed in Label Studio{said}",
            made_by=change["person"] or UNKNOWN,
            items_affected=1,
        )


def _changes(payload: Any) -> Iterable[dict[str, Any]]:
    """Yield what a webhook says about each annotation; nothing for other actions."""
    action = payload["action"]
    if action == "ANNOTATIONS_DELETED":
        int(payload["project"]["id"])
        for entry in payload["annotations"]:
            yield _change(entry["id"], None, {}, new=False)
    elif action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED"):
        int(payload["project"]["id"])
        entry = payload["annotation"]
        new = action == "ANNOTATION_CREATED"
        yield _change(entry["id"], _labels(entry["result"]), entry, new=new)
    else:
        str(action)


def _change(
    annotation: Any, labels: list[str] | None, entry: Mapping[str, Any], *, new: bool
) -> dict[str, Any]:
    person: Any = entry.get("updated_by") or entry.get("completed_by")
    if isinstance(person, Mapping):
        person = cast("Mapping[str, Any]", person).get("id")
    seconds = entry.get("lead_time")
    return {
        "annotation": annotation,
        "labels": labels,
        "person": None if person is None else f"label-studio-user-{person}",
        "seconds": seconds if isinstance(seconds, int | float) else None,
        "updated_at": _moment(entry.get("updated_at")),
        "new": new,
    }


def _moment(text: Any) -> str | None:
    """Return a time so that texts compare as times do; None when it is none."""
    try:
        found = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    zoned = found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
    return zoned.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _is_older(change: dict[str, Any], row: tuple[str | None, str | None]) -> bool:
    """Tell whether something newer is known; without times the one that comes later is newer."""
    labels, known = row
    if change["labels"] is None:
        return False
    if labels is None:
        return True  # it was deleted
    said: str | None = change["updated_at"]
    return said is not None and known is not None and said < known


def _labels(result: Iterable[Any]) -> list[str]:
    """Return what is said, sorted, without where: ``value[type]`` of each region or choice."""
    found: list[str] = []
    for region in result:
        said: Any = region.get("value", {}).get(region.get("type"))
        values: list[Any] = said if isinstance(said, list) else [] if said is None else [said]
        found += [value if isinstance(value, str) else json.dumps(value) for value in values]
    return sorted(found)


def _flips(before: list[str], after: list[str]) -> list[dict[str, Any]]:
    removed, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
    pairs = zip_longest(sorted(removed.elements()), sorted(added.elements()), fillvalue="")
    return [
        {"from_label": old, "to_label": new, "count": count}
        for (old, new), count in Counter(pairs).items()
    ]
