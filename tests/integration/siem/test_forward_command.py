"""From an event to a line in the SIEM's file, with the commands a person types.

What is promised: ``forward --once`` ships each decision once, also when it runs again and when
the store was rebuilt; statuses say how it ended; secrets show up nowhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests import warm
from tests.siem.receiver import Receiver, Reply
from tests.simulator import Pipeline, human

from lineseal.consumers.forward.feed import Feed
from lineseal.consumers.forward.source import read_store
from lineseal.queries.database import open_store
from lineseal.schemas.model import Override, Subject
from lineseal.signing.envelope import pae, read_envelope

OVERRIDES = 3


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home with some overrides in its store, once."""
    folder = tmp_path_factory.mktemp("prepared")
    run(folder, "init", "--producer", "jobs")
    run(folder, "keys", "new", "alice", "--person", "--enrol")
    for number in range(OVERRIDES):
        override(folder, number)
    run(folder, "materialise")
    return folder


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    """Give a copy of the prepared home."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    return tmp_path


def override(folder: Path, number: int) -> None:
    """Have alice override something."""
    words = ("--target", f"model:registry/fraud@{number}", "--before", "a", "--after", "b")
    run(folder, "emit", "override", "--as", "alice", *words, "--reason", "because")


def run(
    folder: Path, *words: str, status: int = 0, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``lineseal`` in *folder* and expect a status."""
    done = warm.run(*words, cwd=folder, env={**os.environ, **(environment or {})})
    assert done.returncode == status, done.stdout + done.stderr
    return done


def records(folder: Path) -> list[dict[str, Any]]:
    """Return what stands in the default file."""
    path = folder / ".lineseal" / "siem" / "lineseal.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_decision_is_shipped_once(home: Path) -> None:
    """Again and again, with new ones in between, and after the store was made anew."""
    run(home, "forward", "--once")
    run(home, "forward", "--once")
    override(home, 9)
    run(home, "materialise")
    shutil.rmtree(home / ".lineseal" / "store")
    run(home, "materialise", "--new-log", "the disk failed")
    run(home, "forward", "--once")

    found = records(home)
    decisions = [each for each in found if each["metadata"]["event_code"] == "override"]

    assert [each["entity"]["name"][-1] for each in decisions] == ["0", "1", "2", "9"]
    assert [each["unmapped"]["feed_seq"] for each in found] == list(range(1, len(found) + 1))
    assert len({each["metadata"]["uid"] for each in found}) == len(found)
    assert {each["actor"]["user"]["name"] for each in decisions} == {"alice"}
    assert {each["unmapped"]["actor_verified"] for each in decisions} == {True}
    assert len({each["unmapped"]["feed_id"] for each in found}) == 1


def test_a_manifest_says_which_numbers_were_given_out_and_is_signed(home: Path) -> None:
    """By this installation's own key, over count and digest of the uids."""
    run(home, "forward", "--once")

    found = records(home)
    manifest = found[-1]["unmapped"]["manifest"]
    envelope = read_envelope(manifest["envelope"].encode())
    signed = json.loads(envelope.payload)

    assert signed["first_seq"] == 1
    assert signed["last_seq"] == signed["count"] == len(found) - 1 >= OVERRIDES
    assert signed["sha256"] == manifest["sha256"]
    assert pae(envelope.payload_type, envelope.payload).startswith(b"DSSEv1")
    assert envelope.signatures[0].keyid in json.dumps(listed_keys(home))


def listed_keys(home: Path) -> Any:
    """Return what ``keys list`` says."""
    return json.loads(run(home, "keys", "list", "--json").stdout)


def test_checkpoints_go_along_and_prove_the_store_from_the_siems_side(home: Path) -> None:
    """What the SIEM keeps is enough to verify the store, and to see that it was rolled back."""
    old = shutil.copytree(home / ".lineseal" / "store", home / "old-store")
    override(home, 8)
    run(home, "materialise")
    run(home, "forward", "--once")
    run(home, "forward", "--once")
    exported = home / "from-siem.jsonl"
    shutil.copy(home / ".lineseal" / "siem" / "lineseal.jsonl", exported)
    kept = [each for each in records(home) if each["metadata"]["event_code"] == "checkpoint"]

    run(home, "verify", "--checkpoints", str(exported))
    shutil.rmtree(home / ".lineseal" / "store")
    shutil.copytree(old, home / ".lineseal" / "store")
    (home / ".lineseal" / "checkpoints" / "checkpoints.jsonl").unlink()
    shown = run(home, "verify", "--checkpoints", str(exported), status=1)

    assert len(kept) == 1
    assert "STORE_ROLLBACK" in shown.stdout


