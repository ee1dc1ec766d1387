"""What the materialiser says about itself arrives in Kafka: receipts for producers, and rejects.

What is promised: batches that the broker took and no store has are visible to their producer;
every reject is published at least once, with its bytes and code, however often the materialiser is
killed; a second materialiser of one store ends at once and says who has it. Source: DESIGN 2, 6, 7.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.integration.kafka.kit import PATIENCE_SECONDS, Kit, read_all
from tests.integration.kafka.site import Site
from tests.kafka.topic import make_topic

from lineseal.transport.base import RECEIPTS_TOPIC, REJECTS_TOPIC
from lineseal.transport.kafka import KafkaLogReader

KILLS = 4
JUNK = 300


@pytest.fixture
def site(real_kit: Kit, tmp_path: Path) -> Site:
    """Give a home that ships to an empty topic, with all topics made."""
    for name in (REJECTS_TOPIC, RECEIPTS_TOPIC):
        make_topic(real_kit.url(), name)
    return Site(tmp_path / "site", real_kit.text)


def row(site: Site, *options: str, status: int = 0) -> dict[str, Any]:
    """Return what ``outbox status`` says about the one outbox."""
    done = site.run("outbox", "status", "--json", *options, status=status)
    (found,) = json.loads(done.stdout)["rows"]
    return dict(found)


def test_a_producer_sees_what_was_taken_and_never_materialised(site: Site) -> None:
    """First nobody shipped, then nobody materialised, then all is well and may be pruned: A16."""
    site.run("emit", "registration", "--subject", "dataset:lake/t@1", "--owner", "data")
    sealed = row(site)
    site.run("relay", "--once")
    taken = row(site, "--max-age", "0", status=1)
    early = site.run("outbox", "prune").stderr
    site.run("materialise")
    confirmed = row(site, "--max-age", "0")

    assert (sealed["shipped"], sealed["confirmed"]) == (0, 0)
    assert (taken["shipped"], taken["confirmed"]) == (taken["batches"], 0)
    assert taken["oldest_unconfirmed_s"] >= 0
    assert "pruned 0" in early
    assert confirmed["shipped"] == confirmed["confirmed"] == taken["batches"]


def test_every_reject_is_published_however_often_the_materialiser_is_killed(
    site: Site, real_kit: Kit
) -> None:
    """At least once, with its number, its code and exactly its bytes."""
    noise = random.Random(4)  # noqa: S311 - noise, not a secret
    junk = [noise.randbytes(40) for _ in range(JUNK)]
    site.run("materialise")  # a store there is, however early the kills come
    for part in range(KILLS):
        real_kit.send("mallory", junk[part::KILLS])
        child = subprocess.Popen(
            [sys.executable, "-m", "lineseal.commandline", "materialise", "--follow"],
            env=site.environment,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(noise.uniform(1.5, 4))
        child.kill()
        child.wait()
    site.run("materialise", status=1 if rejects_left(site) else 0)

    with closing(KafkaLogReader(real_kit.url(), REJECTS_TOPIC)) as reader:
        records = [each.value.partition(b"\n") for each in read_all(reader)]
    found = {json.loads(head)["reject_id"]: raw for head, _, raw in records}
    codes = {json.loads(head)["code"] for head, _, _ in records}
    assert sorted(found) == list(range(JUNK))
    assert sorted(found.values()) == sorted(junk)
    assert codes == {"MALFORMED"}


def rejects_left(site: Site) -> bool:
    """Return True when the store has not all of the junk yet."""
    done = site.run("sql", "SELECT count(*) n FROM reject", "--output", "csv")
    return int(done.stdout.split()[1]) < JUNK


def test_a_second_materialiser_of_one_store_ends_at_once(site: Site) -> None:
    """With the code that says so, and the process that has the store."""
    site.run("emit", "registration", "--subject", "dataset:lake/t@1", "--owner", "data")
    first = site.job(
        "import sys; from lineseal.consumers.cli import materialise;"
        " from lineseal.consumers.store import Store;"
        " from pathlib import Path;"
        f" s = Store(Path({str(site.home / 'store' / 'lineseal.duckdb')!r}),"
        f" deployment={deployment(site)!r});"
        " s.__enter__(); print('open', flush=True); sys.stdin.read()"
    )
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        begun = time.monotonic()
        second = subprocess.run(
            [sys.executable, "-m", "lineseal.commandline", "materialise", "--follow"],
            env=site.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    finally:
        first.send_signal(signal.SIGKILL)
        first.communicate()

    assert second.returncode not in (0, 70)
    assert "STORE_BUSY" in second.stderr
    assert f"process {first.pid} has" in second.stderr
    assert time.monotonic() - begun < PATIENCE_SECONDS


def deployment(site: Site) -> str:
    """Return the name of the deployment."""
    import tomllib

    document = tomllib.loads((site.home / "lineseal.toml").read_text("utf-8"))
    return str(document["deployment"]["name"])
