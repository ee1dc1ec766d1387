"""A file of the log that is deleted, with its lock and before anybody read it, is missed.

What is promised: it is named until the producer's next epoch says under signature that it is lost;
by then, and not again, every reader of the log knows. Source: ADR-0022; fault F23.
"""

from __future__ import annotations

from pathlib import Path

from tests.unit.transport.world import events, open_outbox, records_in, sealed_in, verified

from lineseal.schemas.errors import OutboxDamaged
from lineseal.transport.embedded import EmbeddedLogReader
from lineseal.transport.embedded.survey import survey


def log_without_second_file(folder: Path) -> str:
    """Let two processes' outboxes be sealed, delete all of the second, and return its name."""
    first, second = open_outbox(folder), open_outbox(folder)
    for outbox in (first, second):
        outbox.accept(events(1, outbox.path.name))
    first.close()
    second.close()
    for path in folder.glob(f"{second.path.stem}.*"):
        path.unlink()
    return second.path.name


def reasons(folder: Path) -> list[str]:
    """Return why each epoch says it was opened."""
    batches = verified(records_in(folder))
    return [b.header.genesis.reason for b in batches if b.header.genesis is not None]


def test_a_deleted_file_is_named_until_it_is_told(tmp_path: Path) -> None:
    """By the survey and by the reader, which never saw it."""
    folder = tmp_path / "events"
    name = log_without_second_file(folder)
    before = survey(folder)
    gone = EmbeddedLogReader(folder).gone({})
    with open_outbox(folder) as outbox:
        outbox.accept(events(1, "next"))

    assert [state.stream for state in before if state.problem] == [name]
    assert isinstance(before[-1].problem, OutboxDamaged)
    assert gone == [name]
    assert reasons(folder) == ["opened", "lost"]
    assert [state.problem for state in survey(folder)] == [None]


def test_it_is_told_once(tmp_path: Path) -> None:
    """The epoch after the next is an ordinary one."""
    folder = tmp_path / "events"
    log_without_second_file(folder)
    for number in range(2):
        with open_outbox(folder) as outbox:
            outbox.accept(events(1, f"next {number}"))

    assert reasons(folder) == ["opened", "lost", "opened"]


def test_an_epoch_that_seals_nothing_tells_nothing_and_forgets_nothing(tmp_path: Path) -> None:
    """Not even when it makes a new file of the same name."""
    folder = tmp_path / "events"
    with open_outbox(folder) as outbox:
        outbox.accept(events(1))
    for path in folder.iterdir():
        path.unlink()
    with open_outbox(folder):
        pass
    with open_outbox(folder) as outbox:
        outbox.accept(events(1, "after"))

    assert reasons(folder) == ["lost"]
    assert sealed_in(folder) == events(1, "after")


def test_files_that_are_there_are_not_missed(tmp_path: Path) -> None:
    """Also while several processes have theirs open, and where no markers can be kept."""
    folder = tmp_path / "events"
    (tmp_path / "events.made").write_bytes(b"no folder")
    for _ in range(2):
        with open_outbox(folder) as one, open_outbox(folder) as other:
            one.accept(events(1))
            other.accept(events(1))
            assert not any(state.problem for state in survey(folder))

    assert set(reasons(folder)) == {"opened"}


def test_the_files_of_another_producer_are_not_told(tmp_path: Path) -> None:
    """They stay named until their own producer tells."""
    folder = tmp_path / "events"
    with open_outbox(folder) as outbox:
        outbox.accept(events(1))
    (tmp_path / "events.made" / "other.0.sqlite").touch()
    with open_outbox(folder) as outbox:
        outbox.accept(events(1, "after"))

    assert reasons(folder) == ["opened", "opened"]
    assert [state.stream for state in survey(folder) if state.problem] == ["other.0.sqlite"]
