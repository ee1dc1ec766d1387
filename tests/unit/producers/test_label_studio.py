"""Webhooks of Label Studio become reviews and overrides, although they say only what is new.

Evidence: bodies in the form of its webhook reference, received one after the other, also by a
receiver that was started again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lineseal.producers import Emitter
from lineseal.producers.adapters.label_studio import MAX_BODY_BYTES, LabelStudioReceiver
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import Home

from .world import Said, told_by

SECRET = {"x-lineseal-secret": "s3cret"}


def receiver(emitter: Emitter, **more: Any) -> LabelStudioReceiver:
    """Return a receiver with the state of this folder."""
    return LabelStudioReceiver(emitter, "labels.db", secret="s3cret", **more)  # noqa: S106 - a test's


def webhook(
    action: str, *labels: str, person: int = 4, number: int = 11, at: str | None = None
) -> bytes:
    """Return the body of a webhook about one annotation."""
    result = [
        {"type": "choices", "from_name": "kind", "to_name": "text", "value": {"choices": [label]}}
        for label in labels
    ]
    annotation: dict[str, Any] = {
        "id": number,
        "result": result,
        "completed_by": person,
        "lead_time": 2.5,
    }
    if at is not None:
        annotation["updated_at"] = f"2026-01-01T{at}Z"
    payload = {"action": action, "project": {"id": 3}, "task": {"id": 7}, "annotation": annotation}
    return json.dumps(payload).encode()


def bodies(said: list[Said], name: str) -> list[dict[str, Any]]:
    """Return the bodies of one kind."""
    return [one.body for one in said if one.body_name == name]


def test_a_changed_label_is_an_override_with_what_it_was(home: Home, emitter: Emitter) -> None:
    """Also after a restart; the same webhook a second time changes nothing more."""
    first = receiver(emitter)
    statuses = [first.receive(webhook("ANNOTATION_CREATED", "fraud"), SECRET)]
    first.close()
    second = receiver(emitter)
    update = webhook("ANNOTATION_UPDATED", "ok", person=5)
    statuses += [second.receive(update, SECRET), second.receive(update, SECRET)]
    second.close()
    said = told_by(emitter, home)

    assert statuses == [200, 200, 200]
    (override,) = bodies(said, "override")
    assert (override["before"], override["after"]) == ('["fraud"]', '["ok"]')
    assert (override["made_by"], override["items_affected"]) == ("label-studio-user-5", 1)
    assert override["target"]["artifact"]["name"] == "project-3"
    made, changed, again = bodies(said, "label_review")
    assert (made["annotator"], made["latency_seconds"]) == ("label-studio-user-4", 2.5)
    assert changed["flips"] == [{"from_label": "fraud", "to_label": "ok", "count": 1}]
    assert made["flips"] == again["flips"] == []
    assert Path("labels.db").stat().st_mode & 0o777 == 0o600


def test_webhooks_that_overtake_each_other_are_put_in_order_by_their_time(
    home: Home, emitter: Emitter
) -> None:
    """The late one is recorded as late; what the annotation says now stays the newest."""
    receiving = receiver(emitter)
    for body in (
        webhook("ANNOTATION_CREATED", "fraud", at="10:00:00"),
        webhook("ANNOTATION_UPDATED", "ok", at="10:20:00.5"),
        webhook("ANNOTATION_UPDATED", "unsure", at="10:10:00"),
        webhook("ANNOTATION_UPDATED", "fraud", at="10:30:00"),
    ):
        assert receiving.receive(body, SECRET) == 200
    receiving.close()

    overrides = bodies(told_by(emitter, home), "override")

    assert [(each["before"], each["after"]) for each in overrides] == [
        ('["fraud"]', '["ok"]'), ("unknown", '["unsure"]'), ('["ok"]', '["fraud"]'),
    ]  # fmt: skip
    assert ["came late" in each["reason"] for each in overrides] == [False, True, False]


def test_an_annotation_that_was_deleted_does_not_come_back(home: Home, emitter: Emitter) -> None:
    """Its number is not given again, so what comes after the deletion is late."""
    deletion = {
        "action": "ANNOTATIONS_DELETED", "project": {"id": 3}, "annotations": [{"id": 11}],
    }  # fmt: skip
    receiving = receiver(emitter)
    receiving.receive(webhook("ANNOTATION_CREATED", "fraud", at="10:00:00"), SECRET)
    receiving.receive(json.dumps(deletion).encode(), SECRET)
    receiving.receive(webhook("ANNOTATION_UPDATED", "ok", at="10:10:00"), SECRET)
    receiving.receive(json.dumps(deletion).encode(), SECRET)
    receiving.close()

    overrides = bodies(told_by(emitter, home), "override")

    assert [(each["before"], each["after"]) for each in overrides] == [
        ('["fraud"]', "deleted"), ("unknown", '["ok"]'),
    ]  # fmt: skip


def test_what_was_never_seen_was_unknown_and_what_is_deleted_is_told(
    home: Home, emitter: Emitter
) -> None:
    """A receiver that came later says so instead of guessing."""
    receiving = receiver(emitter, label_sets={3: "label_set:lake/labels@3"})
    receiving.receive(webhook("ANNOTATION_UPDATED", "ok"), SECRET)
    deletion = {
        "action": "ANNOTATIONS_DELETED",
        "project": {"id": 3},
        "annotations": [{"id": 11}, {"id": 12}],
    }
    status = receiving.receive(json.dumps(deletion).encode(), SECRET)
    receiving.close()

    changed, deleted, never_seen = bodies(told_by(emitter, home), "override")

    assert status == 200
    assert (changed["before"], changed["after"]) == ("unknown", '["ok"]')
    assert (deleted["before"], deleted["after"]) == ('["ok"]', "deleted")
    assert deleted["target"]["artifact"]["version"] == "3"
    assert (never_seen["before"], never_seen["after"]) == ("unknown", "deleted")


def test_a_receiver_without_a_secret_does_not_start(home: Home, emitter: Emitter) -> None:
    """An empty one would let in everybody who sends no header."""
    with pytest.raises(ConfigurationError):
        LabelStudioReceiver(emitter, "labels.db", secret="")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (webhook("ANNOTATION_CREATED"), {}, 401),
        (webhook("ANNOTATION_CREATED"), {"X-Lineseal-Secret": "sécret"}, 401),
        (b"no json", SECRET, 400),
        (b"[" * 100_000, SECRET, 400),
        (b"[]", SECRET, 400),
        (b'{"action": "ANNOTATION_CREATED"}', SECRET, 400),
        (b" " * (MAX_BODY_BYTES + 1), SECRET, 413),
        (b'{"action": "PROJECT_UPDATED", "project": {"id": 3}}', SECRET, 200),
    ],
)
def test_what_is_no_annotation_records_nothing(
    home: Home, emitter: Emitter, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Each with its status."""
    receiving = receiver(emitter)
    answered = receiving.receive(body, headers)
    receiving.close()

    assert answered == status
    assert told_by(emitter, home) == []


def test_what_cannot_be_kept_is_answered_so_and_not_remembered(home: Home) -> None:
    """The state still says what the log says."""
    dropping = receiver(Emitter(None))
    refused = dropping.receive(webhook("ANNOTATION_CREATED", "fraud"), SECRET)
    dropping.close()
    with Emitter.from_env() as emitter:
        receiving = receiver(emitter)
        receiving.receive(webhook("ANNOTATION_UPDATED", "ok"), SECRET)
        receiving.close()
        (override,) = bodies(told_by(emitter, home), "override")

    assert refused == 503
    assert override["before"] == "unknown"
