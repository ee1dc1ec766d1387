"""A file that is not what its producer left is never written to and never trusted.

What is promised: a file with anything but our tables, of a newer version, deleted or put back
from a copy never makes a producer sign what it was not given, nor give a position out twice.
Source: DESIGN 5; faults F23, F24, F57; attack table A17.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.unit.transport.world import (
    ask,
    events,
    open_outbox,
    sealed_in,
    verified,
)

from lineseal.schemas.errors import (
    OutboxDamaged,
)
from lineseal.transport.embedded import EmbeddedLogReader

REWRITING_TRIGGER = (
    "CREATE TRIGGER t AFTER INSERT ON pending BEGIN UPDATE pending SET event = x'00'; END"
)


@pytest.mark.parametrize(
    "statement",
    [
        REWRITING_TRIGGER,
        "CREATE VIEW v AS SELECT 1",
        "CREATE INDEX i ON pending(crc)",
        "UPDATE meta SET sealed_row = 'abc'",
        "UPDATE meta SET next_position = 9223372036854775807",
        "UPDATE meta SET producer = CAST(x'ff' AS TEXT)",
        "UPDATE meta SET head_epoch = 'epoch', head_batch_seq = 'x', head_sha256 = 'y'",
        "INSERT INTO pending VALUES (9223372036854775807, 0, x'', x'00')",
        "INSERT INTO batch VALUES (9223372036854775807, 'k', x'00')",
    ],
)
def test_a_file_somebody_tampered_with_is_not_written_to(
    tmp_path: Path, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A trigger left in it would rewrite events before they are sealed."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1))
    ask(outbox.path, statement)

    with open_outbox(tmp_path) as other:
        assert other.path != outbox.path
        other.accept(events(1, "later"))

    assert "is damaged" in caplog.text
    assert events(1, "later")[0] in sealed_in(tmp_path)


def test_a_trigger_that_comes_while_the_file_is_open_is_never_run(tmp_path: Path) -> None:
    """Nothing more is accepted or sealed there."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1))
        ask(outbox.path, REWRITING_TRIGGER)
        with pytest.raises(OutboxDamaged, match="exactly the tables"):
            outbox.accept(events(1, "later"))
        assert ask(outbox.path, "SELECT event FROM pending") == [(events(1)[0],)]
        with pytest.raises(OutboxDamaged):
            outbox.seal_pending()
        ask(outbox.path, "DROP TRIGGER t")

    assert sealed_in(tmp_path) == events(1)


def test_a_file_of_a_newer_lineseal_is_left_alone(tmp_path: Path) -> None:
    """Downgrading refuses to guess, and writes beside it."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1))
    ask(outbox.path, "UPDATE meta SET format = 2")
    before = outbox.path.read_bytes()

    with open_outbox(tmp_path) as other:
        assert other.path != outbox.path
    reader = EmbeddedLogReader(tmp_path)
    assert not reader.poll(10, 0.0)

    assert "format 2" in str(reader.damaged[outbox.path.name])
    assert before == outbox.path.read_bytes()
    reader.close()


def test_a_deleted_file_does_not_give_its_positions_out_again(tmp_path: Path) -> None:
    """A reader that remembers them gets every new batch, and the new epoch says "lost"."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1))
        outbox.seal_pending()
    reader = EmbeddedLogReader(tmp_path)
    assert len(reader.poll(10, 0.0)) == 2
    outbox.path.unlink()
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(3, "new"))

    (record,) = reader.poll(10, 0.0)
    (batch,) = verified([record])

    assert events(3, "new") == list(batch.events)
    assert batch.header.genesis is not None
    assert batch.header.genesis.reason == "lost"
    assert record.position == 2
    reader.close()


def test_an_old_copy_put_back_goes_on_behind_what_was_read(tmp_path: Path) -> None:
    """Its new batches get positions nobody has seen, and the new epoch says "rolled back"."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1))
    shutil.copy(outbox.path, tmp_path / "copy")
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1, "forgotten"))
    reader = EmbeddedLogReader(tmp_path)
    assert len(reader.poll(10, 0.0)) == 2
    (tmp_path / "copy").replace(outbox.path)
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(3, "new"))

    (batch,) = verified(reader.poll(10, 0.0))

    assert events(3, "new") == list(batch.events)
    assert batch.header.genesis is not None
    assert batch.header.genesis.reason == "rolled back"
    reader.close()
