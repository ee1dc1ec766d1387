"""What was confirmed is in the file of a real OpenTelemetry Collector: OTLP, Splunk HEC, syslog.

What is promised: every alert and decision lands once, with its id and number, in the bytes that
were rendered; hostile texts make no record more; without a certificate nothing counts as sent.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.kafka.certificates import Authority
from tests.siem.collector import KINDS, Collector
from tests.siem.documents import shipments
from tests.siem.hostile import PIECES
from tests.siem.world import World

from lineseal.consumers.sinks.base import Outcome

RECORDS = 700


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Make an authority that both sides trust."""
    return Authority(tmp_path, "ca")


@pytest.fixture
def collector(tmp_path: Path, authority: Authority) -> Generator[Collector]:
    """Run a Collector."""
    with Collector(tmp_path, authority) as running:
        yield running


def sink(kind: str, server: Collector, authority: Authority, **changes: Any) -> dict[str, Any]:
    """Return the settings of a sink that *server* lets in."""
    client = authority.issue("client")
    token = authority.file.with_name("token")
    token.write_text("secret-token\n")
    return {
        "kind": kind,
        "url": server.url(kind),
        "ca_file": str(authority.file),
        "cert_file": str(client.certificate),
        "key_file": str(client.key),
        "timeout_seconds": 5,
        **({"token": f"file:{token}"} if kind == "splunk-hec" else {}),
        **changes,
    }


def numbered(texts: list[str]) -> list[tuple[str, int]]:
    """Return uid and number of each OCSF document."""
    documents = [json.loads(text) for text in texts]
    return [(each["metadata"]["uid"], each["unmapped"]["feed_seq"]) for each in documents]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [*((kind, {}) for kind in KINDS), ("splunk-hec", {"acknowledge": True})],
    ids=[*KINDS, "splunk-hec, acknowledged"],
)
def test_everything_that_was_confirmed_has_landed_once(
    kind: str, changes: dict[str, Any], collector: Collector, authority: Authority, tmp_path: Path
) -> None:
    """Numbers and ids."""
    world = World(tmp_path, RECORDS, **sink(kind, collector, authority, **changes))

    world.drain()

    assert world.state.trouble is None
    assert world.state.confirmed == RECORDS
    expected = list(zip(world.uids, range(1, RECORDS + 1), strict=True))
    assert sorted(numbered(collector.texts(RECORDS))) == sorted(expected)
    world.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_text_makes_no_record_more(
    kind: str, collector: Collector, authority: Authority, tmp_path: Path
) -> None:
    """One record for each that was sent, and the same document in it."""
    world = World(tmp_path, 0, **sink(kind, collector, authority))
    batch = shipments("ocsf", "".join(PIECES))

    receipts = world.sink.send(batch)

    assert {each.outcome for each in receipts} == {Outcome.OK}
    landed = {json.dumps(json.loads(text), sort_keys=True) for text in collector.texts(len(batch))}
    assert landed == {json.dumps(json.loads(each.text), sort_keys=True) for each in batch}
    assert len(collector.texts(len(batch))) == len(batch)
    world.close()


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_certificate_nothing_counts_as_sent(
    kind: str, collector: Collector, authority: Authority, tmp_path: Path
) -> None:
    """TLS 1.3 refuses after the handshake: what was written to the socket is lost."""
    world = World(tmp_path, 5, **sink(kind, collector, authority, cert_file="", key_file=""))

    world.step()

    assert world.state.confirmed == 0
    assert world.state.parked or world.state.trouble
    assert collector.texts(0) == []
    world.close()
