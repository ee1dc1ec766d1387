"""The consumer cannot tell which log the batches came through.

What is promised: the very same sealed batches give byte for byte the same answers, whether they
were read from the embedded log or shipped by the relay and read from Kafka. Source: DESIGN 2;
docs/kafka.md.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

from tests import warm
from tests.integration.alert_records import verified
from tests.integration.kafka.kit import Kit, read_all
from tests.kafka.topic import make_topic

from lineseal.demo.questions import UNCOMMITTED
from lineseal.demo.story import CLEAN_MODEL, FEED, POISONED_MODEL
from lineseal.settings import Home
from lineseal.transport.base import ALERTS_TOPIC
from lineseal.transport.embedded import EmbeddedLogReader
from lineseal.transport.kafka import KafkaLogReader

QUESTIONS = (
    ("trace", POISONED_MODEL),
    ("trace", CLEAN_MODEL),
    ("impact", FEED, "--all-models"),
    ("producers",),
    ("rejects",),
)
ALERTS = ("alerts", "--all")


def answers(source: Path, home: Path, **settings: str) -> dict[tuple[str, ...], str]:
    """Materialise the log of *source* from *home*, where nothing was yet, and ask everything."""
    # With the checkpoints of the demo's own store a new one would be a store rolled back.
    shutil.copytree(source, home, ignore=shutil.ignore_patterns("store", "checkpoints"))
    environment = {**os.environ, "LINESEAL_HOME": str(home), **settings}

    def run(*command: str) -> str:
        done = warm.run(*command, env=environment)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    run("materialise", "--once")
    return {question: run(*question, "--json") for question in (*QUESTIONS, ALERTS)}


def raised(answer: str) -> list[tuple[object, ...]]:
    """Return which alerts stand and what they say; when they were written is left out."""
    names = ("id", "rule", "subject", "status", "count", "first_seen", "last_seen", "reasons")
    return sorted(tuple(str(row[name]) for name in names) for row in json.loads(answer)["rows"])


def test_both_logs_give_the_same_answers(
    demo: dict[str, Any], real_kit: Kit, tmp_path: Path
) -> None:
    """A whole demo: models, verdicts, chains, and the alerts, which reach their topic signed."""
    home = tmp_path / ".lineseal"
    shutil.copytree(demo["home"], home)
    environment = {**os.environ, "LINESEAL_HOME": str(home)}
    done = warm.run("relay", "--once", "--url", real_kit.text, env=environment)
    assert done.returncode == 0, done.stderr
    embedded = EmbeddedLogReader(home / "log" / "events")
    shipped = sorted(record.value for record in read_all(real_kit.reader()))
    assert shipped == sorted(record.value for record in read_all(embedded))

    make_topic(real_kit.url(), ALERTS_TOPIC)
    through_files = answers(home, tmp_path / "files" / ".lineseal")
    through_kafka = answers(home, tmp_path / "kafka" / ".lineseal", LINESEAL_LOG__URL=real_kit.text)

    alerts = raised(through_kafka[ALERTS])
    with closing(KafkaLogReader(real_kit.url(), ALERTS_TOPIC)) as reader:
        told = verified(read_all(reader), Home(tmp_path / "kafka" / ".lineseal"))

    assert {q: through_files[q] for q in QUESTIONS} == {q: through_kafka[q] for q in QUESTIONS}
    assert "affected" in through_kafka[QUESTIONS[2]]
    assert alerts == raised(through_files[ALERTS])
    assert {rule for _, rule, *_ in alerts} - {UNCOMMITTED} == {"DP-006", "DP-024"}
    assert {said["alert"]["alert_id"] for said in told if "alert" in said} == {
        alert_id for alert_id, *_ in alerts
    }
