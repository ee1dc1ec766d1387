"""What one OpenLineage event means as events of ours. Pure: no IO, no clock, no state.

The same document from the same sender always gives the same events with the same ids, whatever
came before, so repeats change nothing and order does not matter. The first event of each document
carries the document's digest and what was noted about it, as parameters ``openlineage.*``.

* A run event becomes a ``RunEvent``. ``OTHER`` is ``RUNNING``; without inputs and outputs it is
  a note about the job instead, since it may come long after the run's end and must not stretch it.
* An event about a job or a data set alone becomes a ``Registration``.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json and the facets' schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from lineseal.producers.adapters.openlineage import names, run_facets, statements
from lineseal.producers.adapters.openlineage.datasets import (
    Dataset,
    implied_inputs,
    implied_outputs,
    read_dataset,
    read_datasets,
    uses_of,
)
from lineseal.producers.adapters.openlineage.document import Document
from lineseal.producers.adapters.openlineage.encoding import Occasion, Sender, encode_bodies
from lineseal.producers.adapters.openlineage.moments import read_moment
from lineseal.producers.adapters.openlineage.reading import Facets, Node, Notes
from lineseal.producers.text import fit
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.model import (
    AnyBody,
    Artifact,
    Evidence,
    Job,
    Pair,
    RunEvent,
    RunState,
)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Hold what a document means.

    Attributes:
        events: Encoded events, in order; never empty.
        event_time: When it happened, microseconds UTC.
        job: The job it is about; None for an event about a data set.
        run_id: The run it is about, if any.
        written: What it says was written or is owned: what a sender needs the right to speak of.
        notes: What was not as the specification wants it.

    """

    events: tuple[bytes, ...]
    event_time: int
    job: Job | None
    run_id: str | None
    written: tuple[Artifact, ...]
    notes: tuple[str, ...]


def map_document(document: Document, sender: Sender) -> Mapped:
    """Map one document.

    Raises:
        InvalidDocument: It is no OpenLineage event: it has no time, names neither a run with its
            job, a job nor a data set, or breaks our limits in a way that cannot be mended.

    """
    reading = _Reading(document, sender)
    return Mapped(
        encode_bodies(reading.bodies(), sender, reading.occasion),
        reading.event_time,
        reading.job,
        reading.run_id,
        tuple(reading.written),
        tuple(reading.notes),
    )


