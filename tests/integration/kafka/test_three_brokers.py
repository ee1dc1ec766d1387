"""Three brokers, three copies: one of them may die under load.

What is promised: with replication 3 and ``min.insync.replicas`` 2, as ``topics create`` sets
them, killing a broker loses nothing that was acknowledged or is still to be sent. Source: DESIGN
5; docs/kafka.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.kafka.kit import (
    FORGOTTEN_SOCKETS,
    IMPATIENT,
    PATIENCE_SECONDS,
    Kit,
    first_of_each,
    flush_until_empty,
    read_all,
)
from tests.kafka.cluster import KafkaCluster

from lineseal.transport.kafka.topics import TOPICS, check_topic, create_topic, default_replicas

pytestmark = pytest.mark.filterwarnings(FORGOTTEN_SOCKETS)
KEYS = tuple(f"producer {number}" for number in range(6))


@pytest.fixture
def three(kafka_classpath: str, kafka_prefix: str, tmp_path: Path) -> Iterator[KafkaCluster]:
    """Run three brokers."""
    with KafkaCluster(kafka_classpath, tmp_path / "kafka", nodes=3) as cluster:
        yield cluster


def test_one_of_three_brokers_may_die_under_load(
    three: KafkaCluster, kafka_prefix: str, tmp_path: Path
) -> None:
    """Nothing is lost, order stays, and the check says that a broker is away."""
    with Kit(f"kafka://{three.bootstrap}/{kafka_prefix}", tmp_path) as kit:
        cluster = kit.cluster()
        copies = default_replicas(cluster)
        for name in TOPICS:
            create_topic(cluster, name, partitions=3, replicas=copies, retention_days=7)
        assert copies == 3
        assert not [finding for name in TOPICS for finding in check_topic(cluster, name)]

        writer = kit.writer(**IMPATIENT)
        sent: dict[str, list[bytes]] = {key: [] for key in KEYS}
        for number in range(3000):
            key = KEYS[number % len(KEYS)]
            sent[key].append(b"%d" % number)
            writer.append(key, sent[key][-1])
            if number == 1000:
                writer.flush(PATIENCE_SECONDS)
            if number == 2000:
                three.kill(1)
        assert flush_until_empty(writer, PATIENCE_SECONDS) == 0

        assert first_of_each(read_all(kit.reader())) == sent
        found = check_topic(kit.cluster(), TOPICS[0])
        assert {finding.value for finding in found} == {"2 of 3 replicas in sync"}
        with contextlib.closing(kit.reader()) as reader:
            assert len(read_all(reader)) >= 3000
