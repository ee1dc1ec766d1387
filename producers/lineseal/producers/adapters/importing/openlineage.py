"""``lineseal import openlineage``: events from files, each recorded once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.commandline.progress import Progress
from lineseal.producers.adapters.importing.sources import Piece, find_files, read_pieces
from lineseal.producers.adapters.openlineage.document import Document, Refused, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.intake import Intake, Outcome, Submission, Taken
from lineseal.producers.adapters.reception import open_intake, open_ledger, parse_kinds
from lineseal.schemas.errors import InvalidDocument, Unreadable
from lineseal.schemas.model import Actor, ActorKind, Origin
from lineseal.settings import Settings, find_home, load_settings

_AT_ONCE = 256
_AT_ONCE_BYTES = 8 * 1024 * 1024
_SHOWN = 20
_COLUMNS = ("file", "recorded", "repeated", "refused")


@dataclass(slots=True)
class FileCount:
    """Count what became of the events of one file."""

    file: str
    recorded: int = 0
    repeated: int = 0
    refused: int = 0


class Importer:
    """Hands what files hold to an intake, and counts."""

    def __init__(self, intake: Intake, settings: Settings) -> None:
        """Import into *intake*."""
        self._intake = intake
        self._max_bytes = settings.gateway.max_event_bytes
        producer = settings.gateway.producer
        self._sender = Sender(
            producer=producer,
            actor=Actor(kind=ActorKind.SERVICE, id=producer),
            origin=Origin.IMPORT,
            kinds=parse_kinds(settings.gateway.kinds),
        )
        self.refusals: list[str] = []
        self._notes: set[str] = set()

    @property
    def notes(self) -> list[str]:
        """Return what was not as the specification wants it, in any event."""
        return sorted(self._notes)

    def take(self, path: Path) -> FileCount:
        """Import one file.

        Raises:
            LogError: What was read so far is durable; importing again goes on.

        """
        count = FileCount(str(path))
        waiting: list[tuple[Document, str]] = []
        size = 0
        for found, where in self._read(path, count):
            waiting.append((found, where))
            size += len(found.text)
            if len(waiting) >= _AT_ONCE or size >= _AT_ONCE_BYTES:
                self._hand_over(waiting, count)
                waiting, size = [], 0
        self._hand_over(waiting, count)
        return count

    def _read(self, path: Path, count: FileCount) -> Iterator[tuple[Document, str]]:
        try:
            for piece in read_pieces(path, max_line_bytes=self._max_bytes):
                yield from self._documents(piece, count)
        except (InvalidDocument, Unreadable) as error:
            self._refuse(count, str(error))

    def _documents(self, piece: Piece, count: FileCount) -> Iterator[tuple[Document, str]]:
        where = f"{piece.name}:{piece.line}"
        try:
            for found in read_documents(piece.text, lines=piece.lines):
                if isinstance(found, Refused):
                    self._refuse(count, f"{where}: {found.reason}")
                else:
                    yield found, where
        except InvalidDocument as error:
            self._refuse(count, f"{where}: {error}")

    def _hand_over(self, waiting: list[tuple[Document, str]], count: FileCount) -> None:
        outcomes = self._intake.take([Submission(found, self._sender) for found, _ in waiting])
        for (_, where), outcome in zip(waiting, outcomes, strict=True):
            self._count(outcome, where, count)

    def _count(self, outcome: Outcome, where: str, count: FileCount) -> None:
        self._notes.update(outcome.notes)
        if outcome.reason is not None:
            self._refuse(count, f"{where}: {outcome.reason}")
        elif outcome.taken is Taken.REPEATED:
            count.repeated += 1
        else:
            count.recorded += 1

    def _refuse(self, count: FileCount, reason: str) -> None:
        count.refused += 1
        self.refusals.append(reason)


@click.command("openlineage")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@output_options
def import_openlineage(paths: tuple[Path, ...], output: str) -> int:
    """Import OpenLineage events from files, folders or standard input (-).

    A file holds one event, a JSON array of events, or one event per line, gzipped or not. What was
    imported or received before changes nothing. Each event is kept byte for byte; what it means is
    sealed with origin 'import', which never counts as proof: answers built on it say 'possible'.

    Exit status: 0 everything is recorded; 6 some events were refused; each is named on stderr.
    """
    home = find_home()
    settings = load_settings(home)
    files = find_files(paths)
    with open_ledger(home, settings) as ledger, open_intake(home, settings, ledger) as intake:
        importer = Importer(intake, settings)
        counts: list[FileCount] = []
        with Progress("importing files", len(files)) as progress:
            for path in files:
                counts.append(importer.take(path))
                progress.advance(1)
    rows = [
        {"file": c.file, "recorded": c.recorded, "repeated": c.repeated, "refused": c.refused}
        for c in counts
    ]
    refused = importer.refusals
    print_answer(
        Answer(
            query="import openlineage",
            complete=not refused,
            warnings=[f"refused {reason}" for reason in refused[:_SHOWN]],
            remarks=[f"and {len(refused) - _SHOWN} more"] if len(refused) > _SHOWN else [],
            rows=rows,
            extra={"notes": importer.notes},
        ),
        output,
        columns=_COLUMNS,
    )
    if importer.notes and output == "table":
        note(f"not as the specification wants it, and taken: {', '.join(importer.notes)}")
    return Exit.INCOMPLETE if refused else Exit.OK
