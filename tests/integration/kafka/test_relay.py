"""The relay ships every sealed batch, byte for byte, whatever becomes of it or of the broker.

What is promised: killed at any moment, it loses nothing and what it sends twice is stored once;
SIGTERM ends it in order; there is one of it per home; it never takes one topic for another; its
exit status and words say what happened. Source: DESIGN 5; fault list F3, F10, F12.
"""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.integration.kafka.kit import (
    FORGOTTEN_SOCKETS,
    PATIENCE_SECONDS,
    Kit,
    first_of_each,
    read_all,
)
from tests.integration.kafka.outboxes import Outboxes, wait_for_records
from tests.kafka.cluster import KafkaCluster
from tests.kafka.topic import make_topic

from lineseal.consumers.materialise import Materialiser
from lineseal.transport.relay import RelayCursor

pytestmark = pytest.mark.filterwarnings(FORGOTTEN_SOCKETS)
PRODUCERS = ("ingest", "label/eu", "person:älice", "train")
KILLS = 4


@pytest.fixture
def outboxes(real_kit: Kit, tmp_path: Path) -> Outboxes:
    """Give a home with empty outboxes that ships to an empty topic."""
    return Outboxes(tmp_path / "site", real_kit)


def test_killed_again_and_again_it_loses_nothing(outboxes: Outboxes) -> None:
    """All batches arrive, in order; those that arrive twice are stored once: F3."""
    outboxes.fill(PRODUCERS, 400)
    held = 0
    for _ in range(KILLS):
        with outboxes.start_relay("--follow") as relay:
            held = wait_for_records(outboxes.kit, held + 150)
            relay.kill()
    status, said = outboxes.relay("--once")
    records = read_all(outboxes.kit.reader())

    assert status == 0, said
    assert first_of_each(records) == outboxes.sealed
    with outboxes.pipeline.open_store() as store:
        reader = outboxes.kit.reader()
        pipeline = outboxes.pipeline
        materialiser = Materialiser(
            store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        report = materialiser.step()
        while not (step := materialiser.step()).idle:
            report += step
    assert (report.batches, report.rejected) == (outboxes.total, 0)
    assert report.duplicates == len(records) - outboxes.total


def test_sigterm_ends_it_in_order(outboxes: Outboxes) -> None:
    """What arrived is remembered, so the next relay has nothing to do."""
    outboxes.fill(PRODUCERS[:2], 30)
    relay = outboxes.start_relay("--follow")
    wait_for_records(outboxes.kit, outboxes.total)
    relay.send_signal(signal.SIGTERM)
    _, said = relay.communicate(timeout=PATIENCE_SECONDS)

    assert relay.returncode == 0, said
    assert "60 batches shipped, 0 waiting" in said
    assert "\n0 batches shipped" in "\n" + outboxes.relay("--once")[1]
    assert len(read_all(outboxes.kit.reader())) == outboxes.total


def test_it_follows_outboxes_that_come_later(outboxes: Outboxes) -> None:
    """Also a producer's next file."""
    relay = outboxes.start_relay("--follow")
    outboxes.fill(PRODUCERS, 5)
    wait_for_records(outboxes.kit, outboxes.total)
    outboxes.fill(("late",), 5)
    wait_for_records(outboxes.kit, outboxes.total)
    relay.send_signal(signal.SIGTERM)
    relay.communicate(timeout=PATIENCE_SECONDS)

    assert first_of_each(read_all(outboxes.kit.reader())) == outboxes.sealed


def test_a_second_relay_of_one_home_is_refused(outboxes: Outboxes) -> None:
    """With status 5 and what is the matter."""
    outboxes.fill(PRODUCERS[:1], 1)
    with closing(RelayCursor.open(outboxes.home / "log")):
        status, said = outboxes.relay("--once")

    assert status == 5
    assert "RELAY_BUSY" in said


def test_a_topic_made_anew_stops_it(outboxes: Outboxes) -> None:
    """Until somebody decides to send everything again: F12."""
    outboxes.fill(PRODUCERS, 10)
    assert outboxes.relay("--once")[0] == 0
    kit = outboxes.kit
    admin = kit.cluster().admin
    admin.delete_topics([kit.topic])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while kit.cluster().exists(kit.topic) and time.monotonic() < deadline:
        time.sleep(0.1)
    make_topic(kit.url())
    outboxes.fill(("late",), 1)

    for mode in ("--once", "--follow"):
        status, said = outboxes.relay(mode)
        assert status == 1
        assert "TOPIC_REPLACED" in said
    assert outboxes.relay("--once", "--resend")[0] == 0
    assert first_of_each(read_all(kit.reader())) == outboxes.sealed


def test_without_a_broker_it_ends_in_time(tmp_path: Path) -> None:
    """With status 5; the outbox keeps everything."""
    with Kit("kafka://127.0.0.1:1/x?request_timeout_ms=1000", tmp_path) as kit:
        outboxes = Outboxes(tmp_path / "site", kit)
        outboxes.fill(PRODUCERS[:1], 2)
        status, said = outboxes.relay("--once", "--timeout", "2")

    assert status == 5
    assert "ECONNREFUSED" in said
    assert "0 batches shipped, 2 waiting" in said


def test_a_log_that_is_not_in_kafka_needs_no_relay(tmp_path: Path) -> None:
    """Status 2 and what to set."""
    with Kit("embedded:log", tmp_path) as kit:
        status, said = Outboxes(tmp_path / "site", kit).relay("--once")

    assert status == 2
    assert "kafka://" in said


def test_it_waits_for_a_broker_that_is_down(
    own_cluster: KafkaCluster, kafka_prefix: str, tmp_path: Path
) -> None:
    """It says so once, and ships when the broker is back: F10."""
    with Kit(f"kafka://{own_cluster.bootstrap}/{kafka_prefix}", tmp_path) as kit:
        make_topic(kit.url())
        outboxes = Outboxes(tmp_path / "site", kit)
        outboxes.fill(PRODUCERS, 10)
        own_cluster.kill()
        try:
            relay = outboxes.start_relay("--follow")
            first = lines_until(relay, "cannot ship")
        finally:
            own_cluster.restart()
        wait_for_records(kit, outboxes.total)
        relay.send_signal(signal.SIGTERM)
        _, rest = relay.communicate(timeout=PATIENCE_SECONDS)

        assert "trying again" in first
        assert "cannot ship" not in rest.partition("shipping again")[2]
        assert first_of_each(read_all(kit.reader())) == outboxes.sealed


def lines_until(process: subprocess.Popen[str], text: str) -> str:
    """Read what *process* says until a line holds *text*; return that line."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"{text!r} was never said")
