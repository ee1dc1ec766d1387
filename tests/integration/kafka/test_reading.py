"""A reader of Kafka never skips a record silently, and says exactly what it cannot have.

What is promised: times are the broker's or none; an empty answer means the end; what the broker
deleted or lost is named by stream and range, and reading goes on behind it once told to; a topic
that was made anew is noticed; a record that the client cannot take apart does not stop the
others. Source: DESIGN 6; attack table A24, A40, A41; fault list F12, F13.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.record import default_records
from kafka.structs import TopicPartition
from tests.integration.kafka.kit import (
    IMPATIENT,
    PATIENCE_SECONDS,
    Kit,
    read_all,
    read_until_error,
)
from tests.kafka.topic import make_topic

from lineseal.schemas.errors import (
    BrokerTruncation,
    LogRefused,
    RecordUnreadable,
    TopicMissing,
    TopicReplaced,
)
from lineseal.transport.kafka import reader as reader_module
from lineseal.transport.kafka.topics import MAX_MESSAGE_BYTES

SECOND = 1_000_000
PRODUCER: Any = KafkaProducer


def set_topic(kit: Kit, **settings: str) -> None:
    """Change settings of the topic of events."""
    wanted = {name.replace("_", "."): value for name, value in settings.items()}
    resource = ConfigResource(ConfigResourceType.TOPIC, kit.topic, wanted)
    admin = kit.cluster().admin
    admin.alter_configs([resource])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        current = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, kit.topic)])
        told = current["topic"][kit.topic]
        if all(told.get(name, {}).get("value") == value for name, value in wanted.items()):
            return
        time.sleep(0.05)
    raise AssertionError(f"the broker did not take {wanted}")


def test_a_record_carries_the_brokers_time(real_kit: Kit) -> None:
    """With LogAppendTime, in microseconds; nobody else can choose it."""
    with_their_time = real_kit.foreign_producer()
    with_their_time.send(real_kit.topic, b"event", key=b"fraud", timestamp_ms=1).get(30)
    with_their_time.close()

    (record,) = read_all(real_kit.reader())

    assert record.logged_at is not None
    assert abs(record.logged_at - time.time() * SECOND) < 3600 * SECOND


def test_a_time_the_producer_chose_is_not_told(real_kit: Kit) -> None:
    """With CreateTime nothing is proved, so nothing is said."""
    set_topic(real_kit, message_timestamp_type="CreateTime")
    real_kit.send("fraud", [b"event"])

    (record,) = read_all(real_kit.reader())

    assert record.logged_at is None


def test_records_deleted_before_they_were_read_are_named(real_kit: Kit) -> None:
    """The exact range, again at every try, and reading goes on behind it when told to."""
    real_kit.send("fraud", [b"%d" % number for number in range(10)])
    reader = real_kit.reader()
    first = reader.poll(3, 5.0)
    real_kit.cluster().admin.delete_records({TopicPartition(real_kit.topic, 0): 7})
    again = real_kit.reader()
    again.seek({record.stream: record.next_position for record in first})

    with pytest.raises(BrokerTruncation):
        again.poll(10, 5.0)
    with pytest.raises(BrokerTruncation) as caught:
        again.poll(10, 5.0)
    assert (caught.value.first, caught.value.last) == (3, 6)
    again.seek({caught.value.stream: caught.value.resume})

    assert [record.value for record in read_all(again)] == [b"7", b"8", b"9"]


def test_records_deleted_under_a_reader_are_named(real_kit: Kit) -> None:
    """Also when it is connected and at work."""
    real_kit.send("fraud", [bytes(1_000_000) for _ in range(20)])
    reader = real_kit.reader()
    seen = list(reader.poll(1, 5.0))
    real_kit.cluster().admin.delete_records({TopicPartition(real_kit.topic, 0): 18})

    with pytest.raises(BrokerTruncation) as caught:
        read_until_error(reader, seen)

    # What was fetched before still comes.
    assert [record.position for record in seen] == list(range(caught.value.first))
    assert caught.value.last == 17


def test_a_log_shorter_than_what_was_read_is_noticed(real_kit: Kit) -> None:
    """Its numbers would be given to other records, and those be skipped."""
    real_kit.send("fraud", [b"0", b"1"])
    reader = real_kit.reader()
    reader.seek({f"{real_kit.topic}/0": 5})

    with pytest.raises(BrokerTruncation) as caught:
        reader.poll(10, 5.0)

    assert (caught.value.first, caught.value.last, caught.value.resume) == (2, 4, 2)


def test_a_topic_made_anew_is_noticed(real_kit: Kit) -> None:
    """By its id: in a running reader, and in one that is given what was read before."""
    real_kit.send("fraud", [b"old"])
    reader = real_kit.reader()
    (record,) = read_all(reader)
    admin = real_kit.cluster().admin
    admin.delete_topics([real_kit.topic])
    deadline = time.monotonic() + 30
    while real_kit.cluster().exists(real_kit.topic) and time.monotonic() < deadline:
        time.sleep(0.1)
    make_topic(real_kit.url())
    real_kit.send("fraud", [b"new", b"newer"])

    # As a reader does by itself every few seconds.
    reader.seek({record.stream: record.next_position})
    for each in (reader, real_kit.reader(identity=reader.identity)):
        with pytest.raises(TopicReplaced, match="cannot be continued"):
            read_all(each)


def test_a_missing_topic_is_named(real_kit: Kit) -> None:
    """With what to do about it, and at once."""
    missing = real_kit.url()
    reader = reader_module.KafkaLogReader(missing, "alerts")

    with pytest.raises(TopicMissing, match="lineseal topics create"):
        reader.poll(10, 0.0)
    reader.close()


def test_new_partitions_are_read(real_kit: Kit) -> None:
    """From their first record, by a reader that started before they were made."""
    reader = real_kit.reader()
    assert not read_all(reader)
    cluster = real_kit.cluster()
    cluster.admin.create_partitions({real_kit.topic: 4})
    values = [b"%d" % number for number in range(40)]
    deadline = time.monotonic() + 30
    while len(cluster.view(real_kit.topic).partitions) < 4 and time.monotonic() < deadline:
        time.sleep(0.1)
    writer = real_kit.writer()
    for number, value in enumerate(values):
        writer.append(f"producer {number}", value)
    assert writer.flush(30) == 0
    reader.seek({})

    records = read_all(reader)

    assert sorted(values) == sorted(record.value for record in records)
    assert len({record.stream for record in records}) > 1


def test_the_end_is_reached_behind_a_transactions_markers(real_kit: Kit) -> None:
    """They take numbers in the log and are no records."""
    theirs = real_kit.foreign_producer(transactional_id=real_kit.topic, api_version=(2, 8))
    theirs.init_transactions()
    for value in (b"one", b"two"):
        theirs.begin_transaction()
        theirs.send(real_kit.topic, value, key=b"fraud")
        theirs.commit_transaction()
    theirs.close()

    assert [record.value for record in read_all(real_kit.reader())] == [b"one", b"two"]


def test_a_topic_of_ours_holds_nothing_compressed(real_kit: Kit) -> None:
    """A bomb is refused where it unpacks: at the broker, not in every reader."""
    theirs = real_kit.foreign_producer(
        compression_type="gzip", enable_idempotence=False, max_request_size=1 << 28
    )
    bomb = theirs.send(real_kit.topic, bytes(50 * MAX_MESSAGE_BYTES), key=b"fraud")
    with pytest.raises(Exception, match="MessageSizeTooLarge"):
        bomb.get(30)
    theirs.send(real_kit.topic, b"small", key=b"fraud").get(30)
    theirs.close()

    assert [record.value for record in read_all(real_kit.reader())] == [b"small"]


def test_a_record_that_cannot_be_unpacked_is_named(
    real_kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what lies behind it is read once the reader is told to go on."""
    set_topic(real_kit, compression_type="producer")
    real_kit.send("fraud", [b"before"])
    send_with_zstd(real_kit, b"packed" + bytes(1000), monkeypatch)
    real_kit.send("fraud", [b"after"])
    reader = real_kit.reader()

    assert [record.value for record in reader.poll(10, 5.0)] == [b"before"]
    with pytest.raises(RecordUnreadable) as caught:
        reader.poll(10, 5.0)
    reader.seek({caught.value.stream: caught.value.resume})

    assert (caught.value.first, caught.value.last) == (1, 1)
    assert [record.value for record in read_all(reader)] == [b"after"]


