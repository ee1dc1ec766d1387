"""``lineseal topics`` makes topics that are safe, and says what is unsafe about any.

What is promised: what ``create`` made, ``check`` finds nothing to say against, as far as the
number of brokers allows; topics that exist are never changed; the exit status says whether
something is unsafe. Source: DESIGN 6; docs/kafka.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from tests import warm
from tests.kafka.choice import Server
from tests.kafka.topic import make_topic

from lineseal.transport.kafka import parse_kafka_url
from lineseal.transport.kafka.cluster import open_cluster
from lineseal.transport.kafka.topics import TOPICS

WITH_ONE_BROKER = {"replicas", "min.insync.replicas"}


class Site:
    """A home whose log is in Kafka, and the topics commands run on it."""

    def __init__(self, folder: Path, url: str) -> None:
        """Make the home in *folder*."""
        self.url = parse_kafka_url(url, folder)
        home = folder / ".lineseal"
        home.mkdir()
        (home / "lineseal.toml").write_text(f'[log]\nurl = "{url}"\n', "utf-8")
        self._environment = {**os.environ, "LINESEAL_HOME": str(home)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``lineseal topics``."""
        return warm.run("topics", *arguments, env=self._environment)

    def findings(self) -> list[dict[str, Any]]:
        """Return what ``check`` finds."""
        done = self.run("check", "--json")
        answer = json.loads(done.stdout)
        assert done.returncode == (1 if answer["rows"] else 0)
        assert answer["verdict"] == ("unsafe" if answer["rows"] else "safe")
        rows: list[dict[str, Any]] = answer["rows"]
        return rows


@pytest.fixture
def site(kafka_server: Server, kafka_prefix: str, real_broker: None, tmp_path: Path) -> Site:
    """Give a home whose cluster has none of its topics."""
    return Site(tmp_path, kafka_server.url(kafka_prefix))


def test_what_create_made_check_approves(site: Site) -> None:
    """Apart from what a single broker cannot give."""
    done = site.run("create", "--partitions", "2")

    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": made") == len(TOPICS)
    assert {row["setting"] for row in site.findings()} <= WITH_ONE_BROKER


def test_a_second_create_changes_nothing(site: Site) -> None:
    """Whatever the topics are like."""
    make_topic(site.url, partitions=3)
    done = site.run("create", "--partitions", "5")

    assert done.returncode == 0, done.stderr
    assert f"{site.url.topic('events')}: exists, left as it is" in done.stderr
    cluster = open_cluster(site.url, 30)
    assert len(cluster.view(site.url.topic("events")).partitions) == 3
    cluster.close()


def test_missing_topics_are_found(site: Site) -> None:
    """All four of them."""
    found = {(row["topic"], row["value"]) for row in site.findings()}

    assert found == {(site.url.topic(name), "missing") for name in TOPICS}


def test_every_unsafe_setting_is_found(site: Site) -> None:
    """With its value, what is wanted, and why."""
    assert site.run("create").returncode == 0
    unsafe = {
        "cleanup.policy": "compact",
        "compression.type": "producer",
        "max.message.bytes": "1000",
        "message.timestamp.type": "CreateTime",
        "retention.bytes": "1000000",
        "retention.ms": "60000",
        "unclean.leader.election.enable": "true",
    }
    events = site.url.topic("events")
    cluster = open_cluster(site.url, 30)
    cluster.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, events, unsafe)])
    cluster.close()

    found = {row["setting"]: row for row in site.findings() if row["topic"] == events}
    assert {name: row["value"] for name, row in found.items() if name in unsafe} == unsafe
    assert all(row["wanted"] and row["why"] for row in found.values())


def test_more_replicas_than_brokers_are_refused(site: Site) -> None:
    """With status 5 and the broker's reason."""
    done = site.run("create", "--replicas", "9")

    assert done.returncode == 5
    assert "LOG_REFUSED" in done.stderr


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("embedded:log", 2, "kafka://"),
        ("kafka://127.0.0.1:1/x?request_timeout_ms=1000", 5, "ECONNREFUSED"),
    ],
)
def test_a_cluster_that_cannot_be_asked_is_an_error(
    url: str, status: int, words: str, tmp_path: Path
) -> None:
    """With a status that says which kind."""
    home = tmp_path / ".lineseal"
    home.mkdir()
    (home / "lineseal.toml").write_text("", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "lineseal.commandline", "topics", "check", "--url", url],
        env={**os.environ, "LINESEAL_HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == status
    assert words in done.stderr
