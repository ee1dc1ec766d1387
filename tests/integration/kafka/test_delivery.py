"""Whatever happens to the broker, a writer delivers everything, in order, when it is back.

What is promised: a broker that stands still longer than the delivery timeout, is killed, or was
never there costs time and duplicates, never a record and never the order of first arrival; no
call waits longer than it was told to. Source: DESIGN 5; reliability reference, findings 1 to 4;
fault list F8 to F11, F15, F52.

``test_the_rule_has_its_reason`` shows what kafka-python does by itself. Should it fail one day,
the library was mended and the rule of ``producer.py`` can be thought over.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.errors import KafkaError
from tests.integration.kafka.kit import (
    FORGOTTEN_SOCKETS,
    IMPATIENT,
    PATIENCE_SECONDS,
    Kit,
    first_of_each,
    flush_until_empty,
    read_all,
    read_until_error,
)
from tests.kafka.cluster import KafkaCluster
from tests.kafka.topic import make_topic

from lineseal.schemas.errors import LogError, TooLarge, TopicMissing
from lineseal.schemas.limits import MAX_RECORD_BYTES

pytestmark = pytest.mark.filterwarnings(FORGOTTEN_SOCKETS)
KEYS = ("left", "middle", "right")
STANDSTILL_SECONDS = IMPATIENT["delivery_timeout_ms"] / 1000 + 2


@pytest.fixture
def kit(own_cluster: KafkaCluster, kafka_prefix: str, tmp_path: Path) -> Iterator[Kit]:
    """Give a topic with three partitions on a broker that may be mistreated."""
    with Kit(f"kafka://{own_cluster.bootstrap}/{kafka_prefix}", tmp_path) as made:
        make_topic(made.url(), partitions=3)
        yield made


def numbered(prefix: str, count: int) -> dict[str, list[bytes]]:
    """Return *count* values for each key."""
    return {key: [f"{prefix} {key} {number}".encode() for number in range(count)] for key in KEYS}


def test_a_standstill_longer_than_the_delivery_timeout_costs_only_time(
    kit: Kit, own_cluster: KafkaCluster
) -> None:
    """Records fail, the producer object is given up, a new one delivers all: F9."""
    writer = kit.writer(**IMPATIENT)
    before, during = numbered("before", 20), numbered("during", 100)
    for key, values in before.items():
        for value in values:
            writer.append(key, value)
    assert writer.flush(PATIENCE_SECONDS) == 0

    own_cluster.pause()
    try:
        for key, values in during.items():
            for value in values:
                writer.append(key, value)
        waiting = flush_until_empty(writer, STANDSTILL_SECONDS)
    finally:
        own_cluster.resume()

    assert waiting > 0
    assert writer.rebuilds > 0
    assert flush_until_empty(writer, PATIENCE_SECONDS) == 0
    arrived = first_of_each(read_all(kit.reader()))
    assert arrived == {key: before[key] + during[key] for key in KEYS}


def test_the_rule_has_its_reason(kit: Kit, own_cluster: KafkaCluster) -> None:
    """kafka-python's own producer never delivers again after such a standstill."""
    stuck = kit.foreign_producer(**IMPATIENT, max_block_ms=3000)
    stuck.send(kit.topic, b"before").get(30)
    own_cluster.pause()
    try:
        until = time.monotonic() + STANDSTILL_SECONDS
        while time.monotonic() < until:
            stuck.send(kit.topic, b"during")
            time.sleep(0.05)
    finally:
        own_cluster.resume()

    fresh = stuck.send(kit.topic, b"after")
    time.sleep(6)
    mended = fresh.is_done
    other = kit.foreign_producer(**IMPATIENT, max_block_ms=3000)
    other.send(kit.topic, b"from a new object").get(30)
    other.close(30)
    stuck._sender.force_close()
    with contextlib.suppress(KafkaError):
        stuck.close(5)

    assert not mended


def test_a_killed_broker_that_comes_back_has_everything(
    kit: Kit, own_cluster: KafkaCluster
) -> None:
    """Records handed over before, while and after it is away: F4, F15."""
    writer = kit.writer(**IMPATIENT)
    parts = [numbered(part, 30) for part in ("before", "away", "back")]
    for part in parts:
        for key, values in part.items():
            for value in values:
                writer.append(key, value)
        if part is parts[0]:
            assert flush_until_empty(writer, PATIENCE_SECONDS) == 0
            own_cluster.kill()
        elif part is parts[1]:
            assert writer.flush(1.0) > 0
            own_cluster.restart()

    assert flush_until_empty(writer, PATIENCE_SECONDS) == 0
    arrived = first_of_each(read_all(kit.reader()))
    assert arrived == {key: [value for part in parts for value in part[key]] for key in KEYS}


