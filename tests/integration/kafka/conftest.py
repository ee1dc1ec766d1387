"""What the Kafka tests share: a topic of their own, and readers and writers that get closed."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.kafka.kit import Kit
from tests.kafka.choice import NO_BROKER, Server
from tests.kafka.topic import prepare_topic

_THREAD_SECONDS = 20.0


@pytest.fixture(autouse=True)
def _collect(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let go of forgotten sockets while the filter of the test that forgot them is in force.

    No thread of a client outlives the test, either: what was opened was closed.
    """
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("kafka-io-") or thread.name.endswith("-network-thread"):
            thread.join(_THREAD_SECONDS)
            assert not thread.is_alive(), f"{thread.name} was left running"
    # Log records hold exceptions, these their frames, and those the sockets.
    for phase in ("setup", "call"):
        caplog.get_records(phase).clear()
    gc.collect()


@pytest.fixture
def kit(kafka_server: Server, kafka_prefix: str, tmp_path: Path) -> Iterator[Kit]:
    """Give an empty topic with one partition on the session's broker."""
    with Kit(kafka_server.url(kafka_prefix), tmp_path) as made:
        prepare_topic(kafka_server, made.url())
        yield made


@pytest.fixture
def real_broker(kafka_server: Server) -> None:
    """Skip the test on a broker that cannot be administered."""
    if not kafka_server.real:
        pytest.skip(f"{NO_BROKER} that can be administered: this is {kafka_server.kind}")


@pytest.fixture
def real_kit(real_broker: None, kit: Kit) -> Kit:
    """Give ``kit``, on a broker that can be administered."""
    del real_broker
    return kit
