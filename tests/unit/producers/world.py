"""A small world to emit in: a home made by the real command, and a way to read what was said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineseal.commandline.program import lineseal
from lineseal.producers import Emitter
from lineseal.schemas.codec import decode_event, decode_header
from lineseal.schemas.model import BatchHeader, Check, Outcome, Validation
from lineseal.schemas.reference import parse_reference, to_artifact
from lineseal.settings import Home, load_settings
from lineseal.signing.frame import decode_frame
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.verify import verify_batch
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded import EmbeddedLogReader, open_log_folder

PRODUCER = "trainer"
BODY = Validation(
    artifact=to_artifact(parse_reference("dataset:lake/tx@3")),
    check=Check(tool="t", name="n"),
    outcome=Outcome.PASS,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One event as it stands in the log."""

    body_name: str
    record: dict[str, Any]
    producer: str

    @property
    def event_id(self) -> str:
        """Return its id."""
        return str(self.record["event_id"])

    @property
    def body(self) -> dict[str, Any]:
        """Return its body's fields."""
        fields: dict[str, Any] = self.record["body"][self.body_name]
        return fields


def make_home(folder: Path, *people: str) -> Home:
    """Make ``.lineseal`` in *folder* with the real commands, and a key for each person.

    Nothing is in its log: what happens to keys is recorded under the key of the detections, which
    is away meanwhile.
    """
    home = Home(folder / ".lineseal")
    command("--home", str(home.path), "init", "--producer", PRODUCER)
    detections = (home.keys / "detect.pem").rename(home.path / "away.pem")
    for person in people:
        command("--home", str(home.path), "keys", "new", person, "--person", "--enrol")
    detections.rename(home.keys / "detect.pem")
    return home


def command(*arguments: str) -> int:
    """Run ``lineseal`` in this process and return its status; errors are raised."""
    status = lineseal.main(list(arguments), prog_name="lineseal", standalone_mode=False)
    return int(status or 0)


def keyring_of(home: Home) -> Keyring:
    """Load the keyring of *home*."""
    deployment = load_settings(home, {}).deployment
    return load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)


def records_of(home: Home) -> list[LogRecord]:
    """Read every sealed batch of *home*, stream by stream."""
    reader = EmbeddedLogReader(open_log_folder(load_settings(home, {}), home))
    records: list[LogRecord] = []
    while found := reader.poll(1000, 0.0):
        records += found
    reader.close()
    return records


def headers_of(home: Home) -> list[BatchHeader]:
    """Return the header of every sealed batch."""
    return [decode_header(decode_frame(record.value).header) for record in records_of(home)]


def said_in(home: Home) -> list[Said]:
    """Return every sealed event, each verified with the keyring of *home*."""
    keyring = keyring_of(home)
    deployment = load_settings(home, {}).deployment.name
    found: list[Said] = []
    for record in records_of(home):
        created = decode_header(decode_frame(record.value).header).created_at
        batch = verify_batch(
            record.value, keyring, deployment=deployment, at=created, log_key=record.key
        )
        for data in batch.events:
            name, event = decode_event(data, batch.header.schema_sha256)
            found.append(Said(name, event, batch.header.producer))
    return found


def told_by(emitter: Emitter, home: Home) -> list[Said]:
    """Close the emitter and return what is in the log."""
    emitter.close()
    return said_in(home)


def states(said: list[Said]) -> list[str]:
    """Return the run states in the order they were said."""
    return [one.body["state"] for one in said if one.body_name == "run"]