class _Reading:
    """Reads one document, from the top down."""

    def __init__(self, document: Document, sender: Sender) -> None:
        self.notes = Notes()
        self.written: list[Artifact] = []
        self._document, self._sender = document, sender
        self._event = Node(document.value, self.notes)
        self.event_time = self._time()
        self._note_envelope()
        run, job = self._event.node("run"), self._event.node("job")
        self._run, self._job = Facets(run, "facets"), Facets(job, "facets")
        self.job = self._job_named(job)
        self.run_id = names.run_id(run.text("runId"), self.notes)
        if self._event.value.get("run") is not None and self.run_id is None:
            raise InvalidDocument("run.runId is missing")
        self._stage = run_facets.stage_of(self._run, self._job)

    def bodies(self) -> list[AnyBody]:
        """Return what the document says; what carries its digest comes first."""
        if self.run_id is not None:
            if self.job is None:
                raise InvalidDocument("job.namespace and job.name are missing")
            return list(self._run_bodies(self.job))
        if self.job is not None:
            return list(self._job_bodies(self.job))
        dataset = read_dataset(self._event.node("dataset"), "dataset", self._sender.kinds)
        if dataset is None:
            raise InvalidDocument("it names neither a run, nor a job, nor a data set")
        self.written.append(dataset.artifact)
        checks = [*statements.validations([dataset], self._tool())]
        return [statements.registration_of(dataset, self._about((), [dataset])), *checks]

    @property
    def occasion(self) -> Occasion:
        """Return when and in which run it happened."""
        return Occasion(
            event_time=self.event_time,
            identity=self._document.identity,
            job=self.job,
            run_id=self.run_id,
            stage=self._stage,
        )

    def _run_bodies(self, job: Job) -> Iterator[AnyBody]:
        kinds = self._sender.kinds
        inputs = read_datasets(self._event, "input", kinds)
        outputs = read_datasets(self._event, "output", kinds)
        read = [*uses_of(inputs), *implied_inputs(inputs, outputs, self._run, self._job, kinds)]
        written = [*uses_of(outputs), *implied_outputs(outputs, self._run, self._job, kinds)]
        self.written.extend(use.artifact for use in written)
        said = self._said_besides(job, inputs, outputs)
        event = RunEvent(
            state=self._state(),
            inputs=tuple(dict.fromkeys(read)),
            outputs=tuple(dict.fromkeys(written)),
            parameters=tuple(run_facets.parameters_of(self._run, self._job)),
            metrics=run_facets.metrics_of(self._run),
            code=run_facets.code_of(self._job),
            environment=run_facets.environment_of(self._run),
            trigger=run_facets.trigger_of(self._run),
            parent=run_facets.parent_of(self._run),
            message=run_facets.message_of(self._run),
        )
        # Everything that may add a note stands above.
        about = self._about({*self._run.names, *self._job.names}, [*inputs, *outputs])
        if self._only_adds() and not read and not written:
            yield statements.job_registration(job, self._job, about)
        else:
            yield replace(event, parameters=names.once((*about, *event.parameters)))
        yield from said

    def _said_besides(
        self, job: Job, inputs: Sequence[Dataset], outputs: Sequence[Dataset]
    ) -> list[AnyBody]:
        """Return checks, owners and decisions."""
        datasets = [*inputs, *outputs]
        said: list[AnyBody] = []
        if run_facets.owner_of(self._job["ownership"]) is not None:
            said.append(statements.job_registration(job, self._job))
        said += statements.owned(datasets, self._sender.writes)
        said += statements.validations(datasets, self._tool())
        approval = statements.approval_of(self._run, job, self._evidence())
        return said if approval is None else [*said, approval]

    def _job_bodies(self, job: Job) -> Iterator[AnyBody]:
        kinds = self._sender.kinds
        datasets = [
            dataset
            for direction in ("input", "output")
            for dataset in read_datasets(self._event, direction, kinds)
        ]
        owned = [*statements.owned(datasets, self._sender.writes)]
        yield statements.job_registration(job, self._job, self._about(self._job.names, datasets))
        yield from owned

    def _state(self) -> RunState:
        text = (self._event.text("eventType") or "").upper()
        if text in RunState._value2member_map_:
            return RunState(text)
        if text != "OTHER":
            self.notes.add("event_type_unknown")
        return RunState.RUNNING

    def _only_adds(self) -> bool:
        """Tell whether the event changes no state of the run."""
        return (self._event.text("eventType") or "").upper() not in RunState._value2member_map_

    def _time(self) -> int:
        moment = read_moment(self._event.value.get("eventTime"), self.notes)
        if moment is None:
            raise InvalidDocument("eventTime is missing, or no time from 1970 to 9999")
        return moment

    def _note_envelope(self) -> None:
        if self._event.text("producer") is None:
            self.notes.add("producer_missing")
        if self._event.text("schemaURL") is None:
            self.notes.add("schema_url_missing")
        if self._document.not_numbers:
            self.notes.add("not_a_number")

    def _job_named(self, node: Node) -> Job | None:
        namespace = names.identifier(node.text("namespace"), self.notes)
        name = names.identifier(node.text("name"), self.notes)
        if namespace is None or name is None:
            return None
        return Job(namespace=namespace, name=name)

    def _about(self, facets: Iterable[str], datasets: Sequence[Dataset]) -> tuple[Pair, ...]:
        """Return what ties our event to the document."""
        names_of_facets = {*facets, *(name for each in datasets for name in each.facets.names)}
        said = {
            "document": self._document.digest,
            "event_type": self._event.text("eventType"),
            "producer": self._event.text("producer"),
            "schema": self._event.text("schemaURL"),
            "facets": ",".join(sorted(names_of_facets)),
            "notes": ",".join(self.notes),
        }
        return tuple(
            Pair(key=f"openlineage.{key}", value=fit(value)) for key, value in said.items() if value
        )

    def _tool(self) -> str:
        """Return who checked: the integration, else the last part of the producer's URI."""
        integration = self._job["jobType"].text("integration")
        if integration is not None:
            return names.identifier(integration.lower(), self.notes) or "openlineage"
        uri = (self._event.text("producer") or "").rstrip("/")
        return names.identifier(uri.rpartition("/")[2][:200], self.notes) or "openlineage"

    def _evidence(self) -> Evidence:
        return Evidence(name="OpenLineage event", digest=self._document.digest)
