"""``lineseal import access``: who used or was granted what, from other systems' logs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer, to_json
from lineseal.commandline.progress import Progress
from lineseal.producers.adapters.accesses.kubernetes import KubernetesReader
from lineseal.producers.adapters.accesses.mapping import load_mapping
from lineseal.producers.adapters.accesses.recording import AccessReader
from lineseal.producers.adapters.accesses.told import parse_renaming
from lineseal.producers.adapters.importing.records import read_records, read_rows
from lineseal.producers.adapters.importing.sources import ENDINGS, Piece, find_files
from lineseal.producers.adapters.openlineage.document import Refused, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.intake import Intake, Ready, Taken
from lineseal.producers.adapters.reception import open_intake, open_ledger
from lineseal.schemas.errors import InvalidDocument, Unreadable
from lineseal.schemas.model import Actor, ActorKind, Origin
from lineseal.settings import Settings, find_home, load_settings

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""Most bytes of one record. CloudTrail's have at most 1 MiB, Kubernetes objects 1.5 MiB."""
_AT_ONCE = 256
_AT_ONCE_BYTES = 8 * 1024 * 1024
_SHOWN = 20
_COLUMNS = ("file", "recorded", "repeated", "left_out", "refused")
_CSV = (".csv", ".csv.gz")
_LOGS = (*ENDINGS, ".log", ".log.gz")


@dataclass(slots=True)
class AccessCount:
    """Count what became of the records of one file."""

    file: str
    recorded: int = 0
    repeated: int = 0
    left_out: int = 0
    refused: int = 0


class AccessImporter:
    """Hands the accesses that files tell of to an intake, and counts."""

    def __init__(
        self,
        intake: Intake,
        reader: AccessReader,
        refused: IO[str] | None,
        on_read: Callable[[int], None],
    ) -> None:
        """Import into *intake*; what is refused is written to *refused* as well."""
        self._intake, self._reader = intake, reader
        self._file, self._on_read = refused, on_read
        self.refusals: list[str] = []
        self._notes: set[str] = set()

    @property
    def notes(self) -> list[str]:
        """Return what was not as it should be, in any record."""
        return sorted(self._notes)

    def take(self, path: Path, *, is_csv: bool) -> AccessCount:
        """Import one file.

        Raises:
            LogError: What was read so far is durable; importing again goes on.

        """
        count = AccessCount(str(path))
        waiting: list[Ready] = []
        size = 0
        for one in self._read(path, count, is_csv=is_csv):
            waiting.append(one)
            size += len(one.entry.text)
            if len(waiting) >= _AT_ONCE or size >= _AT_ONCE_BYTES:
                self._hand_over(waiting, count)
                waiting, size = [], 0
        self._hand_over(waiting, count)
        return count

    def _read(self, path: Path, count: AccessCount, *, is_csv: bool) -> Iterator[Ready]:
        read = read_rows if is_csv else read_records
        try:
            for piece in read(path, max_bytes=MAX_RECORD_BYTES, on_read=self._on_read):
                if isinstance(piece, Piece):
                    yield from self._records(piece, count)
                else:
                    line, reason = piece
                    self._refuse(count, f"{path}:{line}", reason)
        except (InvalidDocument, Unreadable) as error:
            self._refuse(count, None, str(error))

    def _records(self, piece: Piece, count: AccessCount) -> Iterator[Ready]:
        where = f"{piece.name}:{piece.line}"
        try:
            for found in read_documents(piece.text, lines=piece.lines):
                if isinstance(found, Refused):
                    self._refuse(count, where, found.reason, found.text)
                    continue
                try:
                    ready = self._reader.read(found)
                except InvalidDocument as error:
                    self._refuse(count, where, str(error), found.text)
                    continue
                if ready is None:
                    count.left_out += 1
                else:
                    yield ready
        except InvalidDocument as error:
            self._refuse(count, where, str(error), piece.text)

    def _hand_over(self, waiting: list[Ready], count: AccessCount) -> None:
        for outcome in self._intake.record(waiting):
            self._notes.update(outcome.notes)
            if outcome.taken is Taken.REPEATED:
                count.repeated += 1
            else:
                count.recorded += 1

    def _refuse(
        self, count: AccessCount, where: str | None, reason: str, text: bytes | None = None
    ) -> None:
        count.refused += 1
        if len(self.refusals) < _SHOWN:
            self.refusals.append(reason if where is None else f"{where}: {reason}")
        if self._file is not None:
            shown = None if text is None else text.decode("utf-8", "backslashreplace")
            kept = {"where": where or count.file, "reason": reason, "text": shown}
            self._file.write(to_json(kept, indent=None) + "\n")


