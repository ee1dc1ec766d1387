"""Keeps the signed containment list of a home up to date, after the materialiser's commits.

A new list is written when something else must not be read than the list there says, when its key
is not the one we sign with, and every hour, so that its age says how current it is. No failure
here stops the materialiser.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from lineseal.consumers.logs import get_logger
from lineseal.consumers.report import StepReport
from lineseal.consumers.respond.listing import contained_now
from lineseal.consumers.store import Store
from lineseal.schemas.errors import ContractError, LinesealError
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, Settings
from lineseal.signing.containment import (
    ContainmentList,
    install_containment_list,
    present_version,
    read_containment_list,
    sign_containment_list,
)
from lineseal.signing.envelope import read_envelope
from lineseal.signing.keyring import Keyring
from lineseal.signing.signers import KeySigner

REFRESH_US = 3_600_000_000
"""A list is signed anew when it is older, microseconds."""
_INTERVAL_SECONDS = 2.0
_LOOK_SECONDS = 60.0
"""How often the list is looked at while nothing new is in the log."""


@dataclass(slots=True)
class ListPublisher:
    """Writes the list of one home. Not safe to share between threads."""

    home: Home
    settings: Settings
    store: Store
    load_keyring: Callable[[], Keyring]
    signer: KeySigner | None
    clock: Callable[[], int] = now_us
    _due: bool = True
    _not_before: float = 0.0

    def after_step(self, report: StepReport) -> None:
        """Write a new list when it is time, and something changed."""
        now = time.monotonic()
        self._due = self._due or not report.idle
        # Once a busy log falls idle, what is left over is not put off.
        wanted = now >= self._not_before or (report.idle and self._due)
        if not wanted:
            return
        try:
            self.publish()
        except (LinesealError, duckdb.Error) as error:
            reason = str(error).partition("\n")[0]
            get_logger().warning("cannot write the containment list yet", reason=reason)
            self._not_before = now + _LOOK_SECONDS
            return
        self._due = not report.idle
        self._not_before = now + (_LOOK_SECONDS if report.idle else _INTERVAL_SECONDS)

    def publish(self) -> bool:
        """Write the list of now, unless the one there says the same; tell whether it was written.

        Raises:
            LinesealError: It cannot be made, signed or written.

        """
        contained = contained_now(self.store.connection, self.settings.policy.containment_officers)
        signer = self.signer
        if signer is None:
            if contained:
                get_logger().warning(
                    "jobs do not hear of what is frozen: there is no key to sign the list with",
                    setting="[store] signer",
                    command=f"lineseal keys new {self.settings.store.signer} --role log --enrol",
                )
            return False
        keyring, now = self.load_keyring(), self.clock()
        deployment = self.settings.deployment.name
        if self._is_current(contained, signer, keyring, now):
            return False
        path = self.home.containment
        version = max(now, present_version(path, keyring, deployment=deployment, now=now) + 1)
        made = ContainmentList(deployment=deployment, version=version, at=now, contained=contained)
        data = sign_containment_list(made, signer)
        install_containment_list(path, data, keyring, deployment=deployment, now=now)
        return True

    def _is_current(self, contained: object, signer: KeySigner, keyring: Keyring, now: int) -> bool:
        deployment = self.settings.deployment.name
        try:
            data = self.home.containment.read_bytes()
            found = read_containment_list(data, keyring, deployment=deployment, now=now)
            (signature,) = read_envelope(data).signatures
        except (OSError, ValueError, ContractError):
            return False
        fresh = found.at <= now <= found.at + REFRESH_US
        return found.contained == contained and signature.keyid == signer.keyid and fresh