def send_with_zstd(kit: Kit, value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send one record in a batch packed with a codec this client does not have."""

    def zstd_frame(data: bytes) -> bytes:
        # RFC 8878: magic, descriptor (single segment, 4-byte size), size; one block as it is,
        # and a last one that repeats a zero byte.
        head = data.rstrip(b"\0")
        blocks = (len(head) << 3).to_bytes(3, "little") + head
        blocks += ((len(data) - len(head)) << 3 | 0b011).to_bytes(3, "little") + b"\0"
        return b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little") + blocks

    with monkeypatch.context() as patch:
        patch.setattr(default_records, "zstd_encode", zstd_frame)
        patch.setattr("kafka.codec.has_zstd", lambda: True)
        patch.setitem(
            PRODUCER._COMPRESSORS,
            "zstd",
            (lambda: True, default_records.DefaultRecordBatchBuilder.CODEC_ZSTD),
        )
        theirs = kit.foreign_producer(compression_type="zstd")
        theirs.send(kit.topic, value, key=b"fraud").get(30)
        theirs.close()


def test_a_record_over_the_topics_limit_is_refused_and_kept(real_kit: Kit) -> None:
    """The writer says what to change, and delivers once it is changed."""
    set_topic(real_kit, max_message_bytes="10000")
    writer = real_kit.writer(**IMPATIENT)
    writer.append("fraud", bytes(20_000))

    with pytest.raises(LogRefused, match=r"max\.message\.bytes"):
        writer.flush(30)
    set_topic(real_kit, max_message_bytes=str(MAX_MESSAGE_BYTES))

    assert writer.flush(30) == 0
    assert [bytes(20_000)] == [record.value for record in read_all(real_kit.reader())]
