"""The gateway takes what OpenLineage clients send, and answers when it is durable.

What is promised: the official client sends unchanged, sync and async, plain and gzipped; an event
is recorded once however often it is sent; what was answered survives a kill; a token speaks for its
own names and runs alone; every refusal has its status and reason, and the text goes to ``rejects``.
Source: docs/openlineage.md.
"""

from __future__ import annotations

import gzip
import http.client
import json
import ssl
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.kafka.certificates import Authority
from tests.openlineage.events import data, document, run_event, run_id, without
from tests.openlineage.gateway import Gateway, lineseal, receiving_home, stored

from lineseal.settings import Home, load_settings
from lineseal.transport.base import REJECTS_TOPIC
from lineseal.transport.open import open_reader

GZIP = {"OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip"}
CLIENT = """
import sys
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import *
client = OpenLineageClient()
for state in (RunState.START, RunState.COMPLETE):
    client.emit(RunEvent(
        eventType=state, eventTime=sys.argv[2], run=Run(sys.argv[1]), job=Job("ns", "client"),
        inputs=[InputDataset("s3://lake", "a")], outputs=[OutputDataset("s3://lake", "b")],
    ))
client.close()
"""


def test_the_official_client_sends_unchanged(gateway: Gateway, token: str) -> None:
    """Sync and async, plain and gzipped, configured by its environment alone."""
    now = datetime.now(UTC).isoformat()
    ways = [(901, "http", {}), (902, "http", GZIP), (903, "async_http", GZIP)]
    for number, kind, more in ways:
        auth = {"type": "api_key", "apiKey": token}
        environment = {
            "OPENLINEAGE__TRANSPORT__TYPE": kind,
            "OPENLINEAGE__TRANSPORT__URL": gateway.url,
            "OPENLINEAGE__TRANSPORT__AUTH": json.dumps(auth),
            **more,
        }
        arguments = [sys.executable, "-c", CLIENT, run_id(number), now]
        subprocess.run(arguments, env=environment, check=True)

    rows = stored(
        gateway.home,
        "SELECT right(run_id, 3) AS run, state, event.origin AS origin, producer, actor_id"
        " FROM event JOIN run_event USING (event_id, producer, run_id)"
        " WHERE run_event.job_name = 'client' ORDER BY ALL",
    )
    said = {"origin": "gateway", "producer": "gateway", "actor_id": "airflow"}
    assert rows == [
        {"run": run_id(number)[-3:], "state": state, **said}
        for number, _, _ in ways
        for state in ("COMPLETE", "START")
    ]


def test_an_event_that_is_sent_again_changes_nothing(gateway: Gateway, token: str) -> None:
    """A client that did not hear our answer sends again."""
    event = run_event(11, inputs=[data("a")])

    first = gateway.post(event, token)
    again = gateway.post(json.dumps(event, indent=2).encode(), token)

    assert (first[0], first[1]["status"]) == (201, "recorded")
    assert (again[0], again[1]["status"]) == (201, "repeated")
    assert first[1]["document"] == document(event).digest


