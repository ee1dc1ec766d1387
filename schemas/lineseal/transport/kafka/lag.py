"""Asks the brokers how much of a topic a consumer at given positions has not read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import closing

from lineseal.transport.base import EVENTS_TOPIC
from lineseal.transport.kafka.cluster import open_cluster
from lineseal.transport.kafka.options import Options
from lineseal.transport.kafka.url import KafkaUrl


def unread_by_partition(
    url: KafkaUrl, positions: Mapping[str, int], seconds: float
) -> dict[str, int]:
    """Return for each partition of the events how many records lie behind its position.

    A partition without a position counts from the first record that it still holds. Connecting
    and each of the few questions may take *seconds*.

    Raises:
        LogError: The cluster does not answer in time, or refuses us.

    """
    values = {**url.options.values, "request_timeout_ms": max(1, int(seconds * 1000))}
    hasty = dataclasses.replace(url, options=Options(values))
    topic = url.topic(EVENTS_TOPIC)
    with closing(open_cluster(hasty, seconds)) as cluster:
        ranges = cluster.ranges(topic, cluster.view(topic).partitions)
    unread: dict[str, int] = {}
    for number, (first, end) in sorted(ranges.items()):
        stream = f"{topic}/{number}"
        unread[stream] = max(0, end - max(first, positions.get(stream, first)))
    return unread
