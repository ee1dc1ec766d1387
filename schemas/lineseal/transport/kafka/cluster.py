"""Which cluster is this, and which topic? Names can be given again; ids cannot.

Everything is asked anew: a cached answer would hide that a topic was deleted and made again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

from kafka import errors as kafka_errors
from kafka.admin import KafkaAdminClient
from kafka.net.compat import KafkaNetClient
from kafka.structs import TopicPartition

from lineseal.schemas.errors import ConfigurationError, LogError, TopicMissing
from lineseal.transport.kafka.clients import client_config
from lineseal.transport.kafka.faults import to_log_error
from lineseal.transport.kafka.url import KafkaUrl

_CONNECT_SECONDS = 10.0
_LATEST = -1
_EARLIEST = -2
"""What ListOffsets takes instead of a time (Kafka protocol)."""


@dataclass(frozen=True, slots=True)
class TopicView:
    """Hold what the cluster says about one topic.

    Attributes:
        cluster_id: Names the cluster.
        topic_id: UUID of this topic, 36 characters; a broker before 2.8 gives none (all zeros).
        name: The topic's name.
        partitions: For each partition number its replicas and its in-sync replicas.

    """

    cluster_id: str
    topic_id: str
    name: str
    partitions: dict[int, tuple[tuple[int, ...], tuple[int, ...]]]

    @property
    def identity(self) -> str:
        """Return ``cluster/topic-id``: equal only for the same log."""
        return f"{self.cluster_id}/{self.topic_id}"


class Cluster:
    """Asks one cluster about itself. Use ``open_cluster``; not safe to share between threads."""

    def __init__(self, admin: Any, url: KafkaUrl) -> None:
        self.admin = admin
        self.url = url

    @property
    def client_id(self) -> str:
        """Return the id of the client that asks."""
        return str(self.admin.config["client_id"])

    def view(self, topic: str) -> TopicView:
        """Describe *topic*, by its full name.

        Raises:
            TopicMissing: There is none.
            LogError: The cluster cannot be asked.

        """
        with self.translated(f"topic {topic} at {self.url}"):
            (description,) = self.admin.describe_topics([topic])
            error = kafka_errors.for_code(description["error_code"])
            if error is not kafka_errors.NoError:
                raise error
            return TopicView(
                self._cluster_id(),
                str(description.get("topic_id")),
                topic,
                {
                    each["partition_index"]: (
                        tuple(each["replica_nodes"]),
                        tuple(each["isr_nodes"]),
                    )
                    for each in description["partitions"]
                },
            )

    def broker_ids(self) -> list[int]:
        """Return the brokers that are up."""
        return sorted(broker.node_id for broker in self._metadata.brokers())

    def _cluster_id(self) -> str:
        return str(self._metadata.cluster_id)

    @property
    def _metadata(self) -> Any:
        # describe_cluster() of kafka-python 3.0.12 raises KeyError with api_version 2.8 to 3.6.
        return self.admin._manager.cluster  # noqa: SLF001

    def ranges(self, topic: str, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Return for each partition of *topic* its first offset and the one after its last.

        Raises:
            LogError: The cluster cannot be asked.

        """
        with self.translated(f"topic {topic} at {self.url}"):
            partitions = [TopicPartition(topic, number) for number in numbers]
            first, end = (
                self.admin.list_partition_offsets(dict.fromkeys(partitions, which))
                for which in (_EARLIEST, _LATEST)
            )
            return {each.partition: (first[each].offset, end[each].offset) for each in partitions}

    def exists(self, topic: str) -> bool:
        """Return True when *topic* is there.

        Raises:
            LogError: The cluster cannot be asked.

        """
        try:
            self.view(topic)
        except TopicMissing:
            return False
        return True

    @contextlib.contextmanager
    def translated(self, where: object) -> Generator[None]:
        """Turn what the client raises into errors of our tree.

        Raises:
            LogError: Instead of the client's error.

        """
        try:
            yield
        except (LogError, ConfigurationError):
            raise
        except (kafka_errors.KafkaError, OSError, ValueError) as error:
            raise to_log_error(
                error, where, self.client_id, secured=self.url.options.secured
            ) from error

    def close(self) -> None:
        """Close the connection."""
        self.admin.close()


def open_cluster(url: KafkaUrl, timeout: float | None = None) -> Cluster:
    """Connect, within *timeout* seconds: by default ten, or the request timeout if less.

    Raises:
        ConfigurationError: A file or secret that the URL names cannot be used.
        LogError: The cluster does not answer, or refuses us.

    """
    config = client_config(url, "admin")
    if timeout is None:
        timeout = min(_CONNECT_SECONDS, url.options["request_timeout_ms"] / 1000)
    connections: list[Any] = []

    def connect(**given: Any) -> Any:
        connections.append(KafkaNetClient(**given))
        return connections[0]

    config |= {"bootstrap_timeout_ms": max(1, int(timeout * 1000)), "kafka_client": connect}
    try:
        admin = KafkaAdminClient(**config)
    except (kafka_errors.KafkaError, OSError, ValueError) as error:
        # A constructor that fails leaves its thread running and its sockets open.
        for each in connections:
            each.close()
        raise to_log_error(error, url, config["client_id"], secured=url.options.secured) from error
    return Cluster(admin, url)