def test_a_batch_says_what_became_of_each_event(gateway: Gateway, token: str) -> None:
    """The good ones are recorded; when none is good the request fails."""
    good, bad = run_event(12, inputs=[data("a")]), without(run_event(13), "eventTime")

    mixed = gateway.post([good, bad, 7], token, "/api/v1/lineage/batch")
    rubbish = gateway.post([bad], token, "/api/v1/lineage/batch")
    packed = gateway.post(gzip.compress(json.dumps([good]).encode()), token,
                          "/api/v1/lineage/batch", Content_Encoding="gzip")  # fmt: skip

    assert (mixed[0], mixed[1]["status"]) == (200, "partial_success")
    assert mixed[1]["summary"] == {"received": 3, "successful": 1, "failed": 2}
    assert [one["index"] for one in mixed[1]["failed_events"]] == [1, 2]
    assert (rubbish[0], packed[0]) == (422, 200)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "INVALID_DOCUMENT"),
        (b"\xff", 400, "INVALID_DOCUMENT"),
        (b"", 400, "INVALID_DOCUMENT"),
        (b'{"a":' * 100_000, 400, "INVALID_DOCUMENT"),
        (b"[" + b"[]," * 1_000_000 + b"[]]", 400, "INVALID_DOCUMENT"),
        (b"7", 422, "INVALID_DOCUMENT"),
        (b"{}", 422, "INVALID_DOCUMENT"),
        (run_event(14, at="2199-01-01T00:00:00Z"), 422, "INVALID_DOCUMENT"),
        (without(run_event(14), "job"), 422, "INVALID_DOCUMENT"),
        ({**run_event(14), "job": {"namespace": "other", "name": "x"}}, 403, "FORBIDDEN"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason(
    gateway: Gateway, token: str, body: Any, status: int, code: str
) -> None:
    """By a status that the client does not retry."""
    answered, said = gateway.post(body, token)

    assert (answered, said["code"]) == (status, code)
    assert said["reason"]


def test_without_the_right_token_nothing_is_read(gateway: Gateway, token: str) -> None:
    """Missing, wrong, cut short, or revoked meanwhile."""
    event = run_event(15)
    lineseal(gateway.home, "gateway", "allow", "spark", "--namespace", "*")
    lineseal(gateway.home, "gateway", "revoke", "spark")

    statuses = [gateway.post(event, given)[0] for given in (None, "", "lsg_x", token[:-1])]

    assert statuses == [401] * 4
    assert gateway.post(event, token, Content_Encoding="br")[0] == 415
    assert gateway.post(event, token, "/api/v2/lineage")[0] == 404


def test_a_token_speaks_for_its_own_runs_and_names_alone(tmp_path: Path) -> None:
    """Nobody adds to somebody else's run, or writes under a name that is not theirs."""
    home = receiving_home(tmp_path / "home")
    spark = lineseal(
        home, "gateway", "allow", "spark", "--namespace", "*", "--writes", "s3://lake/*"
    ).strip()
    dbt = lineseal(home, "gateway", "allow", "dbt", "--namespace", "*").strip()
    with Gateway(home) as gateway:
        statuses = [
            gateway.post(run_event(1, outputs=[data("x")]), spark)[0],
            gateway.post(run_event(1, outputs=[data("y")]), dbt)[0],
            gateway.post(run_event(2, outputs=[data("x", "models:")]), spark)[0],
            gateway.post(run_event(3, outputs=[data("x", "models:")]), dbt)[0],
        ]

    assert statuses == [201, 403, 403, 201]
    assert (home / "gateway" / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert spark not in (home / "gateway" / "tokens.json").read_text()
    assert stored(home, "SELECT name FROM run_io ORDER BY name") == [{"name": "x"}, {"name": "x"}]


def test_what_was_refused_is_in_the_topic_of_rejects(tmp_path: Path) -> None:
    """With its reason, whose it was, and the text as it came."""
    home = Home(receiving_home(tmp_path / "home"))
    token = lineseal(home.path, "gateway", "allow", "airflow", "--namespace", "*").strip()
    with Gateway(home.path) as gateway:
        gateway.post(b'{"no": "event"}', token)
        gateway.post(b'{"nobody": "s"}', "lsg_wrong")

    reader = open_reader(load_settings(home).log.url, home, topic=REJECTS_TOPIC)
    (record,) = reader.poll(10, 1.0)
    reader.close()
    head, _, text = record.value.partition(b"\n")
    said = json.loads(head)
    assert text == b'{"no": "event"}'
    assert (said["code"], said["log_key"]) == ("INVALID_DOCUMENT", "airflow")
    assert "eventTime" in said["detail"]


def test_what_was_refused_is_listed_beside_what_the_store_refused(tmp_path: Path) -> None:
    """By its reason, the newest first, with the text as it came."""
    home = receiving_home(tmp_path / "home")
    token = lineseal(home, "gateway", "allow", "airflow", "--namespace", "ns").strip()
    theirs = {**run_event(1), "job": {"namespace": "other", "name": "x"}}
    with Gateway(home) as gateway:
        gateway.post(b'{"no": "event"}', token)
        gateway.post(theirs, token)
    lineseal(home, "materialise")

    rows = json.loads(lineseal(home, "rejects", "--json"))["rows"]
    forbidden = json.loads(lineseal(home, "rejects", "--code", "FORBIDDEN", "--json"))["rows"]
    lineseal(home, "rejects", "--limit", "1", status=6)
    (shown,) = json.loads(lineseal(home, "rejects", "show", rows[1]["id"][:12], "--json"))["rows"]

    assert [(row["code"], row["log_key"]) for row in rows] == [
        ("FORBIDDEN", "airflow"), ("INVALID_DOCUMENT", "airflow"),
    ]  # fmt: skip
    assert forbidden == rows[:1]
    assert bytes.fromhex(shown["raw"]) == b'{"no": "event"}'
    lineseal(home, "rejects", "show", "0" * 12, status=3)


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """The document too; the next gateway knows both."""
    home = receiving_home(tmp_path / "home")
    token = lineseal(home, "gateway", "allow", "airflow", "--namespace", "*").strip()
    events = [run_event(number, inputs=[data("a")]) for number in range(1, 6)]
    with Gateway(home) as gateway:
        assert [gateway.post(event, token)[0] for event in events] == [201] * 5
        gateway.kill()
    with Gateway(home) as gateway:
        assert gateway.post(events[0], token)[1]["status"] == "repeated"

    assert stored(home, "SELECT count(DISTINCT run_id) AS n FROM run_event") == [{"n": 5}]
    digest = document(events[4]).digest
    assert lineseal(home, "gateway", "document", digest) == json.dumps(events[4])
    lineseal(home, "gateway", "document", "sha256:" + "0" * 64, status=3)


def test_a_full_outbox_is_told_to_come_again(tmp_path: Path) -> None:
    """503 with Retry-After, which the client retries; nothing is counted as lost."""
    home = receiving_home(tmp_path / "home")
    token = lineseal(home, "gateway", "allow", "airflow", "--namespace", "*").strip()
    large = run_event(1, inputs=[data(f"part-{n:060}") for n in range(20_000)])
    with Gateway(home, LINESEAL_EMITTER__MAX_BYTES=str(1024 * 1024)) as gateway:
        full = gateway.post(large, token)
        small = gateway.post(run_event(2), token)

    assert (full[0], full[1]["code"]) == (503, "OUTBOX_FULL")
    assert full[1]["retry_after"] > 0
    assert small[0] == 201
    assert stored(home, "SELECT count(*) AS n FROM batch WHERE loss IS NOT NULL") == [{"n": 0}]


def test_it_speaks_tls(tmp_path: Path) -> None:
    """And its certificate is one that clients verify."""
    home = receiving_home(tmp_path / "home")
    token = lineseal(home, "gateway", "allow", "airflow", "--namespace", "*").strip()
    authority = Authority(tmp_path, "authority")
    issued = authority.issue("localhost")
    settings = {
        "LINESEAL_GATEWAY__CERT_FILE": str(issued.certificate),
        "LINESEAL_GATEWAY__KEY_FILE": str(issued.key),
    }
    with Gateway(home, **settings) as gateway:
        context = ssl.create_default_context(cafile=str(authority.file))
        connection = http.client.HTTPSConnection("localhost", gateway.port, context=context)
        headers = {"Authorization": f"Bearer {token}"}
        connection.request("POST", "/api/v1/lineage", json.dumps(run_event(1)), headers)
        status = connection.getresponse().status
        connection.close()

    assert status == 201
