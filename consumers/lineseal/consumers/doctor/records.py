"""Is the record whole? The log's files, what the store has not read of them, the store itself."""

from __future__ import annotations

from collections.abc import Iterator

from lineseal.commandline.output import Answer
from lineseal.consumers.doctor.check import Check, Patient, fail, ok, warn
from lineseal.consumers.doctor.places import log_folder
from lineseal.queries.cli.common import ask
from lineseal.queries.database import schema_version
from lineseal.queries.questions import STATUS, NoParams
from lineseal.schemas.errors import LinesealError, NotFound, StoreBusy
from lineseal.transport.embedded.survey import survey
from lineseal.transport.open import is_kafka, kafka_url
from lineseal.transport.unread import asked_unread_by_stream


def check_records(patient: Patient) -> Iterator[Check]:
    """Check the log's files, the store, and the topics when the log is in Kafka."""
    yield from _outboxes(patient)
    yield from _store(patient)
    if is_kafka(patient.settings.log.url):
        yield from _topics(patient)


def _outboxes(patient: Patient) -> Iterator[Check]:
    try:
        states = survey(log_folder(patient))
    except LinesealError as error:
        yield fail("log", f"{error} [{error.code}]", "mend the folder")
        return
    for state in states:
        if state.problem is not None:
            name = f"log file {state.stream}"
            yield fail(name, f"{state.problem} [{state.problem.code}]", "see docs/errors.md")
    left = sum(state.pending or 0 for state in states if not state.in_use)
    if left:
        said = f"{left} events that crashed jobs left are not sealed"
        yield warn("log", said, "run 'lineseal outbox seal', or the producer's next job does")
    elif not any(state.problem for state in states):
        yield ok("log", f"{len(states)} files, all readable")


def _store(patient: Patient) -> Iterator[Check]:
    path = patient.home.resolve(patient.settings.store.path)
    try:
        answer = ask(STATUS, NoParams())
    except NotFound:
        yield warn("store", f"there is none at {path}", "run 'lineseal materialise'")
        return
    except StoreBusy as error:
        yield warn("store", f"{error} [{error.code}]", "ask again")
        return
    except LinesealError as error:
        todo = "restore it, or run 'lineseal rebuild': it is made from the log"
        yield fail("store", f"{error} [{error.code}]", todo)
        return
    version = str(answer.rows[0]["schema_version"])
    if version != str(schema_version()):
        said = f"it has schema {version}, this Lineseal knows {schema_version()}"
        yield warn("store", said, "'lineseal materialise' brings it up to date")
    else:
        yield ok("store", f"{answer.rows[0]['size_bytes']:,} bytes, schema {version}, opens")
    yield from _positions(patient, answer)


def _positions(patient: Patient, answer: Answer) -> Iterator[Check]:
    positions = {row["stream"]: row["next_position"] for row in answer.extra["positions"]}
    try:
        unread = asked_unread_by_stream(patient.home, patient.settings, positions)
    except LinesealError:
        return  # of the log itself there is a check of its own
    if unread is None:
        return
    gone = sorted(set(positions) - set(unread))
    if gone:
        said = f"{len(gone)} parts of the log that the store has read are gone, first {gone[0]}"
        yield warn("positions", said, "put them back, or make sure that they were pruned")
    elif behind := sum(unread.values()):
        said = f"{behind} batches in the log are not in the store"
        yield warn("positions", said, "run 'lineseal materialise', or 'lineseal up'")
    else:
        yield ok("positions", "the store has all that is in the log")


def _topics(patient: Patient) -> Iterator[Check]:
    try:
        from lineseal.transport.kafka.cluster import open_cluster  # noqa: PLC0415 - an extra
        from lineseal.transport.kafka.topics import TOPICS, check_topic  # noqa: PLC0415

        cluster = open_cluster(kafka_url(patient.settings.log.url, patient.home))
    except LinesealError as error:
        yield fail("Kafka", f"{error} [{error.code}]", "see docs/kafka.md")
        return
    try:
        for name in TOPICS:
            topic = f"topic {cluster.url.topic(name)}"
            try:
                findings = list(check_topic(cluster, name))
            except LinesealError as error:
                yield fail(topic, f"{error} [{error.code}]", "run 'lineseal topics create'")
                continue
            if findings:
                yield warn(topic, f"{len(findings)} findings", "run 'lineseal topics check'")
            else:
                yield ok(topic, "is there, and safe")
    finally:
        cluster.close()
