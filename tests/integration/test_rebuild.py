"""The store is a function of the log: made anew it is the same, and where it is not, that is shown.

What is promised: rebuilt from the log a store is equal in every table, times of ingestion
included, whatever was late, doubled, forked, refused or accepted on retry; whatever somebody
changed in the store is found, and named; bytes that the log lost are taken from the old store and
verified; a store that cannot be opened is made anew with the times that stand beside it.
Source: ADR-0013.
"""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tests.integration.chain_world import RUNNING, batches, fork, head, put, watch
from tests.simulator import Entry, MemoryReader, Pipeline, Producer, artifact

from lineseal.commandline.output import Answer
from lineseal.consumers.rebuild.work import Rebuild, Rebuilt
from lineseal.consumers.retry import Retry
from lineseal.queries.api import impact, trace
from lineseal.queries.database import open_store
from lineseal.schemas.errors import StoreDamaged
from lineseal.schemas.model import Origin


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return an empty pipeline."""
    return Pipeline(tmp_path)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Make the busy history once."""
    made = Pipeline(tmp_path_factory.mktemp("template"))
    busy_history(made)
    return made


@pytest.fixture
def past(template: Pipeline, tmp_path: Path) -> Pipeline:
    """Return a pipeline that has the busy history behind it."""
    shutil.copytree(template.folder, tmp_path, dirs_exist_ok=True)
    copied = copy.deepcopy(template)
    copied.folder = tmp_path
    copied.store_path = tmp_path / template.store_path.relative_to(template.folder)
    return copied


def work(pipeline: Pipeline) -> Rebuild:
    """Prepare a rebuild as the command does."""
    with pipeline.open_store():
        pass  # migrates, and leaves no write-ahead log
    return Rebuild(
        path=pipeline.store_path,
        deployment=pipeline.deployment,
        memory_limit="1GB",
        reader=MemoryReader(pipeline.log),
        keyring=pipeline.keyring(),
        clock=pipeline.clock,
    )


def prove(
    pipeline: Pipeline, *, check: bool = False, keep: bool = False, force: bool = False
) -> Rebuilt:
    """Rebuild and compare."""
    return work(pipeline).prove(lambda _done, _all: None, check=check, keep=keep, force=force)


def different(rebuilt: Rebuilt) -> set[str]:
    """Name the tables that differ."""
    return {each.table for each in rebuilt.differences if each.only_old or each.only_new}


def tamper(pipeline: Pipeline, *statements: str) -> None:
    """Change the store as who can write to its file can."""
    with duckdb.connect(str(pipeline.store_path)) as connection:
        for statement in statements:
            connection.execute(statement)


def busy_history(pipeline: Pipeline) -> None:
    """Leave everything in the store that changes over time: late, doubled, forked, refused."""
    trainer, loader = pipeline.producer("trainer"), pipeline.producer("loader")
    stranger = Producer(pipeline, "stranger", pipeline.new_key())
    loader.register(artifact("dataset:lake/tx@1"), owner="team")
    loader.run("load", writes=[artifact("dataset:lake/tx@1")])
    pipeline.materialise()
    trainer.run("t1", reads=[artifact("dataset:lake/tx")], writes=[artifact("model:reg/f@1")])
    stranger.run("s", reads=[artifact("dataset:lake/tx@1")], writes=[artifact("model:reg/s@1")])
    pipeline.log.append("trainer", b"garbage")
    pipeline.materialise(limit=2)
    loader.run("again", writes=[artifact("dataset:lake/tx@2")])
    late, *rest = batches(trainer, 3)
    put(pipeline, trainer, *rest)
    pipeline.materialise()
    put(pipeline, trainer, late, late)
    pipeline.log.entries.append(Entry("loader", loader.seal(b"no event"), stream="other"))
    pipeline.materialise()
    one, two = fork(trainer)
    put(pipeline, trainer, *one, *two)
    trainer.chain = trainer.sealer.open_epoch(head(trainer))
    trainer.run("t2", reads=[artifact("dataset:lake/tx@2")], origin=Origin.IMPORT)
    pipeline.materialise(limit=1)
    pipeline.enrol(stranger.signer, "stranger", not_before=pipeline.clock())
    with pipeline.open_store() as store:
        list(Retry(store, pipeline.keyring, pipeline.deployment, pipeline.clock).run())
    pipeline.change_key(loader.signer, revoked_at=pipeline.clock(), revoked_reason="left")
    loader.emit(RUNNING, run_id="too late")
    pipeline.materialise()


