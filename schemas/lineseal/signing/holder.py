"""Says whom a key belongs to, and what its files and its producer are called.

A service NAME speaks as producer NAME with ``keys/NAME.pem``; a person NAME as ``person:NAME``
with ``keys/person-NAME.pem``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lineseal.schemas.errors import ConfigurationError
from lineseal.signing.enrolment import PERSON_PREFIX, EnrolmentRequest
from lineseal.signing.signers import KeySigner

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PERSON_STEM = "person-"


@dataclass(frozen=True, slots=True)
class Holder:
    """Name whom a key belongs to: a service (a producer) or a person."""

    name: str
    person: bool = False

    @classmethod
    def parse(cls, text: str, *, person: bool = False) -> Holder:
        """Read NAME or ``person:NAME``.

        Raises:
            ConfigurationError: The name is not fit to name a key file.

        """
        name = text.removeprefix(PERSON_PREFIX)
        person = person or name != text
        if not _NAME.fullmatch(name) or (not person and name.startswith(_PERSON_STEM)):
            raise ConfigurationError(
                f"{text!r} cannot name a key: use letters, digits, '.', '_' and '-', at most 100, "
                f"not starting with '{_PERSON_STEM}' or a sign"
            )
        return cls(name, person)

    @property
    def producer(self) -> str:
        """Return the producer the key speaks for."""
        return PERSON_PREFIX + self.name if self.person else self.name

    @property
    def stem(self) -> str:
        """Return the name of its files without ending."""
        return _PERSON_STEM + self.name if self.person else self.name

    @property
    def words(self) -> str:
        """Return what names it on the command line: NAME, or ``NAME --person``."""
        return f"{self.name} --person" if self.person else self.name

    @property
    def namesake(self) -> Holder:
        """Return the person of a service's name, or the service of a person's."""
        return Holder(self.name, not self.person)

    def request(
        self, deployment: str, signer: KeySigner, roles: Sequence[str], kinds: Sequence[str]
    ) -> EnrolmentRequest:
        """Return the request to enrol *signer*'s key; no *roles* means the usual ones."""
        usual = {"emit", "override"} if self.person else {"emit"}
        return EnrolmentRequest(
            deployment=deployment,
            producer=self.producer,
            public=signer.public,
            roles=frozenset(roles or usual),
            event_kinds=frozenset(kinds),
            actor=self.name if self.person else None,
        )