def test_a_wrong_token_ends_with_four_and_is_told_nowhere(home: Path) -> None:
    """Parked; after the token was put right everything arrives."""
    good = False
    run(home, "forward", "--once")
    usual = {each["metadata"]["uid"] for each in records(home)[:-1]}

    def script(*_: object) -> Reply | None:
        return None if good else Reply(403, {"text": "Invalid token", "code": 4})

    with Receiver(script) as receiver:
        settings = {
            "LINESEAL_SINKS__SPLUNK__KIND": "splunk-hec",
            "LINESEAL_SINKS__SPLUNK__URL": receiver.url,
            "LINESEAL_SINKS__SPLUNK__TOKEN": "env:HEC_TOKEN",
            "HEC_TOKEN": "s3cr3t-token",
        }
        first = run(home, "forward", "--once", "--json", status=4, environment=settings)
        again = run(home, "sinks", "test", status=4, environment=settings)
        shown = run(home, "sinks", "status", status=1, environment=settings)
        good = True
        run(home, "sinks", "test", environment=settings)
        run(home, "forward", "--once", environment=settings)

        assert usual < set(receiver.accepted)
        assert len(receiver.accepted) == len(usual) + 2, "the alert and the manifest come too"
        assert receiver.requests[0].headers["authorization"] == "Splunk s3cr3t-token"
    assert json.loads(first.stdout)["rows"][0]["state"] == "parked"
    for done in (first, again, shown):
        assert "s3cr3t" not in done.stdout + done.stderr


def test_a_receiver_that_is_down_ends_with_five(home: Path) -> None:
    """And nothing is given up."""
    settings = {
        "LINESEAL_SINKS__E__KIND": "elastic",
        "LINESEAL_SINKS__E__URL": "http://127.0.0.1:9",
    }

    run(home, "forward", "--once", status=5, environment=settings)

    rows = json.loads(run(home, "sinks", "status", "--json", environment=settings).stdout)["rows"]
    assert rows[0]["state"] == "retrying"
    assert rows[0]["waiting"] >= OVERRIDES


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"KIND": "carrier-pigeon"}, "kind must be one of"),
        ({"KIND": "elastic"}, "url is missing"),
        ({"KIND": "splunk-hec", "URL": "https://h", "TOKEN": "the-token"}, "env:NAME or file:PATH"),
        ({"KIND": "file", "INDEX": "x"}, "does not know this"),
        ({"KIND": "otlp", "URL": "https://u:p@h"}, "must not carry credentials"),
        ({"KIND": "syslog+tls", "URL": "tcp://h"}, "url must be tls://"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_by_name(
    settings: dict[str, str], says: str, home: Path
) -> None:
    """Before anything is sent, and without repeating what may be a secret."""
    environment = {f"LINESEAL_SINKS__X__{name}": value for name, value in settings.items()}

    done = run(home, "forward", "--once", status=2, environment=environment)

    assert "[sinks.x]" in done.stderr
    assert says in done.stderr
    assert "the-token" not in done.stderr


def test_nobody_hides_a_record_by_repeating_its_event_id(tmp_path: Path) -> None:
    """Two producers, one event id, two records: the uid comes from the bytes."""
    pipeline = Pipeline(tmp_path)
    target = Subject(type="policy", name="p")
    for name in ("alice", "mallory"):
        person = pipeline.person(name)
        body = Override(target=target, before="a", after=name, made_by=name, reason="r")
        person.emit(body, actor=human(name), event_id="01900000-0000-7000-8000-000000000001")
    pipeline.materialise()
    feed = Feed(tmp_path / "forward.sqlite")

    added = read_store(
        lambda: open_store(pipeline.store_path), feed, pipeline.deployment, pipeline.clock
    )

    assert added == 2
    feed.close()
