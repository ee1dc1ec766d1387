"""The trace of a batch travels beside it in a header, and no header is believed.

What is promised: ``traceparent`` names the span in which the batch's first event was emitted; what
a record says in its headers changes nothing in the store. Source: W3C Trace Context; DESIGN 4.2.
"""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer
from tests.integration.kafka.kit import PATIENCE_SECONDS, Kit
from tests.integration.kafka.site import Site

TRACED_JOB = """
from opentelemetry.sdk.trace import TracerProvider
from lineseal.producers import Emitter
with Emitter.from_env(strict=True) as emitter:
    with TracerProvider().get_tracer("job").start_as_current_span("train") as span:
        emitter.register("dataset:lake/t@1", owner="data")
        emitter.flush()
        context = span.get_span_context()
    print(f"00-{context.trace_id:032x}-{context.span_id:016x}-01")
"""
LIES = [("traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01")]
FLOOD = [(f"header-{number}", b"x" * 500) for number in range(200)]


@pytest.fixture
def site(real_kit: Kit, tmp_path: Path) -> Site:
    """Give a home that ships to an empty topic."""
    return Site(tmp_path / "site", real_kit.text)


def records(kit: Kit) -> list[Any]:
    """Read the topic with the client itself."""
    consumer = KafkaConsumer(
        kit.topic,
        bootstrap_servers=list(kit.url().servers),
        auto_offset_reset="earliest",
        consumer_timeout_ms=3000,
    )
    with closing(consumer):
        return list(consumer)


def test_the_header_names_the_span_of_the_first_event(site: Site, real_kit: Kit) -> None:
    """The batch that ends the epoch holds no event, and has no header."""
    with site.job(TRACED_JOB) as job:
        said, trouble = job.communicate(timeout=PATIENCE_SECONDS)
    assert job.returncode == 0, trouble
    site.run("relay", "--once")
    found = records(real_kit)

    assert [dict(record.headers) for record in found] == [
        {"traceparent": said.strip().encode()},
        {},
    ]


def test_no_header_is_believed(site: Site, real_kit: Kit) -> None:
    """The very batches, under other headers, are the very same rows."""
    site.run("emit", "registration", "--subject", "dataset:lake/t@1", "--owner", "data")
    site.run("relay", "--once")
    with closing(real_kit.foreign_producer()) as producer:
        for record in records(real_kit):
            for headers in (LIES, FLOOD):
                producer.send(real_kit.topic, key=record.key, value=record.value, headers=headers)
        producer.flush()
    done = json.loads(site.run("materialise", "--json").stdout)["rows"][0]
    row = json.loads(site.run("sql", "SELECT trace_id, span_id FROM event", "--json").stdout)

    assert (done["events"], done["rejected"]) == (1, 0)
    assert done["duplicates"] == 2 * done["batches"]
    assert [(each["trace_id"], each["span_id"]) for each in row["rows"]] == [(None, None)]
