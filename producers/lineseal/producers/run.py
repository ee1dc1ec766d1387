"""Tells the story of one run: START, what it read and wrote as it happens, how it ended.

Reads and writes are events of their own, emitted at once, so that a job that is killed has said
what it touched. Nothing in here stops the job: what cannot be said is counted as dropped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lineseal.producers.admission import Admission, named
from lineseal.producers.artifacts import ArtifactLike
from lineseal.producers.capture.environment import (
    capture_code,
    capture_environment,
    code_folder,
    entry_point,
)
from lineseal.producers.friendly import convert
from lineseal.producers.text import fit_redacted, to_text
from lineseal.schemas.errors import BadIdentifier, LinesealError
from lineseal.schemas.guard import check_identifier, check_record
from lineseal.schemas.ids import new_uuid7
from lineseal.schemas.model import (
    Code,
    Environment,
    Job,
    Metric,
    Pair,
    ParentRun,
    RunEvent,
    RunState,
)
from lineseal.schemas.record import to_record
from lineseal.transport.embedded.voice import LOGGER

if TYPE_CHECKING:
    from lineseal.producers.emitter import Emitter

PARENT_RUN = "LINESEAL_PARENT_RUN_ID"
PARENT_NAMESPACE = "LINESEAL_PARENT_JOB_NAMESPACE"
PARENT_NAME = "LINESEAL_PARENT_JOB_NAME"

_current: ContextVar[Run | None] = ContextVar("lineseal_run", default=None)


def current_run() -> Run | None:
    """Return the run that is active in this thread or task, or None."""
    return _current.get()


class Run:
    """One run of a job; make it with ``Emitter.run`` and use it as a context manager.

    Attributes:
        emitter: The emitter it reports through.
        job: The job.
        stage: The stage of the pipeline, or None.
        run_id: Its UUIDv7; another system's id where an adapter follows that system's runs.
        parent: The run it is a part of; what surrounds it by default.

    """

    def __init__(
        self,
        emitter: Emitter,
        job: Job,
        *,
        stage: str | None,
        parameters: Mapping[str, Any] | None,
        trigger: str | None,
        entry_point: str | None,
    ) -> None:
        """Prepare a run; nothing is emitted before it is entered."""
        self.emitter = emitter
        self.job = job
        self.stage = stage
        self.run_id = new_uuid7()
        self.parent: ParentRun | None = None
        self._trigger = trigger
        self._entry_point = entry_point
        self._given = dict(parameters or {})
        self._parameters: dict[str, Pair] = {}
        self._metrics: dict[str, Metric] = {}
        self._end: tuple[RunState, str | None] | None = None
        self._pid = os.getpid()
        self._token: Token[Run | None] | None = None

    def reads(
        self,
        *artifacts: ArtifactLike,
        override_reason: str | None = None,
        approved_by: str | None = None,
    ) -> None:
        """Record what the run reads, now; files and folders given by ``path=`` are hashed.

        Call it before reading: what is frozen or in quarantine is refused, the one way in which
        Lineseal stops a job (``[emitter] on_contained = "warn"`` does not).

        Args:
            artifacts: What is read.
            override_reason: Why it is read although it is contained; recorded, with *approved_by*.
            approved_by: Who agreed to that.

        Raises:
            Contained: The containment list says that it must not be read, and nobody overrode
                that. Nothing is recorded as read.

        """
        admission = Admission(self, override_reason, approved_by)
        admission.check(named(artifacts), measured=False)
        uses = self.emitter.measure(*artifacts)
        admission.check([use.artifact for use in uses], measured=True)
        if uses:
            self._emit(RunEvent(state=RunState.RUNNING, inputs=uses))

    def writes(self, *artifacts: ArtifactLike) -> None:
        """Record what the run wrote, now; files and folders given by ``path=`` are hashed."""
        uses = self.emitter.measure(*artifacts)
        if uses:
            self._emit(RunEvent(state=RunState.RUNNING, outputs=uses))

    def parameter(self, name: str, value: Any) -> None:
        """Note a parameter; it is emitted when the run starts or, later, when it ends.

        The value becomes text: strings as they are, other values as JSON or ``str``. Values of
        parameters that look like secrets are replaced before they are signed.
        """
        try:
            check_identifier(name, "the parameter's name")
            self._parameters[name] = Pair(key=name, value=to_text(value))
        except Exception as error:  # noqa: BLE001 - an object's own __str__ may fail
            self._refuse(error)

    def metric(self, name: str, value: float) -> None:
        """Note a number; the last one of each name is emitted when the run ends.

        NaN and infinity are refused: they compare with nothing.
        """
        try:
            metric = Metric(name=name, value=convert(float, value, f"the metric {name!r}"))
            check_record(Metric, to_record(metric))
            self._metrics[name] = metric
        except Exception as error:  # noqa: BLE001 - a number's own __float__ may fail
            self._refuse(error)

    def fail(self, message: str | None = None) -> None:
        """Let the run end as FAIL although no exception leaves it."""
        self._end = (RunState.FAIL, message)

    def abort(self, message: str | None = None) -> None:
        """Let the run end as ABORT: somebody stopped it."""
        self._end = (RunState.ABORT, message)

    def begin(self) -> None:
        """Emit START without becoming the current run: for runs that are no block of code."""
        for name, value in self._given.items():
            self.parameter(name, value)
        code, environment = self._capture()
        self._emit(
            RunEvent(
                state=RunState.START,
                parameters=self._taken_parameters(),
                code=code,
                environment=environment,
                trigger=None if self._trigger is None else fit_redacted(self._trigger),
                parent=self.parent or _parent(),
            )
        )

    def finish(self, error: BaseException | None = None) -> None:
        """Emit COMPLETE, FAIL or ABORT of a run that was begun with ``begin``."""
        state, message = self._end or _outcome(error)
        self._emit(
            RunEvent(
                state=state,
                parameters=self._taken_parameters(),
                metrics=tuple(self._metrics.values()),
                message=None if message is None else fit_redacted(message),
            )
        )

    def __enter__(self) -> Self:
        """Emit START and become the current run."""
        self.begin()
        self._token = _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Emit COMPLETE, FAIL or ABORT; an exception goes on its way."""
        if self._token is not None:
            try:
                _current.reset(self._token)
            except ValueError:  # left in another context than it was entered in
                _current.set(None)
        if self._pid != os.getpid():
            return  # a forked child leaves the block: the run is its parent's to end
        try:
            self.finish(error)
        except LinesealError as problem:
            if error is None:
                raise
            # The job's own exception is the one to see.
            LOGGER.warning("the end of run %s was not recorded: %s", self.run_id, problem)

    def _emit(self, event: RunEvent) -> None:
        self.emitter.emit(event, job=self.job, stage=self.stage, run_id=self.run_id)

    def _taken_parameters(self) -> tuple[Pair, ...]:
        taken, self._parameters = self._parameters, {}
        return tuple(taken.values())

    def _capture(self) -> tuple[Code | None, Environment | None]:
        try:
            folder = code_folder()
            started = self._entry_point or entry_point()
            return capture_code(folder, started), capture_environment(folder)
        except Exception as error:  # noqa: BLE001 - facts about the machine are a bonus
            LOGGER.warning("code and environment are not recorded: %s", error)
            return None, None

    def _refuse(self, error: Exception) -> None:
        self.emitter.refuse(error)


def _outcome(error: BaseException | None) -> tuple[RunState, str | None]:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return RunState.COMPLETE, None
    name = type(error).__qualname__
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an exception whose text cannot be had
        text = ""
    state = RunState.ABORT if isinstance(error, KeyboardInterrupt) else RunState.FAIL
    return state, f"{name}: {text}" if text else name


def _parent() -> ParentRun | None:
    """Name the run around this one: in this thread or task, or in the parent process."""
    around = _current.get()
    if around is not None:
        return ParentRun(
            run_id=around.run_id,
            job_namespace=around.job.namespace,
            job_name=around.job.name,
        )
    named = [os.environ.get(name) or None for name in (PARENT_RUN, PARENT_NAMESPACE, PARENT_NAME)]
    try:
        for value in named:
            if value is not None:
                check_identifier(value)
    except BadIdentifier:
        return None
    run_id, namespace, name = named
    if run_id is None:
        return None
    return ParentRun(run_id=run_id, job_namespace=namespace, job_name=name)
