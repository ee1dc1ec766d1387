"""Makes topics for tests, as ``lineseal topics create`` makes them."""

from __future__ import annotations

from lineseal.transport.base import EVENTS_TOPIC
from lineseal.transport.kafka.cluster import open_cluster
from lineseal.transport.kafka.topics import create_topic
from lineseal.transport.kafka.url import KafkaUrl
from tests.kafka.choice import Server


def prepare_topic(server: Server, url: KafkaUrl, *, partitions: int = 1) -> None:
    """Make the topic of events of *url*, whatever the broker is."""
    if server.touch is None:
        make_topic(url, partitions=partitions)
    else:
        server.touch(url.topic(EVENTS_TOPIC))


def make_topic(
    url: KafkaUrl, name: str = EVENTS_TOPIC, *, partitions: int = 1, replicas: int = 1
) -> None:
    """Make one of our topics, with retention without end."""
    cluster = open_cluster(url, 30)
    try:
        create_topic(cluster, name, partitions=partitions, replicas=replicas, retention_days=0)
    finally:
        cluster.close()
