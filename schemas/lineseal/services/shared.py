"""How do services give each other objects? A registry whose keys carry the type of the value.

The layer that owns a type owns its key: the materialiser's package says
``STORE: SharedKey[Store] = SharedKey("store")``, so nothing below it needs to know DuckDB. Who
offers something withdraws it before it becomes unusable.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class SharedKey(Generic[T]):
    """Names one shared object and says, to type checkers, what it is."""

    name: str


class Shared:
    """Holds what services offer each other. Safe to use from any thread."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._changed = threading.Condition()

    def get(self, key: SharedKey[T]) -> T | None:
        """Return what is offered under *key* now, or None."""
        with self._changed:
            return cast("T | None", self._values.get(key.name))

    def offer(self, key: SharedKey[T], value: T) -> None:
        """Offer *value* under *key*, in place of what was offered before."""
        with self._changed:
            self._values[key.name] = value
            self._changed.notify_all()

    def withdraw(self, key: SharedKey[T]) -> None:
        """Stop offering under *key*; doing so twice is fine."""
        with self._changed:
            self._values.pop(key.name, None)

    @contextmanager
    def offering(self, key: SharedKey[T], value: T) -> Generator[None]:
        """Offer *value* while the block runs."""
        self.offer(key, value)
        try:
            yield
        finally:
            self.withdraw(key)

    def wait(
        self, key: SharedKey[T], stop: threading.Event, timeout: float | None = None
    ) -> T | None:
        """Return what is offered under *key*, waiting for it; None once *stop* is set.

        Args:
            key: What to wait for.
            stop: Ends the waiting.
            timeout: Seconds to wait at most; then None. None waits for as long as it takes.

        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not stop.is_set():
                if key.name in self._values:
                    return cast("T", self._values[key.name])
                left = _LOOK_SECONDS if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(min(left, _LOOK_SECONDS))
        return None