def test_a_store_made_anew_is_equal_and_takes_the_place_of_the_old(past: Pipeline) -> None:
    """Every table, in every row: --known-at answers as it did."""
    before = past.store_path.stat().st_ino

    rebuilt = prove(past)

    assert [each for each in rebuilt.differences if each.only_old or each.only_new] == []
    assert (rebuilt.equal, rebuilt.replaced, rebuilt.kept) == (True, True, None)
    assert {each.table for each in rebuilt.differences if each.rows} >= {
        "batch", "event", "reject", "log_entry", "run_io", "edge", "finding", "run_fact",
        "registration", "artifact_version", "version_writer", "statement_about",
    }  # fmt: skip
    assert past.store_path.stat().st_ino != before
    assert past.store_path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in past.store_path.parent.iterdir()) == [
        "lineseal.duckdb",
        "lineseal.seen.sqlite",
    ]
    assert prove(past, check=True).equal
    assert past.query("SELECT count(*) FROM reject WHERE outcome = 'ACCEPTED'") == [(1,)]


def test_answers_are_the_same_at_every_moment_there_was(past: Pipeline) -> None:
    """What an approver could have seen does not change with the file."""
    ((appeared,),) = past.query("SELECT min(known_from) FROM edge WHERE run_id = 't1'")
    moments = past.query(
        "SELECT DISTINCT ingest_time FROM log_entry WHERE ingest_time >= ? ORDER BY 1", appeared
    )

    def answers() -> list[Answer]:
        with open_store(past.store_path) as store:
            return [
                ask(store, reference, known_at=f"{at.isoformat()}Z", clock=lambda: 0)
                for (at,) in moments
                for ask, reference in ((trace, "model:reg/f@1"), (impact, "dataset:lake/tx@1"))
            ]

    before = answers()
    prove(past)

    assert answers() == before


def test_a_rebuild_can_be_followed_by_everything(past: Pipeline) -> None:
    """The materialiser goes on where it was; what is newer was not taken in."""
    other = past.producer("other")
    other.emit(RUNNING, run_id="newer")

    rebuilt = prove(past)
    report = past.materialise()

    assert (rebuilt.equal, rebuilt.replayed.unread) == (True, 1)
    assert (report.batches, report.duplicates) == (1, 0)
    assert prove(past, check=True).equal


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_commits_is_repeated(tmp_path: Path, seed: int) -> None:
    """Late, doubled and cut differently: the history of what was known is part of the store."""
    rng = random.Random(seed)  # noqa: S311 - a history, no secret
    pipeline = Pipeline(tmp_path)
    producers = [pipeline.producer(f"p{number}") for number in range(3)]
    for number in range(12):
        names = [artifact(f"dataset:lake/d{rng.randrange(4)}") for _ in range(2)]
        rng.choice(producers).run(f"r{number}", reads=names[:1], writes=names[1:])
    entries = pipeline.log.entries
    order = entries + rng.sample(entries, 4)
    rng.shuffle(order)
    pipeline.log.entries = []
    while order:
        count = rng.randint(1, 5)
        pipeline.log.entries += [
            Entry(entry.key, entry.value, stream=rng.choice("ab")) for entry in order[:count]
        ]
        del order[:count]
        pipeline.clock.advance(rng.choice((-100, 0, 5)))
        pipeline.materialise(limit=rng.randint(1, 6))

    rebuilt = prove(pipeline)

    assert rebuilt.differences
    assert different(rebuilt) == set()
    assert rebuilt.replayed.from_store == rebuilt.replayed.never_seen == 0


