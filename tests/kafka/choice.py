"""Chooses the broker the tests run against: the first of four that can be had.

1. ``LINESEAL_TEST_KAFKA=host:port,...``: somebody's own cluster;
2. testcontainers, where a Docker engine answers;
3. Apache Kafka from the jars Maven resolves (``jars``, ``cluster``);
4. the broker inside librdkafka (``confluent-kafka``): no administration, no process of its own,
   and none at all with ``LINESEAL_REQUIRE_KAFKA=1``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kafka import jars
from tests.kafka.cluster import BrokerFailed, KafkaCluster

NO_BROKER = "no Kafka broker"
"""How every reason begins for which a test is skipped; one line then names them all."""
GIVEN = "LINESEAL_TEST_KAFKA"
REQUIRE = "LINESEAL_REQUIRE_KAFKA"
_DOCKER_SOCKET = Path("/var/run/docker.sock")
_MOCK_OPTIONS = "api_version=2.3&allow_auto_create_topics=true"


class CannotStart(Exception):
    """A kind of broker cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A broker that runs.

    Attributes:
        kind: What it is, for people.
        bootstrap: ``host:port,host:port``.
        options: Options every URL to it needs.
        touch: How a topic comes into being where topics cannot be made; None where they can.

    """

    kind: str
    bootstrap: str
    options: str = ""
    touch: Callable[[str], object] | None = None

    @property
    def real(self) -> bool:
        """Return False for the broker inside librdkafka."""
        return self.touch is None

    def url(self, prefix: str, **options: object) -> str:
        """Return the URL of our topics with *prefix*."""
        given = "&".join(f"{name}={value}" for name, value in options.items())
        query = "&".join(filter(None, [self.options, given]))
        return f"kafka://{self.bootstrap}/{prefix}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One kind of broker: whether it may work here, and how to start it."""

    kind: str
    obstacle: Callable[[], str | None]
    start: Callable[[Path], AbstractContextManager[Server]]
    real: bool = True


def environment_says() -> tuple[str, bool]:
    """Return the servers given and whether a real broker is required."""
    return os.environ.get(GIVEN, ""), os.environ.get(REQUIRE, "") == "1"


def candidates(given: str, *, require_real: bool) -> list[Candidate]:
    """List what may be tried, best first."""
    if given:
        return [
            Candidate(
                f"{given} ({GIVEN})",
                lambda: None,
                lambda _: contextlib.nullcontext(Server(f"{given} ({GIVEN})", given)),
            )
        ]
    found = [
        Candidate("testcontainers", _docker_obstacle, _start_container),
        Candidate(f"Apache Kafka {jars.kafka_version()} from Maven", jars.possible, _start_jars),
        Candidate("the broker inside librdkafka", _mock_obstacle, _start_mock, real=False),
    ]
    return [each for each in found if each.real or not require_real]


def _docker_obstacle() -> str | None:
    if importlib.util.find_spec("testcontainers") is None:
        return "testcontainers is not installed"
    if not os.environ.get("DOCKER_HOST") and not _DOCKER_SOCKET.exists():
        return "there is no Docker engine"
    docker: Any = importlib.import_module("docker")
    try:
        with contextlib.closing(docker.from_env(timeout=5)) as client:
            client.ping()
    except (docker.errors.DockerException, OSError):
        return "no Docker engine answers"
    return None


@contextlib.contextmanager
def _start_container(_: Path) -> Generator[Server]:
    from testcontainers.community.kafka import KafkaContainer

    try:
        container = KafkaContainer().with_kraft()
        container.start(timeout=120)
    except Exception as error:
        raise CannotStart(f"{type(error).__name__}: {error}") from error
    try:
        yield Server("testcontainers", container.get_bootstrap_server())
    finally:
        container.stop()


@contextlib.contextmanager
def _start_jars(folder: Path) -> Generator[Server]:
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(KafkaCluster(jars.classpath(), folder))
        except (jars.NoJars, BrokerFailed) as error:
            raise CannotStart(str(error)) from error
        yield Server(f"Apache Kafka {jars.kafka_version()} from Maven", cluster.bootstrap)


def _mock_obstacle() -> str | None:
    missing = importlib.util.find_spec("confluent_kafka") is None
    return "confluent-kafka is not installed" if missing else None


@contextlib.contextmanager
def _start_mock(_: Path) -> Generator[Server]:
    library: Any = importlib.import_module("confluent_kafka")
    # The broker lives as long as this object.
    owner = library.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    brokers = owner.list_topics(timeout=5).brokers.values()
    bootstrap = ",".join(f"{each.host}:{each.port}" for each in brokers)
    yield Server("the broker inside librdkafka", bootstrap, _MOCK_OPTIONS, owner.list_topics)
    del owner
