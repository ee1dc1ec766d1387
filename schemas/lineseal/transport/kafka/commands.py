"""``lineseal topics``: makes our topics in Kafka, and says what is unsafe about them."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Generator

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.schemas.errors import TopicMissing
from lineseal.settings import find_home, load_settings
from lineseal.transport.base import CHECKPOINTS_TOPIC
from lineseal.transport.kafka.cluster import Cluster, open_cluster
from lineseal.transport.kafka.topics import (
    TOPICS,
    Finding,
    check_topic,
    create_topic,
    default_replicas,
)
from lineseal.transport.kafka.url import KafkaUrl
from lineseal.transport.open import kafka_url

_COLUMNS = ("topic", "setting", "value", "wanted", "why")
_url_option = click.option("--url", metavar="URL", help="The cluster; default: [log] url.")


@click.group()
def topics() -> None:
    """Make or check the topics Lineseal uses in Kafka."""


@topics.command()
@_url_option
@click.option(
    "--partitions",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="Partitions of the topic of events; the others get one.",
)
@click.option(
    "--replicas", type=click.IntRange(1), help="Default: 3, or the number of brokers if fewer."
)
@click.option(
    "--retention-days",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    help="Days until the broker deletes a record; 0 for never. Checkpoints are never deleted.",
)
def create(*, url: str | None, partitions: int, replicas: int | None, retention_days: int) -> int:
    """Make the topics that are missing; those that exist are left as they are.

    A producer's records stay in one partition. Choose the number of partitions once: adding some
    later moves producers to others.
    """
    with _cluster(url) as cluster:
        copies = replicas or default_replicas(cluster)
        for name in TOPICS:
            made = create_topic(
                cluster,
                name,
                partitions=partitions if name == TOPICS[0] else 1,
                replicas=copies,
                retention_days=0 if name == CHECKPOINTS_TOPIC else retention_days,
            )
            note(f"{cluster.url.topic(name)}: {'made' if made else 'exists, left as it is'}")
    return Exit.OK


@topics.command()
@_url_option
@output_options
def check(*, url: str | None, output: str) -> int:
    """Say what is unsafe about the topics and the connection; status 1 when something is."""
    with _cluster(url) as cluster:
        findings = _connection_findings(cluster.url)
        for name in TOPICS:
            try:
                findings += check_topic(cluster, name)
            except TopicMissing as error:
                findings.append(
                    Finding(
                        topic=cluster.url.topic(name),
                        setting="topic",
                        value="missing",
                        wanted="present",
                        why=str(error),
                    )
                )
        answer = Answer(
            query="topics",
            subject=str(cluster.url),
            verdict="unsafe" if findings else "safe",
            rows=[{key: getattr(each, key) for key in _COLUMNS} for each in findings],
        )
    print_answer(answer, output, columns=_COLUMNS)
    return Exit.FINDING if findings else Exit.OK


@contextlib.contextmanager
def _cluster(url: str | None) -> Generator[Cluster]:
    home = find_home()
    cluster = open_cluster(kafka_url(url or load_settings(home).log.url, home))
    try:
        yield cluster
    finally:
        cluster.close()


def _connection_findings(url: KafkaUrl) -> list[Finding]:
    if url.options.tls or all(_is_loopback(server) for server in url.servers):
        return []
    return [
        Finding(
            topic="(connection)",
            setting="security_protocol",
            value=str(url.options["security_protocol"]),
            wanted="SSL or SASL_SSL",
            why="what travels can be read and cut on the way, credentials too",
        )
    ]


def _is_loopback(server: str) -> bool:
    host = server.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
