"""The emitter: what a job uses to say what happened.

``emit`` returns when the event is durable in the outbox and not before. Nothing here raises into
the job unless the emitter is strict: what cannot be recorded is counted, logged once as a
warning, and told under signature with the next batch (a ``loss``). Nothing waits for a network.
"""

from __future__ import annotations

import socket
import weakref
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from lineseal.producers.artifacts import ArtifactLike, ArtifactSpec, measured_use
from lineseal.producers.bodies import (
    AssuranceMethods,
    PeopleMethods,
    ResponseMethods,
    SupplyMethods,
)
from lineseal.producers.containment import Containment
from lineseal.producers.delivery import Delivery
from lineseal.producers.envelope import Context, Envelope
from lineseal.producers.friendly import build
from lineseal.producers.identity import Identity, identify
from lineseal.producers.parts import split_run
from lineseal.producers.run import Run, current_run
from lineseal.producers.step import in_run
from lineseal.producers.tally import Stats, Tally
from lineseal.schemas.errors import (
    BadIdentifier,
    ConfigurationError,
    ContractError,
    InvalidEvent,
    LinesealError,
)
from lineseal.schemas.guard import check_identifier, check_record
from lineseal.schemas.ids import draw_chances
from lineseal.schemas.model import AnyBody, ArtifactUse, Job, RunEvent, Workload
from lineseal.schemas.record import to_record
from lineseal.schemas.reference import DEFAULT_NAMESPACE, split_name
from lineseal.settings import Settings, find_home, load_settings
from lineseal.transport.embedded.voice import LOGGER

P = ParamSpec("P")
R = TypeVar("R")

_MAX_WARNINGS = 100


