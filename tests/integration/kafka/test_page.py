"""docs/kafka.md is true: what it tells one to type works, against a real broker.

What is promised: every marked block runs, in order, in an empty folder, and prints what the page
shows; ``compose.yaml`` configures a broker that starts; every option of the URL is explained.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack
from pathlib import Path

from tests import readme
from tests.integration.kafka.kit import PATIENCE_SECONDS
from tests.integration.kafka.site import Site
from tests.integration.service.kit import Service
from tests.kafka.choice import Server
from tests.kafka.cluster import KafkaCluster

from lineseal.transport.kafka.options import OPTION_NAMES

ROOT = Path(__file__).resolve().parents[3]
COUNT = "SELECT count(*) AS n FROM event"
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


def test_what_the_readme_says_works(
    kafka_server: Server, real_broker: None, tmp_path: Path
) -> None:
    """Its section, to the letter but for the broker's address; the last two commands go on."""
    section = (ROOT / "README.md").read_text("utf-8").partition("## With Kafka\n")[2]
    section = section.partition("\n## ")[0]
    (setting,) = re.findall(r'url = "(kafka://\S+)"', section)
    lines = re.findall(r"^lineseal (.+?)(?: +#.*)?$", section, re.MULTILINE)
    create, *services = [line.split() for line in lines]
    site = Site(tmp_path, "")
    del site.environment["LINESEAL_LOG__URL"]
    url = setting.replace("broker:9092/lineseal", f"{kafka_server.bootstrap}/readme-{os.getpid()}")
    config = site.home / "lineseal.toml"
    config.write_text(config.read_text("utf-8").replace("embedded:log", url), "utf-8")
    site.run(*create)
    with ExitStack() as stack:
        running = [stack.enter_context(Service(site.home, *each)) for each in services]
        site.run("emit", "registration", "--subject", "dataset:lake/t@1", "--owner", "data")
        deadline = time.monotonic() + PATIENCE_SECONDS
        running[-1].wait_until_it_answers()
        while site.run("sql", COUNT, "--output", "csv").stdout.split() != ["n", "1"]:
            assert time.monotonic() < deadline
        statuses = [each.stop() for each in running]

    assert url != setting
    assert len(section.strip().splitlines()) <= 12
    assert (create, services) == (["topics", "create"], [["relay"], ["materialise", "--follow"]])
    assert statuses == [0, 0]


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
