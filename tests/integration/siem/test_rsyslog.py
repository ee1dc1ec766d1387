"""What was confirmed is in the file of a real rsyslog, over TLS and over RELP.

What is promised: every alert and decision lands once, with its id and number; hostile texts make
no line more; a receiver that does not want our certificate parks the sink and gets nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.kafka.certificates import Authority
from tests.siem.documents import shipments
from tests.siem.hostile import PIECES
from tests.siem.rsyslog import Rsyslog
from tests.siem.world import World

from lineseal.consumers.sinks.base import Outcome

FLAVOURS = ("ossl", "gtls", "relp")
RECORDS = 700


def sink(server: Rsyslog, authority: Authority, **changes: Any) -> dict[str, Any]:
    """Return the settings of a sink that *server* lets in."""
    client = authority.issue("client")
    return {
        "kind": "syslog+relp" if server.flavour == "relp" else "syslog+tls",
        "url": server.url,
        "ca_file": str(authority.file),
        "cert_file": str(client.certificate),
        "key_file": str(client.key),
        "timeout_seconds": 5,
    } | changes


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_everything_that_was_confirmed_has_landed_once(flavour: str, tmp_path: Path) -> None:
    """Numbers and ids, in order."""
    authority = Authority(tmp_path, "ca")
    with Rsyslog(flavour, tmp_path, authority) as server:
        world = World(tmp_path, RECORDS, **sink(server, authority))

        world.drain()

        assert world.state.trouble is None
        assert world.state.confirmed == RECORDS
        assert server.records(RECORDS) == list(zip(world.uids, range(1, RECORDS + 1), strict=True))
        world.close()


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("rendering", ["ocsf", "ecs", "cef"])
def test_a_hostile_text_makes_no_line_more(flavour: str, rendering: str, tmp_path: Path) -> None:
    """One line per record in the receiver's file, each with the text that was sent."""
    authority = Authority(tmp_path, "ca")
    with Rsyslog(flavour, tmp_path, authority) as server:
        world = World(tmp_path, 0, **sink(server, authority, rendering=rendering))
        batch = shipments(rendering, "".join(PIECES))

        receipts = world.sink.send(batch)

        assert {each.outcome for each in receipts} == {Outcome.OK}
        assert [uid for uid, _ in server.records(len(batch))] == [each.uid for each in batch]
        # rsyslog gives %msg% with the blank that comes before it.
        landed = [line.partition('"] ')[2].strip() for line in server.lines()]
        assert landed == [each.text.strip() for each in batch]
        world.close()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_without_a_certificate_nothing_counts_as_sent(flavour: str, tmp_path: Path) -> None:
    """TLS 1.3 refuses after the handshake: what was written to the socket is lost."""
    authority = Authority(tmp_path, "ca")
    with Rsyslog(flavour, tmp_path, authority) as server:
        world = World(tmp_path, 5, **sink(server, authority, cert_file="", key_file=""))

        world.step()

        assert world.state.confirmed == 0
        assert world.state.parked or world.state.trouble
        assert server.records(0) == []
        world.close()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_restart_of_the_receiver_loses_nothing(flavour: str, tmp_path: Path) -> None:
    """Down while there is something to send, then up again."""
    authority = Authority(tmp_path, "ca")
    server = Rsyslog(flavour, tmp_path, authority)
    with server:
        world = World(tmp_path, 50, **sink(server, authority))
        world.drain()
    world.add(50)
    for _ in range(3):
        assert world.step().pause > 0

    with server:
        world.drain()

        assert {uid for uid, _ in server.records(100)} == set(world.uids)
        world.close()
