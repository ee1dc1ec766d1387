"""A hostile batch costs a reader bounded memory, is named, and hides nothing behind it: A24."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from tests.integration.kafka.kit import Kit, read_all

from lineseal.schemas.errors import RecordUnreadable

BOMB_BYTES = 160 * 1024 * 1024
ALLOWED_KIB = 80 * 1024
"""How much more memory than before the reader may have had at its peak."""
READER = """
import resource, sys
from pathlib import Path
from lineseal.schemas.errors import RecordUnreadable
from lineseal.transport.kafka import KafkaLogReader, parse_kafka_url

reader = KafkaLogReader(parse_kafka_url(sys.argv[1], Path(".")))
seen = [each.value for each in reader.poll(1, 10.0)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(10):
    try:
        found = reader.poll(10, 5.0)
    except RecordUnreadable as error:
        print(error.first, error.last, error)
        reader.seek({error.stream: error.resume})
        continue
    seen += [each.value for each in found]
    if b"after" in seen:
        break
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(seen)
reader.close()
"""


@pytest.fixture
def hostile(real_kit: Kit) -> Kit:
    """Give a topic somebody else made: it keeps what is compressed as it came."""
    resource = ConfigResource(
        ConfigResourceType.TOPIC, real_kit.topic, {"compression.type": "producer"}
    )
    real_kit.cluster().admin.alter_configs([resource])
    return real_kit


def send_packed(kit: Kit, *values: bytes) -> None:
    """Send *values* as one gzip batch, as anybody who may write the topic can."""
    theirs = kit.foreign_producer(
        compression_type="gzip",
        enable_idempotence=False,
        max_request_size=1 << 29,
        batch_size=1 << 29,
        linger_ms=500,
    )
    futures = [theirs.send(kit.topic, value, key=b"fraud", partition=0) for value in values]
    for future in futures:
        future.get(60)
    theirs.close()


def test_a_bomb_is_refused_in_bounded_memory(hostile: Kit) -> None:
    """The reader may use less than the bomb unpacks to, and reads what lies behind it."""
    hostile.send("fraud", [b"before"])
    send_packed(hostile, bytes(BOMB_BYTES))
    hostile.send("fraud", [b"after"])
    done = subprocess.run(
        [sys.executable, "-c", READER, hostile.text],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert "1 1 " in done.stdout
    assert "unpacks to more than" in done.stdout
    assert int(done.stdout.splitlines()[-2]) < ALLOWED_KIB
    assert done.stdout.splitlines()[-1] == "[b'before', b'after']"


def test_all_records_of_a_bomb_are_skipped_together(hostile: Kit) -> None:
    """A batch of a thousand is one finding with its exact range, not a thousand."""
    send_packed(hostile, *(bytes(40_000) for _ in range(1000)))
    hostile.send("fraud", [b"after"])
    with closing(hostile.reader()) as reader:
        with pytest.raises(RecordUnreadable) as caught:
            reader.poll(10, 10.0)
        reader.seek({caught.value.stream: caught.value.resume})
        records = read_all(reader)

    assert (caught.value.first, caught.value.last) == (0, 999)
    assert [record.value for record in records] == [b"after"]


def test_an_honest_compressed_batch_is_read(hostile: Kit) -> None:
    """Record by record, in order."""
    values = [bytes([number]) * 1000 for number in range(50)]
    send_packed(hostile, *values)

    assert [record.value for record in read_all(hostile.reader())] == values
