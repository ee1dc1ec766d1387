"""Keeps services running until they are told to stop: one thread each, started again on failure.

Promises: a failure of one service never ends another; each failure is reported with its code and
followed by a pause that doubles up to half a minute; ``stop`` gives every service the same time
to end; who does not end in time is named. What it refuses to do: kill a thread. A process whose
services hang has to exit, which is for the caller to decide.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from lineseal.schemas.errors import ConfigurationError, LinesealError, MissingExtra
from lineseal.services.contract import Service, ServiceContext, ServiceLog
from lineseal.services.shared import Shared, SharedKey
from lineseal.services.state import ServiceState, ServiceStatus
from lineseal.settings import Home, Settings

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A service that ran this long starts over with the first pause."""


class Supervisor:
    """Runs services. ``start`` it, ``wait``, then ``stop``; it is not started twice.

    Attributes:
        shared: The registry given to every service.
        fatal: What no restart cures, or None: the configuration is wrong.

    """

    def __init__(
        self,
        services: Mapping[str, Service],
        *,
        home: Home,
        settings: Settings,
        log_for: Callable[[str], ServiceLog],
        stop: threading.Event | None = None,
    ) -> None:
        """Prepare *services*, by name; *log_for* gives each its logger.

        Setting *stop* from outside (a signal handler) is as good as calling ``stop``.
        """
        self.shared = Shared()
        self.fatal: LinesealError | None = None
        self._stop = stop or threading.Event()
        self._lock = threading.Lock()
        self._services = dict(services)
        self._status = {
            name: ServiceStatus(name=name, state=ServiceState.STARTING) for name in services
        }
        self._threads: dict[str, threading.Thread] = {}
        self._contexts = {
            name: ServiceContext(
                name=name,
                home=home,
                settings=settings,
                stop=self._stop,
                ready=partial(self._ready, name),
                log=log_for(name),
                shared=self.shared,
            )
            for name in services
        }
        self.shared.offer(SUPERVISOR, self)

    def start(self) -> None:
        """Start every service in a thread of its own."""
        for name in self._services:
            thread = threading.Thread(target=self._keep, args=(name,), name=name, daemon=True)
            self._threads[name] = thread
            thread.start()

    def statuses(self) -> list[ServiceStatus]:
        """Return how each service is doing, sorted by name."""
        with self._lock:
            return [self._status[name] for name in sorted(self._status)]

    @property
    def is_ready(self) -> bool:
        """Tell whether every service does what it is for, and none is being stopped."""
        return not self._stop.is_set() and all(status.is_ready for status in self.statuses())

    @property
    def is_over(self) -> bool:
        """Tell whether no service runs any more."""
        return not any(thread.is_alive() for thread in self._threads.values())

    def stop(self, timeout: float) -> list[str]:
        """Tell every service to end and wait up to *timeout* seconds; return who did not."""
        self._stop.set()
        deadline = time.monotonic() + timeout
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        return [name for name, thread in self._threads.items() if thread.is_alive()]

    def _keep(self, name: str) -> None:
        """Run one service until it is over."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            started = time.monotonic()
            if self._run(name):
                return
            if time.monotonic() - started > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            with self._lock:
                status = self._status[name]
                self._status[name] = replace(status, restarts=status.restarts + 1)
        self._set(name, ServiceState.STOPPED)

    def _run(self, name: str) -> bool:
        """Run one service once; tell whether it is over for good."""
        context = self._contexts[name]
        try:
            self._services[name](context)
        except Exception as error:  # noqa: BLE001 - a service's failure must not end the others
            self._report(context, error)
            return self.fatal is not None
        stopped = self._stop.is_set()
        self._set(name, ServiceState.STOPPED if stopped else ServiceState.IDLE)
        return True

    def _report(self, context: ServiceContext, error: Exception) -> None:
        name = context.name
        with self._lock:
            status = self._status[name]
            was_ready = status.state is ServiceState.READY or status.restarts > 0
            code = error.code if isinstance(error, LinesealError) else type(error).__name__
            said = f"{error} [{code}]"
            self._status[name] = replace(status, state=ServiceState.FAILING, error=said)
        if isinstance(error, ConfigurationError | MissingExtra) and not was_ready:
            self.fatal = error
            self._stop.set()
            return
        if isinstance(error, LinesealError):
            context.log.error("service failed, starting it again", code=code, reason=str(error))
        else:
            # Somebody has to find the bug.
            context.log.error("service crashed, starting it again", code=code, exc_info=error)

    def _ready(self, name: str) -> None:
        with self._lock:
            status = self._status[name]
            changed = status.state is not ServiceState.READY
            self._status[name] = replace(status, state=ServiceState.READY, error=None)
        if changed:
            self._contexts[name].log.info("ready")

    def _set(self, name: str, state: ServiceState) -> None:
        with self._lock:
            self._status[name] = replace(self._status[name], state=state)


SUPERVISOR: SharedKey[Supervisor] = SharedKey("supervisor")
"""Under which every service finds who runs it."""