@click.command("access")
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option(
    "--mapping",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What the fields of other records mean; see docs/import.md.",
)
@click.option("--csv", "is_csv", is_flag=True, help="It is CSV, whatever the file's name ends in.")
@click.option(
    "--dataset",
    "renamings",
    multiple=True,
    metavar="REF=PATTERN",
    help="What names in the log mean: 'dataset:lake/t=s3://bucket/t/*'; may be repeated.",
)
@click.option(
    "--cluster",
    default="kubernetes",
    show_default=True,
    help="Name of the cluster whose audit log it is.",
)
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="PATTERN",
    help="More Kubernetes resources to keep, such as 'kserve.io/*'; may be repeated.",
)
@click.option(
    "--refused",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append what is refused to this file, with the reason: one JSON object a line.",
)
@output_options
def import_access(
    paths: tuple[Path, ...],
    mapping: Path | None,
    is_csv: bool,
    renamings: tuple[str, ...],
    cluster: str,
    resources: tuple[str, ...],
    refused: Path | None,
    output: str,
) -> int:
    """Import who used or was granted what, from audit logs: files, folders or standard input (-).

    Known are AWS CloudTrail and the Kubernetes audit log; --mapping describes other JSON or CSV. A
    file holds records one a line, an array or the system's own wrapper, gzipped or not. Importing
    again changes nothing. Records about no access to data are left out and counted.

    Exit status: 0 everything was read; 6 some records were refused; each is named on stderr.
    """
    home = find_home()
    settings = load_settings(home)
    files = find_files(paths, (*_LOGS, *_CSV) if mapping is not None else _LOGS)
    as_csv = [is_csv or path.name.lower().endswith(_CSV) for path in files]
    if any(as_csv) and mapping is None:
        raise click.UsageError("what the columns of a CSV file mean is said by --mapping")
    reader = AccessReader(
        _sender(settings),
        KubernetesReader(cluster, resources),
        None if mapping is None else load_mapping(mapping),
        tuple(parse_renaming(text) for text in renamings),
    )
    with contextlib.ExitStack() as stack:
        apart = None if refused is None else stack.enter_context(_appending(refused))
        ledger = stack.enter_context(open_ledger(home, settings))
        intake = stack.enter_context(open_intake(home, settings, ledger))
        progress = stack.enter_context(Progress("importing", _size(files)))
        importer = AccessImporter(intake, reader, apart, progress.advance)
        pairs = zip(files, as_csv, strict=True)
        counts = [importer.take(path, is_csv=is_rows) for path, is_rows in pairs]
    return _answer(importer, counts, output)


def _answer(importer: AccessImporter, counts: list[AccessCount], output: str) -> int:
    number = sum(count.refused for count in counts)
    shown = importer.refusals
    more = [f"and {number - len(shown)} more refused"] if number > len(shown) else []
    print_answer(
        Answer(
            query="import access",
            complete=not number,
            warnings=[f"refused {reason}" for reason in shown],
            remarks=more,
            rows=[asdict(count) for count in counts],
            extra={"notes": importer.notes},
        ),
        output,
        columns=_COLUMNS,
    )
    if importer.notes and output == "table":
        note(f"not as it should be, and taken: {', '.join(importer.notes)}")
    return Exit.INCOMPLETE if number else Exit.OK


def _sender(settings: Settings) -> Sender:
    producer = settings.gateway.producer
    actor = Actor(kind=ActorKind.SERVICE, id=producer)
    return Sender(producer=producer, actor=actor, origin=Origin.IMPORT)


def _size(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files if path.is_file())


@contextlib.contextmanager
def _appending(path: Path) -> Generator[IO[str]]:
    """Open a file that only its owner may read: records hold names and addresses."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unreadable(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "a", encoding="ascii") as file:
        yield file
