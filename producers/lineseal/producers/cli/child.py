"""Runs the program of ``lineseal run`` as if nobody stood in between.

It inherits standard streams, open descriptors and ignored signals; signals sent to us are passed
on to it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Child:
    """One child process.

    Attributes:
        received: The last signal that was passed on, or None.

    """

    def __init__(self) -> None:
        """Prepare; nothing is started yet."""
        self.received: signal.Signals | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Start *command*, wait for it, and return its status; -N when signal N ended it.

        Raises:
            OSError: It cannot be started.

        """
        # Descriptors are left open: a make job server or a socket may be passed in them. Our own
        # are closed on exec all the same (PEP 446).
        with (
            self._forwarding(),
            subprocess.Popen(command, env=environment, close_fds=False) as process,  # noqa: S603
        ):
            self._process = process
            if self.received is not None:
                self._send(self.received)
            return process.wait()

    @contextmanager
    def _forwarding(self) -> Generator[None]:
        # What is ignored here (nohup, a shell's background job) stays ignored in the child.
        previous = {
            number: signal.getsignal(number)
            for number in FORWARDED
            if signal.getsignal(number) != signal.SIG_IGN
        }
        for number in previous:
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = signal.Signals(number)
        if number in (signal.SIGINT, signal.SIGQUIT) and _in_foreground():
            return  # the terminal has sent it to the whole group, the child included
        self._send(self.received)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False