class Emitter(SupplyMethods, AssuranceMethods, PeopleMethods, ResponseMethods):
    """Signs and stores what a job says. Safe to share between threads and to carry over a fork.

    Make one with ``from_env`` and use it as a context manager. Without that it is closed when it
    is collected or when the interpreter ends; what a killed process had emitted is sealed by the
    producer's next emitter.
    """

    def __init__(
        self,
        identity: Identity | None,
        *,
        problem: LinesealError | None = None,
        strict: bool = False,
        namespace: str = DEFAULT_NAMESPACE,
        relay: bool = False,
    ) -> None:
        """Emit as *identity*; None means that everything is dropped because of *problem*.

        Args:
            identity: Who emits and where to.
            problem: Why there is no identity.
            strict: Raise into the job instead of dropping.
            namespace: Namespace of jobs that are named without one.
            relay: With a log in Kafka, ship from a thread of this process.

        """
        self._identity = identity
        self._problem = problem or ConfigurationError("the emitter was made without an identity")
        self._strict = strict
        self._namespace = namespace
        self._tally = Tally()
        self._warned: set[str] = set()
        self._delivery: Delivery | None = None
        self._envelope: Envelope | None = None
        self.containment: Containment | None = None
        if identity is not None:
            self.containment = Containment(identity.home, identity.settings)
            self._delivery = Delivery(identity, self._tally, relay=relay)
            self._envelope = Envelope(identity.producer, identity.actor, _workload())
            self._finalizer = weakref.finalize(self, self._delivery.close)

    @classmethod
    def from_env(
        cls,
        *,
        producer: str | None = None,
        person: str | None = None,
        key: str | None = None,
        strict: bool | None = None,
        home: str | Path | None = None,
        relay: bool | None = None,
    ) -> Self:
        """Make an emitter from the home that is found here or above, and its settings.

        Nothing is opened before the first event. Without a home, or with settings that cannot
        work, the emitter drops everything and says so once, unless it is strict.

        Args:
            producer: Whom to sign as; ``[emitter] producer`` by default.
            person: Sign as this person, with their own key ``keys/person-NAME.pem``.
            key: A signer URI or the path of a private key; by default the producer's.
            strict: Raise into the job; ``[emitter] strict`` by default.
            home: The home folder; ``LINESEAL_HOME`` or ``.lineseal`` here or above by default.
            relay: Ship to Kafka from a thread of this process; ``[emitter] relay`` by default.

        Raises:
            LinesealError: Only when strict: there is no home, or its settings cannot work.

        """
        settings = Settings()
        try:
            settings = load_settings(None)
            found = find_home(home)
            settings = load_settings(found)
            identity = identify(found, settings, producer=producer, person=person, key=key)
        except LinesealError as error:
            if settings.emitter.strict if strict is None else strict:
                raise
            return cls(None, problem=error)
        return cls(
            identity,
            strict=settings.emitter.strict if strict is None else strict,
            namespace=settings.emitter.namespace,
            relay=settings.emitter.relay if relay is None else relay,
        )

    @property
    def actor_id(self) -> str | None:
        """Return who acts: the person, or the producer; None when nobody is configured."""
        return None if self._identity is None else self._identity.actor.id

    @property
    def producer(self) -> str | None:
        """Return the name batches are sealed under; None when nobody is configured."""
        return None if self._identity is None else self._identity.producer

    @property
    def stats(self) -> Stats:
        """Return how many events were made durable and how many were dropped so far."""
        return self._tally.stats

    def run(
        self,
        job: str | Job,
        *,
        stage: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        trigger: str | None = None,
        entry_point: str | None = None,
    ) -> Run:
        """Make a run of *job*; enter it with ``with``.

        Args:
            job: ``namespace/name``, or a name in the configured namespace.
            stage: The stage of the pipeline.
            parameters: Parameters known at the start, by name.
            trigger: What started it (a schedule, a person, an upstream job).
            entry_point: What was started, as text.

        """
        return Run(
            self,
            self._job(job),
            stage=stage,
            parameters=parameters,
            trigger=trigger,
            entry_point=entry_point,
        )

    def step(
        self,
        job: str | Job,
        *,
        stage: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        trigger: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a function: each call is a run; ``current_run()`` gives it inside.

        The arguments are those of ``run``.
        """

        def open_run() -> Run:
            return self.run(job, stage=stage, parameters=parameters, trigger=trigger)

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            return in_run(open_run, function)

        return decorate

    def emit(
        self,
        body: AnyBody,
        *,
        job: str | Job | None = None,
        stage: str | None = None,
        run_id: str | None = None,
    ) -> str | None:
        """Make one event durable and return its id; None when it had to be dropped.

        Inside one of this emitter's runs the event belongs to that run unless told otherwise. A
        run event over 60 KiB becomes several; the id is the first one's.

        Raises:
            LinesealError: Only when strict: the body breaks the contract, or the outbox cannot
                take it.

        """
        ids = self._emit_all([body], self._context(job, stage, run_id))
        return ids[0] if ids else None

    def emit_many(
        self,
        bodies: Iterable[AnyBody],
        *,
        job: str | Job | None = None,
        stage: str | None = None,
        run_id: str | None = None,
    ) -> list[str]:
        """Make many events durable with one commit, and return the ids of those accepted.

        Bodies that break the contract are dropped one by one; when the outbox cannot take the
        rest, all of it is dropped. See ``emit``.
        """
        return self._emit_all(bodies, self._context(job, stage, run_id))

    def record(self, body: type[AnyBody], values: Mapping[str, Any]) -> str | None:
        """Build a body of a class from friendly values and emit it; None means "not given".

        REFs, mappings, ISO times and enumerations as text are understood
        (``lineseal.producers.friendly``). See ``emit`` for the rest.
        """
        try:
            given = {name: self._hashed(value) for name, value in values.items()}
            built = build(body, given)
        except Exception as error:  # noqa: BLE001 - callers may pass anything
            self.refuse(error)
            return None
        return self.emit(built)

    def measure(self, *artifacts: ArtifactLike) -> tuple[ArtifactUse, ...]:
        """Check artifacts and hash the files and folders they name; wrong ones are dropped."""
        uses: list[ArtifactUse] = []
        for value in artifacts:
            try:
                use = measured_use(value, self._on_unreadable)
                check_record(ArtifactUse, to_record(use))
            except Exception as error:  # noqa: BLE001 - callers may pass anything
                self.refuse(error)
            else:
                uses.append(use)
        return tuple(uses)

    def refuse(self, error: Exception) -> None:
        """Raise *error* when strict; else count it as one dropped fact and log it once."""
        if isinstance(error, ContractError):
            error = InvalidEvent(str(error))
        elif not isinstance(error, LinesealError):
            error = InvalidEvent(f"{type(error).__name__}: {error}")
        if self._strict:
            raise error
        self._tally.drop(1, error.code)
        self._warn(error)

    def flush(self) -> None:
        """Seal what is pending now, so that a consumer can see it."""
        if self._delivery is None:
            return
        try:
            self._delivery.seal_now()
        except LinesealError as error:
            if self._strict:
                raise
            self._warn(error, "flush could not seal now")

    def close(self) -> None:
        """Seal everything, end the epoch and release the outbox; calling it twice is fine.

        With a relay of its own it then ships for at most ``[emitter] drain_seconds``.
        An event emitted later opens another outbox.
        """
        if self._delivery is not None and not self._delivery.close():
            LOGGER.warning("the outbox is still being sealed; the producer's next run ends it")
        if self._delivery is not None:
            self._delivery.drain()

    def __enter__(self) -> Self:
        """Return the emitter itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _emit_all(self, bodies: Iterable[AnyBody], context: Context) -> list[str]:
        ids: list[str] = []
        events: list[bytes] = []
        # An exception of the caller's own iterator is the caller's, and comes before anything.
        given = list(bodies)
        for body, chance in zip(given, draw_chances(len(given)), strict=True):
            try:
                sealed = self._seal_up(body, context, chance)
            except Exception as error:  # noqa: BLE001 - callers may pass anything
                self.refuse(error)
            else:
                ids.append(sealed[0][0])
                events += [event for _, event in sealed]
        return ids if self._accept(events) else []

    def _seal_up(self, body: AnyBody, context: Context, chance: bytes) -> list[tuple[str, bytes]]:
        if self._envelope is None:
            # The same object raised again and again would collect tracebacks.
            raise self._problem.with_traceback(None)
        try:
            return [self._envelope.seal_up(body, context, chance)]
        except InvalidEvent:
            parts = split_run(body) if isinstance(body, RunEvent) else []
            if len(parts) < 2:
                raise
            return [self._envelope.seal_up(part, context) for part in parts]

    def _accept(self, events: list[bytes]) -> bool:
        if not events or self._delivery is None:
            return False
        try:
            self._delivery.accept(events)
        except Exception as error:
            if self._strict:
                raise
            self._warn(error)
            return False
        return True

    def _context(self, job: str | Job | None, stage: str | None, run_id: str | None) -> Context:
        run = current_run()
        if job is None and run_id is None and run is not None and run.emitter is self:
            return Context(run.job, run.stage if stage is None else stage, run.run_id)
        return Context(None if job is None else self._job(job), stage, run_id)

    def _job(self, job: str | Job) -> Job:
        if isinstance(job, Job):
            return job
        return _named_job(str(job), self._namespace)

    def _hashed(self, value: Any) -> Any:
        if isinstance(value, ArtifactSpec):
            return measured_use(value, self._on_unreadable)
        if isinstance(value, list | tuple):
            return [self._hashed(item) for item in cast("list[Any]", value)]
        return value

    def _on_unreadable(self, path: Path, error: Exception) -> None:
        if self._strict:
            raise error
        self._warn(error, f"{path} is recorded without a digest")

    def _warn(self, error: Exception, what: str = "an event was dropped") -> None:
        """Log a warning, once for each text."""
        code = error.code if isinstance(error, LinesealError) else type(error).__name__
        text = f"{what}: {error} [{code}]"
        if text in self._warned or len(self._warned) >= _MAX_WARNINGS:
            return
        self._warned.add(text)
        LOGGER.warning("%s", text)


@lru_cache(maxsize=256)
def _named_job(text: str, default: str) -> Job:
    namespace, name = split_name(text) if "/" in text else (default, text)
    return Job(namespace=namespace, name=name)


def _workload() -> Workload | None:
    host = socket.gethostname()
    try:
        check_identifier(host)
    except BadIdentifier:
        return None
    return Workload(host=host)