def test_a_broker_that_is_down_at_the_start_is_no_error(
    kit: Kit, own_cluster: KafkaCluster
) -> None:
    """The writer says how much waits and why; a reader says that it cannot read: F10."""
    own_cluster.kill()
    try:
        writer, reader = kit.writer(**IMPATIENT), kit.reader(**IMPATIENT)
        writer.append("left", b"early")

        assert writer.flush(1.0) == 1
        with pytest.raises(LogError) as caught:
            reader.poll(10, 0.0)
        assert caught.value.retryable
        assert "ECONNREFUSED" in str(caught.value)
        assert "ECONNREFUSED" in str(writer.last_error)
    finally:
        own_cluster.restart()

    assert flush_until_empty(writer, PATIENCE_SECONDS) == 0
    assert [record.value for record in read_all(reader)] == [b"early"]


def test_a_reader_survives_a_standstill(kit: Kit, own_cluster: KafkaCluster) -> None:
    """It says that it cannot read, keeps its place, and goes on."""
    kit.send("left", [b"0", b"1", b"2"])
    reader = kit.reader(**IMPATIENT)
    seen = list(reader.poll(1, 10.0))
    kit.send("left", [b"3"])
    own_cluster.pause()
    try:
        with pytest.raises(LogError) as caught:
            read_until_error(reader, seen)
    finally:
        own_cluster.resume()

    assert caught.value.retryable
    seen += read_all(reader)
    assert [record.value for record in seen] == [b"0", b"1", b"2", b"3"]


@pytest.fixture
def mute() -> Iterator[str]:
    """Give the address of a listener that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(listener.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in kept:
            connection.close()


def test_a_listener_that_never_answers_is_given_up(mute: str, tmp_path: Path) -> None:
    """Within the time a call was given, and a bit: F11."""
    with Kit(f"kafka://{mute}/x", tmp_path) as kit:
        writer = kit.writer(**IMPATIENT)
        writer.append("left", b"value")

        assert writer.flush(1.0) == 1
        with pytest.raises(LogError) as caught:
            kit.reader(**IMPATIENT).poll(10, 0.0)
        assert caught.value.retryable


def test_a_missing_topic_is_an_error_that_waiting_does_not_cure(kit: Kit) -> None:
    """It is said at once, nothing is made by accident, and the record is kept."""
    kit.cluster().admin.delete_topics([kit.topic])
    writer = kit.writer(**IMPATIENT)
    writer.append("left", b"value")

    with pytest.raises(TopicMissing, match="lineseal topics create"):
        flush_until_empty(writer, PATIENCE_SECONDS)
    make_topic(kit.url())

    assert flush_until_empty(writer, PATIENCE_SECONDS) == 0


def test_a_writer_that_had_nothing_to_do_is_not_taken_for_stuck(kit: Kit) -> None:
    """However long it was idle, it goes on with the connection it has."""
    writer = kit.writer(**IMPATIENT)
    writer.append("left", b"value")
    assert writer.flush(PATIENCE_SECONDS) == 0
    time.sleep(STANDSTILL_SECONDS)
    writer.append("left", b"value")
    writer.flush(0.0)

    assert flush_until_empty(writer, PATIENCE_SECONDS) == 0
    assert writer.rebuilds == 0


def test_a_value_over_the_limit_is_refused_here(kit: Kit) -> None:
    """Before it blocks what comes behind it."""
    writer = kit.writer()

    with pytest.raises(TooLarge):
        writer.append("left", bytes(MAX_RECORD_BYTES + 1))
    assert writer.flush(1.0) == 0


def test_a_forked_child_cannot_use_its_parents_writer(kit: Kit) -> None:
    """kafka-python would take its records and send none of them: F52."""
    writer = kit.writer()
    writer.append("left", b"parent")
    assert writer.flush(PATIENCE_SECONDS) == 0

    child = os.fork()
    if child == 0:
        try:
            writer.append("left", b"child")
        except LogError:
            os._exit(7)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
