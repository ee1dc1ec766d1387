"""Every receiver gets the demo's alerts and human decisions: the same ids, the same numbers, once.

One ``lineseal forward --once`` into a file, rsyslog over TLS and RELP, and an OpenTelemetry
Collector over OTLP, Splunk HEC and syslog; what each of them wrote is compared with the file.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.kafka.certificates import Authority
from tests.siem.collector import KINDS, Collector
from tests.siem.rsyslog import Rsyslog
from tests.siem.shipping import forward, ids, sink

from lineseal.queries.database import open_store


def test_every_receiver_gets_the_demos_alerts_and_decisions_once(
    demo: dict[str, Any], tmp_path: Path
) -> None:
    """Counts, ids and numbers are those of the file, which are those of the store."""
    home = Path(shutil.copytree(demo["home"], tmp_path / "home"))
    authority = Authority(tmp_path, "ca")
    with ExitStack() as stack:
        flavours = ("ossl", "relp")
        servers = {each: Rsyslog(each, made(tmp_path / each), authority) for each in flavours}
        collectors = {
            kind: Collector(made(tmp_path / f"collector-{KINDS[kind]}"), authority)
            for kind in KINDS
        }
        for server in servers.values():
            stack.enter_context(server)
        for collector in collectors.values():
            stack.enter_context(collector)
        settings = sink("file", kind="file", path=str(tmp_path / "siem.jsonl"))
        for flavour, server in servers.items():
            kind = "syslog+relp" if flavour == "relp" else "syslog+tls"
            settings |= sink(flavour, kind=kind, url=server.url, **proof(authority))
        for kind, collector in collectors.items():
            token = {"token": "env:TOKEN"} if kind == "splunk-hec" else {}
            url = collector.url(kind)
            settings |= sink(f"c_{KINDS[kind]}", kind=kind, url=url, **token, **proof(authority))
        forward(home, settings)

        expected = [ids(line) for line in (tmp_path / "siem.jsonl").read_text().splitlines()]
        count = len(expected)
        assert [number for _, number in expected] == list(range(1, count + 1))
        for server in servers.values():
            assert server.records(count) == expected
        for collector in collectors.values():
            assert sorted(map(ids, collector.texts(count))) == sorted(expected)

    documents = map(json.loads, (tmp_path / "siem.jsonl").read_text().splitlines())
    codes = Counter(each["metadata"]["event_code"] for each in documents)
    with open_store(home / "store" / "lineseal.duckdb") as store:
        overrides = store.execute("SELECT count(*) FROM override").fetchone()
        alerts = store.execute("SELECT rule_id FROM alert").fetchall()
    assert overrides is not None
    assert codes["override"] == overrides[0] > 0
    assert {rule for (rule,) in alerts} == {code for code in codes if code.startswith("DP-")}
    assert alerts


def made(folder: Path) -> Path:
    """Make *folder*."""
    folder.mkdir()
    return folder


def proof(authority: Authority) -> dict[str, str]:
    """Return the settings of whoever has to show a certificate."""
    client = authority.issue("client")
    return {
        "ca_file": str(authority.file),
        "cert_file": str(client.certificate),
        "key_file": str(client.key),
    }
