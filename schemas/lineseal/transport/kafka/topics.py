"""Makes our topics so that they are safe, and says what is unsafe about those that exist.

Unsafe is what could lose a record, let its time be forged, or let one record harm a reader.
Existing topics are never changed: whoever runs the cluster decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from lineseal.schemas.errors import LogDenied
from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.transport.base import (
    ALERTS_TOPIC,
    CHECKPOINTS_TOPIC,
    EVENTS_TOPIC,
    RECEIPTS_TOPIC,
    REJECTS_TOPIC,
)
from lineseal.transport.kafka.cluster import Cluster, TopicView
from lineseal.transport.kafka.producer import MAX_OVERHEAD_BYTES

TOPICS = (EVENTS_TOPIC, ALERTS_TOPIC, REJECTS_TOPIC, CHECKPOINTS_TOPIC, RECEIPTS_TOPIC)
"""All our topics, by their names without the prefix."""
SAFE_REPLICAS = 3
SAFE_IN_SYNC = 2
MIN_RETENTION_DAYS = 7
MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + MAX_OVERHEAD_BYTES
_DAY_MS = 24 * 60 * 60 * 1000
_CREATE_MS = 30_000

_Test = Callable[[str], bool]
_CHECKS: tuple[tuple[str, _Test, str, str], ...] = (
    (
        "message.timestamp.type",
        lambda value: value == "LogAppendTime",
        "LogAppendTime",
        "a producer could choose the time at which its key is judged",
    ),
    ("cleanup.policy", lambda value: value == "delete", "delete", "compaction removes records"),
    (
        "retention.ms",
        lambda value: int(value) < 0 or int(value) >= MIN_RETENTION_DAYS * _DAY_MS,
        f"at least {MIN_RETENTION_DAYS * _DAY_MS}",
        "records may be deleted before they were read",
    ),
    (
        "retention.bytes",
        lambda value: int(value) < 0,
        "-1",
        "a flood from one producer deletes the records of others",
    ),
    (
        "unclean.leader.election.enable",
        lambda value: value == "false",
        "false",
        "a replica that lags behind may become leader and lose acknowledged records",
    ),
    (
        "max.message.bytes",
        lambda value: int(value) >= MAX_MESSAGE_BYTES,
        f"at least {MAX_MESSAGE_BYTES}",
        "the largest batches are refused",
    ),
    (
        "compression.type",
        lambda value: value == "uncompressed",
        "uncompressed",
        "a small record may unpack to gigabytes in every reader",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Say what is unsafe about one topic."""

    topic: str
    setting: str
    value: str
    wanted: str
    why: str


def create_topic(
    cluster: Cluster, name: str, *, partitions: int, replicas: int, retention_days: int
) -> bool:
    """Make the topic *name* (without prefix) with safe settings; leave it alone if it exists.

    Args:
        cluster: Where.
        name: One of ``TOPICS``.
        partitions: How many; a producer's records stay in one.
        replicas: Copies of each record.
        retention_days: Days until the broker deletes a record; 0 for never.

    Returns:
        True when it was made, False when it was there.

    Raises:
        LogRefused: The cluster cannot make it so, for example with too few brokers.
        LogError: The cluster cannot be asked.

    """
    topic = cluster.url.topic(name)
    if cluster.exists(topic):
        return False
    new = NewTopic(
        name=topic,
        num_partitions=partitions,
        replication_factor=replicas,
        topic_configs={
            "cleanup.policy": "delete",
            "compression.type": "uncompressed",
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": str(min(SAFE_IN_SYNC, max(1, replicas - 1))),
            "retention.bytes": "-1",
            "retention.ms": str(retention_days * _DAY_MS or -1),
            "unclean.leader.election.enable": "false",
        },
    )
    with cluster.translated(f"topic {topic} at {cluster.url}"):
        cluster.admin.create_topics([new], timeout_ms=_CREATE_MS)
        cluster.admin.wait_for_topics([topic], timeout_ms=_CREATE_MS)
    return True


def default_replicas(cluster: Cluster) -> int:
    """Return three, or the number of brokers when there are fewer."""
    with cluster.translated(cluster.url):
        return max(1, min(SAFE_REPLICAS, len(cluster.broker_ids())))


def check_topic(cluster: Cluster, name: str) -> list[Finding]:
    """Say what is unsafe about the topic *name* (without prefix); empty when nothing is.

    Raises:
        TopicMissing: It does not exist.
        LogError: The cluster cannot be asked.

    """
    view = cluster.view(cluster.url.topic(name))
    settings = _settings(cluster, view.name)
    return [*_setting_findings(view.name, settings), *_replica_findings(view, settings)]


def _settings(cluster: Cluster, topic: str) -> Mapping[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    with cluster.translated(f"topic {topic} at {cluster.url}"):
        answer: Any = cluster.admin.describe_configs([resource], config_filter="all")
    entries: Mapping[str, Any] = next(iter(answer.values()))[topic]
    if not entries:
        raise LogDenied(f"topic {topic}: the broker does not tell us its settings")
    return {key: str(entry["value"]) for key, entry in entries.items()}


def _setting_findings(topic: str, settings: Mapping[str, str]) -> Iterator[Finding]:
    for setting, safe, wanted, why in _CHECKS:
        value = settings.get(setting)
        if value is not None and not safe(value):
            yield Finding(topic=topic, setting=setting, value=value, wanted=wanted, why=why)


def _replica_findings(view: TopicView, settings: Mapping[str, str]) -> Iterator[Finding]:
    replicas = min(len(copies) for copies, _ in view.partitions.values())
    in_sync = int(settings.get("min.insync.replicas", "1"))
    if replicas < SAFE_REPLICAS:
        yield Finding(
            topic=view.name,
            setting="replicas",
            value=str(replicas),
            wanted=f"at least {SAFE_REPLICAS}",
            why="the loss of one broker can lose acknowledged records",
        )
    if in_sync < SAFE_IN_SYNC:
        yield Finding(
            topic=view.name,
            setting="min.insync.replicas",
            value=str(in_sync),
            wanted=f"at least {SAFE_IN_SYNC}",
            why="a record may be acknowledged with a single copy",
        )
    elif in_sync >= replicas:
        yield Finding(
            topic=view.name,
            setting="min.insync.replicas",
            value=str(in_sync),
            wanted=f"below {replicas}",
            why="nothing can be written while one broker is away",
        )
    for number, (copies, present) in sorted(view.partitions.items()):
        if len(present) < len(copies):
            yield Finding(
                topic=view.name,
                setting=f"partition {number}",
                value=f"{len(present)} of {len(copies)} replicas in sync",
                wanted="all",
                why="a broker is away or behind",
            )
