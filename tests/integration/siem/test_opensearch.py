"""What was confirmed is in a real OpenSearch, once, and its gap query finds what is not.

What is promised: a second sending makes no second document; a document that the index cannot take
becomes a dead letter and holds up nothing; the query of docs/siem/elastic.md counts.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.siem.documents import shipments
from tests.siem.hostile import PIECES
from tests.siem.opensearch import OpenSearch
from tests.siem.shipping import forward, ids, sink
from tests.siem.world import World

from lineseal.consumers.sinks.base import Outcome

RECORDS = 700
PAGE = Path(__file__).parents[3] / "docs" / "siem" / "elastic.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[OpenSearch]:
    """Run a node."""
    with OpenSearch(tmp_path_factory.mktemp("opensearch")) as running:
        yield running


def world_of(server: OpenSearch, folder: Path, index: str, records: int = 0) -> World:
    """Return a feed whose sink writes into *index*."""
    return World(folder, records, kind="opensearch", url=server.url, index=index)


def test_everything_that_was_confirmed_is_there_once(server: OpenSearch, tmp_path: Path) -> None:
    """Ids and numbers; also when everything is sent a second time."""
    world = world_of(server, tmp_path, "once", RECORDS)

    world.drain()
    again = World(tmp_path / "again", 0, kind="opensearch", url=server.url, index="once")
    again.add(RECORDS)
    again.drain()

    assert (world.state.trouble, world.state.confirmed) == (None, RECORDS)
    expected = sorted(zip(world.uids, range(1, RECORDS + 1), strict=True))
    found = server.documents("once")
    assert sorted((each["event"]["id"], each["lineseal"]["feed_seq"]) for each in found) == expected
    world.close()
    again.close()


def test_a_hostile_text_is_stored_as_it_was_sent(server: OpenSearch, tmp_path: Path) -> None:
    """One document for each record, equal to what was rendered."""
    world = world_of(server, tmp_path, "hostile")
    batch = shipments("ecs", "".join(PIECES))

    receipts = world.sink.send(batch)

    assert {each.outcome for each in receipts} == {Outcome.OK}
    stored = sorted(json.dumps(each, sort_keys=True) for each in server.documents("hostile"))
    assert stored == sorted(json.dumps(json.loads(each.text), sort_keys=True) for each in batch)
    world.close()


def test_what_the_index_cannot_take_is_a_dead_letter_and_holds_up_nothing(
    server: OpenSearch, tmp_path: Path
) -> None:
    """A mapping that somebody made otherwise: the item is refused, the others are there."""
    mapping = {"mappings": {"properties": {"event": {"properties": {"id": {"type": "long"}}}}}}
    server.ask("PUT", "/conflict", mapping)
    world = world_of(server, tmp_path, "conflict", 3)

    world.drain()

    assert world.state.dead == 3
    assert server.documents("conflict") == []
    world.close()


def test_the_query_of_the_page_finds_the_gap(server: OpenSearch, tmp_path: Path) -> None:
    """As many numbers as the range is long, or something is missing."""
    world = world_of(server, tmp_path, "lineseal", 50)
    world.drain()
    found = server.documents("lineseal")
    lost = next(each for each in found if each["lineseal"]["feed_seq"] == 20)

    before = counted(server)
    server.ask("DELETE", f"/lineseal/_doc/{lost['event']['id']}")
    server.ask("POST", "/lineseal/_refresh")
    after = counted(server)

    assert (before, after) == ((50, 1, 50), (49, 1, 50))
    world.close()


def test_the_demos_alerts_and_decisions_are_there_once(
    server: OpenSearch, demo: dict[str, Any], tmp_path: Path
) -> None:
    """The ids and numbers of the file that the same command writes."""
    home = Path(shutil.copytree(demo["home"], tmp_path / "home"))
    file = tmp_path / "siem.jsonl"
    settings = sink("file", kind="file", path=str(file))
    settings |= sink("search", kind="opensearch", url=server.url, index="demo")

    forward(home, settings)

    expected = [ids(line) for line in file.read_text("utf-8").splitlines()]
    found = server.documents("demo")
    assert sorted((each["event"]["id"], each["lineseal"]["feed_seq"]) for each in found) == sorted(
        expected
    )


def counted(server: OpenSearch) -> tuple[int, int, int]:
    """Return how many numbers the page's query finds, the first and the last."""
    query = re.search(r"```json\nPOST (\S+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert query is not None
    body: dict[str, Any] = json.loads(query.group(2))
    (feed,) = server.ask("POST", f"/{query.group(1)}", body)["aggregations"]["feed"]["buckets"]
    return feed["found"]["value"], int(feed["first"]["value"]), int(feed["last"]["value"])
