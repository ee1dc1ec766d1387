"""Each sentence of ADR-0004 has a small history that shows it.

What is promised: for each case below, the edges and nodes of the graph are exactly the listed
ones. The notation: ``run: START-END read THING, write THING`` with times in minutes; a THING is
a version (``7``), a digest (``#a``), both (``7#a``) or neither (``?``). An edge is
``run read|write NODE`` with its reasons; a node of a run is ``(run)``, the unknown one ``()``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.simulator import SECOND, START, Pipeline

from lineseal.schemas.model import Artifact, Kind, Origin, Registration, Subject

MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Case:
    """A history and the graph it becomes."""

    title: str
    history: str
    edges: str
    nodes: str = ""


CASES = (
    Case(
        "a version alone",
        "w: 1-2 write 7; r: 3-4 read 7",
        "w write 7; r read 7",
        "7 made",
    ),
    Case(
        "one digest completes the version for everybody",
        "w: 1-2 write 7#a; r: 3-4 read 7; s: 3-4 read #a",
        "w write 7#a; r read 7#a; s read 7#a",
        "7#a made",
    ),
    Case(
        "a reader may be the one who knows the digest",
        "w: 1-2 write 7; r: 3-4 read 7#a",
        "w write 7#a; r read 7#a",
        "7#a made",
    ),
    Case(
        "the same version with two digests is two nodes and a conflict",
        "w: 1-2 write 7#a; v: 1-2 write 7#b; r: 3-4 read 7; s: 3-4 read 7#b",
        "w write 7#a; v write 7#b; r read 7#a version_conflict;"
        " r read 7#b version_conflict; s read 7#b",
        "7#a made conflict; 7#b made conflict",
    ),
    Case(
        "a digest without any version is a node of its own",
        "w: 1-2 write #a; r: 3-4 read #a",
        "w write #a; r read #a",
        "#a made",
    ),
    Case(
        "what is only read is not made",
        "r: 3-4 read 7",
        "r read 7",
        "7",
    ),
    Case(
        "two made versions with one digest are ambiguous to a digest",
        "w: 1-2 write 7#a; v: 1-2 write 8#a; r: 3-4 read #a",
        "w write 7#a; v write 8#a; r read 7#a digest_ambiguous; r read 8#a digest_ambiguous",
        "7#a made; 8#a made",
    ),
    Case(
        "a made node wins over one that is only read",
        "w: 1-2 write 7#a; q: 3-4 read 8#a; r: 3-4 read #a",
        "w write 7#a; q read 7#a; r read 7#a",
        "7#a made; 8#a",
    ),
    Case(
        "a wrong version with a digest of several is ambiguous",
        "w: 1-2 write 7#a; v: 1-2 write 8#a; r: 3-4 read 9#a",
        "w write 7#a; v write 8#a; r read 7#a digest_ambiguous; r read 8#a digest_ambiguous",
        "7#a made; 8#a made; 9#a",
    ),
    Case(
        "version and digest that nobody made are taken as said",
        "r: 3-4 read 9#a",
        "r read 9#a",
        "9#a",
    ),
    Case(
        "an output without version is the version made by that run",
        "w: 1-2 write ?",
        "w write (w)",
        "(w) made",
    ),
    Case(
        "an input without version is the newest written before",
        "v: 1-2 write ?; w: 3-4 write 7; x: 8-9 write 8; r: 5-6 read ?",
        "v write (v); w write 7; x write 8; r read 7 version_inferred",
        "(v) made; 7 made; 8 made",
    ),
    Case(
        "all of them on a tie",
        "v: 1-2 write 6; w: 1-2 write 7; r: 5-6 read ?",
        "v write 6; w write 7; r read 6 version_inferred; r read 7 version_inferred",
    ),
    Case(
        "writes that overlap the reading run make every candidate doubtful",
        "v: 1-2 write 6; w: 4-5 write 7; r: 5-6 read ?",
        "v write 6; w write 7; r read 6 overlapping_writes version_inferred;"
        " r read 7 overlapping_writes version_inferred",
    ),
    Case(
        "a run does not read what it writes itself",
        "v: 1-2 write 6; r: 4-6 read ?, write 7",
        "v write 6; r read 6 version_inferred; r write 7",
    ),
    Case(
        "what a run wrote too counts with the interval of the others",
        "v: 1-2 write 6; r: 4-6 read ?, write 6",
        "v write 6; r read 6 version_inferred; r write 6",
    ),
    Case(
        "a registration gives an instant when no run wrote it",
        "register 5 at 1; register 6 at 2; r: 4-6 read ?",
        "r read 6 version_inferred",
        "5 made; 6 made",
    ),
    Case(
        "a registration does not move what a run wrote",
        "v: 1-2 write 6; register 6 at 5; w: 3-4 write 7; r: 5-6 read ?",
        "v write 6; w write 7; r read 7 version_inferred",
    ),
    Case(
        "a registration without version and digest makes nothing",
        "register ? at 1; r: 4-6 read ?",
        "r read () version_inferred",
        "()",
    ),
    Case(
        "nothing known before means an unknown version",
        "r: 1-2 read ?; w: 4-5 write 7",
        "r read () version_inferred; w write 7",
        "(); 7 made",
    ),
    Case(
        "an import is never exact",
        "w: 1-2 write 7; import r: 3-4 read 7; import s: 3-4 read ?",
        "w write 7; r read 7 unsigned_import; s read 7 unsigned_import version_inferred",
    ),
    Case(
        "one exact fact makes the edge exact",
        "w: 1-2 write 7; import r: 3-4 read 7; r: 3-4 read 7",
        "w write 7; r read 7",
    ),
    Case(
        "else the reasons of all facts stand together",
        "w: 1-2 write 7#a; v: 1-2 write 8#a; import r: 3-4 read 7#a; r: 3-4 read #a",
        "w write 7#a; v write 8#a; r read 7#a digest_ambiguous unsigned_import;"
        " r read 8#a digest_ambiguous",
    ),
)


def to_artifact(thing: str) -> Artifact:
    """Read a THING; a digest's letter stands for its SHA-256."""
    version, _, letter = thing.replace("?", "").partition("#")
    digest = f"sha256:{hashlib.sha256(letter.encode()).hexdigest()}" if letter else None
    return Artifact(
        kind=Kind.DATASET, namespace="lake", name="tx", version=version or None, digest=digest
    )


