"""Watches the methods of a library without changing what they do, and stops watching again.

The observer runs after the method and is told its arguments by name and its result. Whatever goes
wrong in the observer is logged once and stays there; only ``Contained`` goes on to the job, since
that is the one way in which Lineseal means to stop it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from lineseal.schemas.errors import Contained
from lineseal.transport.embedded.voice import LOGGER

Observer = Callable[[dict[str, Any], Any], None]


class Watch:
    """Holds what was put over a library's methods, so that it can be taken off again."""

    def __init__(self, library: str) -> None:
        """Watch nothing yet; *library* is named in warnings."""
        self._library = library
        self._originals: list[tuple[type, str, Any, Any]] = []
        self._warned: set[str] = set()
        self._on = True

    def after(self, owner: type, method: str, observer: Observer) -> None:
        """Call *observer* after each call of *method*; a method that is missing is logged.

        Once it was stopped it watches nothing new.
        """
        if not self._on:
            return
        original = owner.__dict__.get(method)
        if not callable(original):
            self.warn(f"{owner.__name__}.{method} does not exist: this is not recorded")
            return
        signature = inspect.signature(original)

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            if self._on:
                self._tell(observer, signature, (args, kwargs), result)
            return result

        self._originals.append((owner, method, original, watched))
        setattr(owner, method, watched)

    def stop(self) -> None:
        """Put the original methods back; what somebody else wrapped since then just goes quiet."""
        self._on = False
        for owner, method, original, watched in reversed(self._originals):
            if owner.__dict__.get(method) is watched:
                setattr(owner, method, original)
        self._originals.clear()

    def warn(self, text: str) -> None:
        """Log a warning, once for each text."""
        if text not in self._warned and len(self._warned) < 100:
            self._warned.add(text)
            LOGGER.warning("%s: %s", self._library, text)

    def _tell(
        self,
        observer: Observer,
        signature: inspect.Signature,
        call: tuple[tuple[Any, ...], dict[str, Any]],
        result: Any,
    ) -> None:
        try:
            bound = signature.bind(*call[0], **call[1])
            bound.apply_defaults()
            observer(bound.arguments, result)
        except Contained:
            raise
        except Exception as error:  # noqa: BLE001 - the job goes on whatever happens to us
            self.warn(f"something was not recorded: {type(error).__name__}: {error}")
