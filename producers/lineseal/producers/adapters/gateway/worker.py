"""Hands received texts to the intake, in a thread of its own, many at a time.

Whatever waits when the thread is free is made durable with one commit; each request is answered
after that. A text that cannot be read is refused alone.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from lineseal.producers.adapters.gateway.refusal import Refusal
from lineseal.producers.adapters.gateway.rejects import RejectLog
from lineseal.producers.adapters.gateway.telemetry import EVENTS, count
from lineseal.producers.adapters.openlineage.document import Refused, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.intake import (
    Intake,
    Outcome,
    Ready,
    Rights,
    Submission,
    Taken,
    judge,
)
from lineseal.schemas.errors import InvalidDocument, LinesealError, OutboxFull
from lineseal.services import ServiceLog

MAX_WAITING = 1024
_GROUP_BYTES = 4 * 1024 * 1024
_GROUP = 128
_FULL_SECONDS = 30
_TROUBLE_SECONDS = 2


@dataclass(slots=True)
class Delivery:
    """One request: its text, who sent it, and where its outcomes are waited for."""

    text: bytes
    sender: Sender
    rights: Rights
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[list[Outcome]]
    judged: list[Outcome | Ready] = field(default_factory=list[Outcome | Ready])
    refusal: Refusal | None = None

    def resolve(self, outcomes: list[Outcome] | None, refusal: Refusal | None) -> None:
        """Give the outcome to the event loop."""
        self.loop.call_soon_threadsafe(_settle, self.answer, outcomes, refusal)


class Worker:
    """Takes deliveries from the event loop. Start it, and close it once the server is down."""

    def __init__(self, intake: Intake, rejects: RejectLog, log: ServiceLog) -> None:
        """Work with *intake*; what is refused for what it says goes to *rejects*."""
        self._intake, self._rejects, self._log = intake, rejects, log
        self._waiting: queue.Queue[Delivery | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="gateway-intake", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def deliver(self, text: bytes, sender: Sender, rights: Rights) -> list[Outcome]:
        """Return what became of each event of a text, once it is durable.

        Raises:
            Refusal: None of them is.

        """
        if self._waiting.qsize() >= MAX_WAITING:
            raise Refusal(503, "BUSY", "too many requests wait; send it again", retry_after=1)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Outcome]] = loop.create_future()
        self._waiting.put(Delivery(text, sender, rights, loop, answer))
        return await answer

    def close(self, timeout: float) -> None:
        """Finish what waits and end the thread."""
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            group, more = self._next_group()
            if group:
                self._work(group)
            if not more:
                return

    def _next_group(self) -> tuple[list[Delivery], bool]:
        group: list[Delivery] = []
        size = 0
        while len(group) < _GROUP and size < _GROUP_BYTES:
            try:
                one = self._waiting.get(block=not group)
            except queue.Empty:
                break
            if one is None:
                return group, False
            group.append(one)
            size += len(one.text)
        return group, True

    def _work(self, group: Sequence[Delivery]) -> None:
        try:
            for one in group:
                self._judge(one)
            outcomes = self._intake.record([j for one in group for j in one.judged])
        except LinesealError as error:
            self._log.warning("cannot take events", code=error.code, reason=str(error))
            wait = _FULL_SECONDS if isinstance(error, OutboxFull) else _TROUBLE_SECONDS
            refusal = Refusal(503, error.code, "cannot be made durable now", retry_after=wait)
            self._refuse_all(group, refusal)
        except Exception as error:  # noqa: BLE001 - the thread must live on
            self._log.error("a request crashed the intake", exc_info=error)
            self._refuse_all(group, Refusal(500, "CRASH", "a fault of the gateway"))
        else:
            self._answer(group, outcomes)

    def _judge(self, one: Delivery) -> None:
        try:
            for found in read_documents(one.text):
                if isinstance(found, Refused):
                    self._rejects.add(found.text, found.reason, one.rights.owner)
                    one.judged.append(Outcome(Taken.INVALID, "", reason=found.reason))
                    continue
                judged = judge(Submission(found, one.sender, one.rights))
                if isinstance(judged, Outcome):
                    self._refuse(found.text, judged, one)
                one.judged.append(judged)
        except InvalidDocument as error:
            self._rejects.add(one.text, str(error), one.rights.owner)
            one.judged.clear()
            one.refusal = Refusal(400, error.code, str(error))

    def _answer(self, group: Sequence[Delivery], outcomes: list[Outcome]) -> None:
        start = 0
        for one in group:
            own = outcomes[start : start + len(one.judged)]
            start += len(own)
            for judged, outcome in zip(one.judged, own, strict=True):
                if isinstance(judged, Ready) and outcome.reason is not None:
                    self._refuse(judged.entry.text, outcome, one)
                elif outcome.reason is None:
                    count(EVENTS, 1, {"lineseal.outcome": outcome.taken.value})
            one.resolve(own, one.refusal)

    def _refuse(self, text: bytes, outcome: Outcome, one: Delivery) -> None:
        self._rejects.add(text, outcome.reason or "", one.rights.owner, code=outcome.code)

    def _refuse_all(self, group: Sequence[Delivery], refusal: Refusal) -> None:
        for one in group:
            one.resolve(None, one.refusal or refusal)


def _settle(
    answer: asyncio.Future[list[Outcome]], outcomes: list[Outcome] | None, refusal: Refusal | None
) -> None:
    if answer.done():  # the client went away
        return
    if refusal is not None:
        answer.set_exception(refusal)
    else:
        answer.set_result(outcomes or [])
