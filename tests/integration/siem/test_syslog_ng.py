"""What was confirmed is in the file of a real syslog-ng, over TLS.

What is promised: every alert and decision lands once, with its id and number; hostile texts make
no line more; without a certificate nothing counts as sent.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.kafka.certificates import Authority
from tests.siem.documents import shipments
from tests.siem.hostile import PIECES
from tests.siem.shipping import forward, ids, sink
from tests.siem.syslog_ng import SyslogNg
from tests.siem.world import World

from lineseal.consumers.sinks.base import Outcome

RECORDS = 700


def settings_of(server: SyslogNg, authority: Authority) -> dict[str, Any]:
    """Return the settings of a sink that *server* lets in."""
    client = authority.issue("client")
    return {
        "kind": "syslog+tls",
        "url": server.url,
        "ca_file": str(authority.file),
        "cert_file": str(client.certificate),
        "key_file": str(client.key),
    }


def test_everything_that_was_confirmed_has_landed_once(tmp_path: Path) -> None:
    """Numbers and ids, in order."""
    authority = Authority(tmp_path, "ca")
    with SyslogNg(tmp_path, authority) as server:
        world = World(tmp_path, RECORDS, **settings_of(server, authority))

        world.drain()

        assert (world.state.trouble, world.state.confirmed) == (None, RECORDS)
        assert server.records(RECORDS) == list(zip(world.uids, range(1, RECORDS + 1), strict=True))
        world.close()


def test_a_hostile_text_makes_no_line_more(tmp_path: Path) -> None:
    """It keeps raw newlines, so one line per record says that none was sent."""
    authority = Authority(tmp_path, "ca")
    with SyslogNg(tmp_path, authority) as server:
        world = World(tmp_path, 0, **settings_of(server, authority))
        batch = shipments("ocsf", "".join(PIECES))

        receipts = world.sink.send(batch)

        assert {each.outcome for each in receipts} == {Outcome.OK}
        assert [uid for uid, _ in server.records(len(batch))] == [each.uid for each in batch]
        landed = [line.partition('"] ')[2] for line in server.lines()]
        assert landed == [each.text for each in batch]
        world.close()


def test_the_demos_alerts_and_decisions_land_once(demo: dict[str, Any], tmp_path: Path) -> None:
    """The ids and numbers of the file that the same command writes."""
    home = Path(shutil.copytree(demo["home"], tmp_path / "home"))
    authority = Authority(tmp_path, "ca")
    file = tmp_path / "siem.jsonl"
    settings = sink("file", kind="file", path=str(file))
    with SyslogNg(tmp_path, authority) as server:
        settings |= sink("ng", **settings_of(server, authority))

        forward(home, settings)

        expected = [ids(line) for line in file.read_text("utf-8").splitlines()]
        assert server.records(len(expected)) == expected


def test_without_a_certificate_nothing_counts_as_sent(tmp_path: Path) -> None:
    """TLS 1.3 refuses after the handshake: what was written to the socket is lost."""
    authority = Authority(tmp_path, "ca")
    with SyslogNg(tmp_path, authority) as server:
        settings = {**settings_of(server, authority), "cert_file": "", "key_file": ""}
        world = World(tmp_path, 5, **settings)

        world.step()

        assert world.state.confirmed == 0
        assert world.state.parked or world.state.trouble
        assert server.records(0) == []
        world.close()