ATTACKS = {
    "event": "UPDATE event SET raw = 'x'::BLOB WHERE run_id = 'load'",
    "run_event": "UPDATE run_event SET state = 'FAIL' WHERE run_id = 'load'",
    "run_io": "UPDATE run_io SET digest = 'sha256:00' WHERE run_id = 't1'",
    "registration": "UPDATE registration SET owner = 'somebody else'",
    "edge": "UPDATE edge SET exact = NOT exact WHERE run_id = 't1'",
    "artifact_version": "UPDATE artifact_version SET made = NOT made",
    "run_fact": "UPDATE run_fact SET state = 'FAIL'",
    "version_writer": "UPDATE version_writer SET reasons = 1",
    "version_reader": "DELETE FROM version_reader",
    "finding": "UPDATE finding SET closed_at = opened_at WHERE code = 'FORK'",
    "batch": "UPDATE batch SET first_seen = first_seen - INTERVAL 1 DAY",
    "reject": "DELETE FROM reject WHERE event_index IS NOT NULL",
    "approval": "INSERT INTO approval (event_id, decision) VALUES ('1', 'approve')",
}


def test_what_somebody_changed_in_the_store_is_found(past: Pipeline) -> None:
    """Each table is named, with examples; the store is not replaced."""
    tamper(past, *ATTACKS.values())

    rebuilt = prove(past)

    assert different(rebuilt) == set(ATTACKS)
    assert (rebuilt.equal, rebuilt.replaced) == (False, False)
    assert all(each.examples for each in rebuilt.differences if each.table in ATTACKS)


def test_a_batch_taken_out_of_the_store_everywhere_is_found_in_the_log(
    past: Pipeline,
) -> None:
    """Also when the entry of the log went with it, or was turned into a refusal."""
    tamper(
        past,
        "DELETE FROM log_entry WHERE (stream, position) IN"
        " (SELECT (stream, position) FROM batch WHERE producer = 'loader' AND batch_seq = 1)",
        "DELETE FROM batch WHERE producer = 'loader' AND batch_seq = 1",
        "DELETE FROM event WHERE run_id = 'load'",
        "DELETE FROM run_event WHERE run_id = 'load'",
        "DELETE FROM run_io WHERE run_id = 'load'",
    )

    rebuilt = prove(past, check=True)

    assert rebuilt.replayed.never_seen == 1
    assert different(rebuilt) >= {"batch", "event", "run_io", "log_entry"}


def test_a_batch_that_was_turned_into_a_refusal_is_found(pipeline: Pipeline) -> None:
    """What was refused is judged again: it would be accepted."""
    producer = pipeline.producer("trainer")
    value = producer.send(producer.event(RUNNING, run_id="hidden"))
    pipeline.log.entries = []
    pipeline.log.append("trainer", b"garbage")
    pipeline.materialise()
    pipeline.log.entries = [Entry("trainer", value)]
    with duckdb.connect(str(pipeline.store_path)) as connection:
        connection.execute("UPDATE reject SET raw = $1, raw_sha256 = sha256($1)", [value])
        connection.execute("UPDATE log_entry SET value_sha256 = (SELECT raw_sha256 FROM reject)")
    rebuilt = prove(pipeline, check=True)

    assert rebuilt.replayed.refused_then == 1
    assert not rebuilt.equal


def test_a_different_store_is_put_beside_the_old_one_and_replaces_it_only_when_forced(
    past: Pipeline,
) -> None:
    """Nothing is lost either way."""
    tamper(past, "DELETE FROM edge")

    careful = prove(past)
    gone = past.query("SELECT count(*) FROM edge")
    forced = prove(past, force=True)

    assert (careful.replaced, gone) == (False, [(0,)])
    assert careful.kept is not None
    assert forced.replaced
    assert forced.kept is not None
    assert past.query("SELECT count(*) > 0 FROM edge") == [(True,)]
    for kept, edges in ((careful.kept, True), (forced.kept, False)):
        with duckdb.connect(str(kept), read_only=True) as connection:
            assert connection.execute("SELECT count(*) > 0 FROM edge").fetchall() == [(edges,)]
    assert prove(past, check=True).equal


