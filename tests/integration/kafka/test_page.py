"""docs/kafka.md is true: what it tells one to type works, against a real broker.

What is promised: every marked block runs, in order, in an empty folder, and prints what the page
shows; ``compose.yaml`` configures a broker that starts; every option of the URL is explained.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests import readme
from tests.kafka.choice import Server
from tests.kafka.cluster import KafkaCluster

from lineseal.transport.kafka.options import OPTION_NAMES

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "kafka.md").read_text("utf-8")


def test_what_the_page_says_works(
    kafka_server: Server, kafka_prefix: str, real_broker: None, tmp_path: Path
) -> None:
    """Only the broker's address and the prefix are replaced."""
    url = "kafka://localhost:9092/lineseal"
    assert url in PAGE
    page = PAGE.replace(url, kafka_server.url(kafka_prefix))

    for block, printed in readme.play(page, tmp_path):
        assert readme.lasting(block.text) == readme.lasting(printed)


def test_every_option_of_the_url_is_explained() -> None:
    """And none is invented."""
    table = PAGE.partition("## The URL")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(OPTION_NAMES)


def test_the_compose_file_configures_a_broker_that_starts(
    kafka_classpath: str, tmp_path: Path
) -> None:
    """Its settings, as the image turns them into properties, on other ports and folders."""
    text = (ROOT / "compose.yaml").read_text("utf-8")
    variables = re.findall(r"^ +KAFKA_(\w+): \"?([^\"\n]+)\"?$", text, re.MULTILINE)
    given = {name.lower().replace("_", "."): value for name, value in variables}
    elsewhere = ("listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs")
    settings = {name: value for name, value in given.items() if name not in elsewhere}

    assert len(settings) == len(given) - len(elsewhere)
    with KafkaCluster(kafka_classpath, tmp_path / "kafka", settings=settings) as cluster:
        assert cluster.bootstrap
