"""``lineseal import`` records each event once, from whatever file it comes.

What is promised: files, folders, lines, arrays, gzip and standard input; importing twice changes
nothing; what is refused is named and ends in status 6; the document comes back byte for byte; a
``dvc.lock`` becomes runs. Source: docs/openlineage.md.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.integration.receiving import lineseal, make_receiving_home
from tests.openlineage.events import data, document, facet, run_event

from lineseal.producers.adapters.reception import open_ledger
from lineseal.settings import Home, load_settings

LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py --token s3cr3t-value raw.csv
    deps:
    - path: raw.csv
      hash: md5
      md5: 0123456789abcdef0123456789abcdef
      size: 100
    params:
      params.yaml:
        split: 0.2
    outs:
    - path: models/m.pkl
      md5: fedcba9876543210fedcba9876543210
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home that receives."""
    return make_receiving_home(tmp_path / "home")


def counts(printed: bytes) -> list[tuple[int, int, int]]:
    """Read what became of each file's events."""
    rows = json.loads(printed)["rows"]
    return [(row["recorded"], row["repeated"], row["refused"]) for row in rows]


def stored(home: Path, question: str) -> list[dict[str, Any]]:
    """Materialise and ask."""
    lineseal(home, "materialise")
    printed = lineseal(home, "sql", question, "--output", "ndjson")
    return [json.loads(line) for line in printed.splitlines()]


def test_everything_is_found_and_recorded_once(home: Path, tmp_path: Path) -> None:
    """A second import of the same, in another form, changes nothing at all."""
    events = [run_event(number, inputs=[data("a")]) for number in range(1, 5)]
    folder = tmp_path / "events" / "deep"
    folder.mkdir(parents=True)
    (folder / "one.json").write_text(json.dumps(events[0], indent=2))
    lines = "".join(json.dumps(event) + "\n" for event in events[1:3]).encode()
    (folder / "two.ndjson.gz").write_bytes(gzip.compress(lines))
    (folder / "notes.txt").write_text("not looked at")

    first = lineseal(home, "import", "openlineage", str(folder.parent), "--json")
    again = lineseal(
        home, "import", "openlineage", "-", "--json", stdin=json.dumps(events).encode()
    )

    assert counts(first) == [(1, 0, 0), (2, 0, 0)]
    assert counts(again) == [(1, 3, 0)]
    rows = stored(
        home,
        "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM event WHERE origin = 'import'",
    )
    assert rows == [{"n": 4, "ids": 4}]


def test_what_is_refused_is_named_and_the_rest_recorded(home: Path, tmp_path: Path) -> None:
    """With the line it stands on."""
    file = tmp_path / "events.ndjson"
    good = json.dumps(run_event(inputs=[data("a")]))
    file.write_text(f"{good}\n{{broken\n[1]\n{json.dumps({'eventTime': 'x'})}\n{good}\n")

    printed = lineseal(home, "import", "openlineage", str(file), "--json", status=6)

    assert counts(printed) == [(1, 1, 3)]
    warnings = json.loads(printed)["warnings"]
    assert [warning.partition(f"{file}:")[2][:2] for warning in warnings] == ["2:", "3:", "4:"]


def test_the_document_comes_back_as_it_came(home: Path, tmp_path: Path) -> None:
    """By the digest that is sealed with the event; only its owner may read it."""
    text = json.dumps(run_event(inputs=[data("a")], odd="\u00e9 \ud83d\ude00"), indent=3)
    (tmp_path / "e.json").write_text(text)

    lineseal(home, "import", "openlineage", str(tmp_path / "e.json"))

    digest = document(text).digest
    (row,) = stored(
        home, "SELECT p.value AS d FROM (SELECT unnest(parameters) AS p FROM run_event)"
        " WHERE p.key = 'openlineage.document'",
    )  # fmt: skip
    where = Home(home)
    with open_ledger(where, load_settings(where)) as ledger:
        assert row["d"] == digest
        assert ledger.read(digest) == text.encode()
        assert ledger.read("sha256:" + "0" * 64) is None
    for file in (home / "gateway").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_what_a_kill_makes_it_seal_twice_is_one_fact(home: Path, tmp_path: Path) -> None:
    """Killed between sealing and remembering, it seals the same again; the store verifies."""
    checks = facet(assertions=[{"assertion": "unique", "success": True}])
    read = {**data("a"), "inputFacets": {"dataQualityAssertions": checks}}
    (tmp_path / "e.json").write_text(json.dumps(run_event(inputs=[read])))
    for _ in range(2):
        lineseal(home, "import", "openlineage", str(tmp_path / "e.json"))
        lineseal(home, "materialise")
        with closing(sqlite3.connect(home / "gateway" / "documents.sqlite")) as documents:
            documents.execute("DELETE FROM recorded")
            documents.commit()

    (row,) = stored(
        home, "SELECT (SELECT count(*) FROM event WHERE body <> 'key_change') AS events,"
        " (SELECT count(*) FROM validation) AS validations, (SELECT count(*) FROM run_io) AS uses",
    )  # fmt: skip
    assert row == {"events": 4, "validations": 1, "uses": 1}
    lineseal(home, "verify")


def test_without_a_key_that_may_receive_it_says_how_to_make_one(tmp_path: Path) -> None:
    """And a key without the role is refused, since all it seals would be."""
    folder = tmp_path / "home"
    lineseal(folder, "init", "--producer", "jobs")
    (tmp_path / "e.json").write_text(json.dumps(run_event()))

    lineseal(folder, "import", "openlineage", str(tmp_path / "e.json"), status=3)
    lineseal(folder, "keys", "new", "gateway", "--enrol")
    lineseal(folder, "import", "openlineage", str(tmp_path / "e.json"), status=2)


def test_a_dvc_lock_becomes_runs_once(home: Path, tmp_path: Path) -> None:
    """A stage that is reproduced is another run; its hash names a version, never a digest."""
    lock = tmp_path / "dvc.lock"
    lock.write_text(LOCK)
    arguments = ("import", "dvc", str(lock), "--model", "models/*", "--json")

    taken = [json.loads(lineseal(home, *arguments))["rows"][0]["taken"] for _ in range(2)]
    lock.write_text(LOCK.replace("fedc", "0000"))
    taken.append(json.loads(lineseal(home, *arguments))["rows"][0]["taken"])

    assert taken == ["recorded", "repeated", "recorded"]
    rows = stored(
        home, "SELECT DISTINCT kind, name, version, digest, reported_digest, direction FROM run_io"
        " ORDER BY direction, version",
    )  # fmt: skip
    assert [(r["kind"], r["version"][:4], r["digest"]) for r in rows] == [
        ("dataset", "0123", None), ("model", "0000", None), ("model", "fedc", None),
    ]  # fmt: skip
    assert rows[0]["reported_digest"] == "md5:0123456789abcdef0123456789abcdef"
    (said,) = stored(home, "SELECT DISTINCT code.entry_point AS command FROM run_event")
    assert "s3cr3t" not in said["command"]


@pytest.mark.parametrize("text", ["- a\n", "{", "a: &x [1]\nb: [*x, *x]\n", "stages: 3\nschema: 2"])
def test_what_is_no_lock_file_is_refused(home: Path, tmp_path: Path, text: str) -> None:
    """Without building what nested aliases would become."""
    (tmp_path / "dvc.lock").write_text(text)

    lineseal(home, "import", "dvc", str(tmp_path / "dvc.lock"), status=2)