def test_what_the_log_lost_is_taken_from_the_store_and_verified(past: Pipeline) -> None:
    """A log is pruned: sealed batches can be put together again, byte for byte."""
    past.log.entries = []

    rebuilt = prove(past)

    assert different(rebuilt) == set()
    assert rebuilt.replayed.from_store == rebuilt.replayed.records > 10
    assert rebuilt.equal


def test_a_store_that_lost_its_bytes_too_is_not_replaced(past: Pipeline) -> None:
    """Neither log nor store has them: that is said."""
    past.log.entries = []
    tamper(past, "DELETE FROM batch WHERE producer = 'loader' AND batch_seq = 0")

    rebuilt = prove(past)

    assert rebuilt.replayed.lost == 1
    assert not rebuilt.equal
    assert not rebuilt.replaced


def test_operators_decisions_and_what_is_not_in_the_log_are_taken_over(
    pipeline: Pipeline,
) -> None:
    """A settled fork, a compromised key, state of others in the store."""
    producer = pipeline.producer("trainer")
    one, two = fork(producer)
    put(pipeline, producer, *one, *two)
    pipeline.materialise()
    ((identity,),) = pipeline.query("SELECT DISTINCT finding_id FROM finding")
    pipeline.change_key(producer.signer, settled=frozenset({identity}))
    other = pipeline.producer("other")
    other.emit(RUNNING, run_id="x")
    pipeline.materialise()
    pipeline.change_key(other.signer, compromised_since=pipeline.clock())
    watch(pipeline)
    tamper(pipeline, "INSERT INTO store_fact VALUES ('rejects_published', '7')")
    before = pipeline.query("FROM finding ORDER BY ALL")

    rebuilt = prove(pipeline)

    assert (different(rebuilt), rebuilt.equal) == (set(), True)
    assert pipeline.query("FROM finding ORDER BY ALL") == before
    assert pipeline.query("SELECT value FROM store_fact WHERE name = 'rejects_published'") == [
        ("7",)
    ]


def cut(path: Path) -> None:
    """Lose all but the beginning."""
    path.write_bytes(path.read_bytes()[:20_000])


def overwrite(path: Path) -> None:
    """Put something else there."""
    path.write_bytes(b"no store" * 4096)


def remove(path: Path) -> None:
    """Lose the file."""
    path.unlink()


@pytest.mark.parametrize("damage", [cut, overwrite, remove])
def test_a_store_that_cannot_be_opened_is_made_anew_with_the_times_beside_it(
    past: Pipeline, damage: Callable[[Path], None]
) -> None:
    """What was accepted keeps its time; what was refused counts from now; the file is kept."""
    times = past.query("SELECT header_sha256, ingest_time FROM batch ORDER BY ALL")
    graph = (
        "SELECT producer, run_id, direction, exact FROM edge WHERE known_to IS NULL ORDER BY ALL"
    )
    edges = past.query(graph)
    rebuild = work(past)
    damage(past.store_path)

    if damage is not remove:
        with pytest.raises(StoreDamaged, match="lineseal rebuild"), past.open_store():
            pass
    rebuilt = rebuild.restore(lambda _done, _all: None)

    assert rebuilt.replaced
    assert (rebuilt.kept is not None) == (damage is not remove)
    assert rebuilt.replayed.without_time > 0
    assert past.query("SELECT header_sha256, ingest_time FROM batch ORDER BY ALL") == times
    assert past.query(graph) == edges
    assert past.materialise().batches == 0


def test_flipped_bits_inside_the_file_are_damage_too(past: Pipeline) -> None:
    """DuckDB opens such a file and stumbles later: the error is ours and says what to do."""
    rebuild = work(past)
    content = bytearray(past.store_path.read_bytes())
    for at in range(12_288, len(content) - 262_144, 4096):
        content[at + 100] ^= 0xFF
    past.store_path.write_bytes(content)

    with pytest.raises(StoreDamaged, match="lineseal rebuild"):
        rebuild.prove(lambda _done, _all: None, check=True, keep=False, force=False)