LETTERS = {to_artifact(f"#{letter}").digest: letter for letter in "ab"}


def play(pipeline: Pipeline, history: str) -> None:
    """Send the events that a history says."""
    producer = pipeline.producer("p", roles=frozenset({"emit", "gateway"}))
    for sentence in history.split("; "):
        if sentence.startswith("register "):
            _, thing, _, minute = sentence.split(" ")
            producer.emit(
                Registration(subject=Subject(type="artifact", artifact=to_artifact(thing))),
                event_time=START + int(minute) * MINUTE,
            )
            continue
        head, _, actions = sentence.partition(": ")
        run = head.removeprefix("import ")
        origin = Origin.IMPORT if head != run else Origin.EMITTER
        times, _, actions = actions.partition(" ")
        starts, ends = (START + int(minute) * MINUTE for minute in times.split("-"))
        things = [action.split(" ") for action in actions.split(", ")]
        producer.run(
            run,
            reads=[to_artifact(thing) for verb, thing in things if verb == "read"],
            writes=[to_artifact(thing) for verb, thing in things if verb == "write"],
            starts=starts,
            ends=ends,
            origin=origin,
        )


def node_text(version: str | None, digest: str | None, run: str | None) -> str:
    """Write a node as the cases do."""
    if version is None and digest is None:
        return f"({run or ''})"
    return (version or "") + (f"#{LETTERS[digest]}" if digest else "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_history_becomes_this_graph(tmp_path: Path, case: Case) -> None:
    """The edges, and where the case lists them the nodes, are exactly these."""
    pipeline = Pipeline(tmp_path)
    play(pipeline, case.history)

    report = pipeline.materialise()

    assert report.rejects == {}
    edges = {
        " ".join([run, "read" if direction == "input" else "write", node_text(*node), *reasons])
        for run, direction, *node, reasons in pipeline.query(
            "SELECT edge.run_id, direction, version, digest, node.run_id, reasons"
            " FROM edge JOIN artifact_version AS node USING (artifact_version_id)"
            " WHERE edge.known_to IS NULL AND node.known_to IS NULL"
        )
    }
    assert set(case.edges.split("; ")) == edges
    if case.nodes:
        nodes = {
            node_text(*node) + " made" * made + " conflict" * conflict
            for *node, made, conflict in pipeline.query(
                "SELECT version, digest, run_id, made, conflict FROM artifact_version"
                " WHERE known_to IS NULL"
            )
        }
        assert set(case.nodes.split("; ")) == nodes


def test_two_producers_may_use_one_run_id(tmp_path: Path) -> None:
    """A run is (producer, run id): nobody can add to the run of another."""
    pipeline = Pipeline(tmp_path)
    for name in ("p", "q"):
        pipeline.producer(name).run("same", writes=[to_artifact("?")])

    pipeline.materialise()

    assert pipeline.query("SELECT producer FROM artifact_version ORDER BY producer") == [
        ("p",),
        ("q",),
    ]


def test_a_run_that_grows_is_resolved_anew_and_the_past_stays_readable(tmp_path: Path) -> None:
    """A late event moves the start of the reading run, and with it what it may have read."""
    pipeline = Pipeline(tmp_path)
    read_by_r = (
        "SELECT version, reasons, known_from FROM edge"
        " JOIN (SELECT DISTINCT artifact_version_id, version FROM artifact_version)"
        " USING (artifact_version_id)"
        " WHERE run_id = 'r' AND direction = 'input'"
    )
    play(pipeline, "v: 1-2 write 6; w: 4-5 write 7; r: 8-9 read ?")
    pipeline.materialise()
    before = pipeline.query(f"{read_by_r} AND known_to IS NULL")
    play(pipeline, "r: 3-9 read ?")
    pipeline.materialise()

    doubtful = ["overlapping_writes", "version_inferred"]
    after = pipeline.query(f"{read_by_r} AND known_to IS NULL ORDER BY version")
    assert [row[:2] for row in before] == [("7", ["version_inferred"])]
    assert [("6", doubtful), ("7", doubtful)] == [row[:2] for row in after]
    closed = pipeline.query(f"{read_by_r} AND known_to = ?", after[0][2])
    assert before == closed


def test_a_version_that_gets_a_digest_keeps_its_history(tmp_path: Path) -> None:
    """The node without digest is closed at the moment the one with digest becomes known."""
    pipeline = Pipeline(tmp_path)
    play(pipeline, "w: 1-2 write 7")
    pipeline.materialise()
    play(pipeline, "r: 3-4 read 7#a")
    pipeline.materialise()

    (old,) = pipeline.query("SELECT known_to FROM artifact_version WHERE digest IS NULL")
    (new,) = pipeline.query("SELECT known_from FROM artifact_version WHERE digest IS NOT NULL")
    assert old == new
    assert pipeline.query(
        "SELECT count(*) FROM edge JOIN artifact_version AS node USING (artifact_version_id)"
        " WHERE node.digest IS NULL AND edge.known_to IS NULL"
    ) == [(0,)]
