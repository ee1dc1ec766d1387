"""Keeps the keys of one home: makes, enrols, revokes and rotates them.

Every change of the keyring happens under a lock on the home folder, from the newest version on
disk, signed by root keys that are pinned in ``lineseal.toml``; the root keys lie in ``root/`` or
are named, and are needed for nothing else. What people read is in ``commands``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineseal.schemas.errors import (
    ConfigurationError,
    KeyMissing,
    KeyringError,
    KeyUnusable,
    LinesealError,
)
from lineseal.settings import Home, Settings
from lineseal.signing.enrolment import (
    EnrolmentRequest,
    admit,
    read_request,
    write_request,
)
from lineseal.signing.files import (
    create_private,
    locked_folder,
    make_private_folder,
    replace_public,
)
from lineseal.signing.holder import Holder
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.keyring_file import load_keyring, successor, write_keyring
from lineseal.signing.names import check_pattern
from lineseal.signing.signers import KeySigner, file_uri, generate_key, load_signer
from lineseal.signing.times import DAY

KEYRING_LIFETIME: Final = 365 * DAY
"""How long a keyring is good after it was signed, in microseconds."""

_SHORT_KEYID = 16


@dataclass(frozen=True, slots=True)
class Rotation:
    """Say what a rotation did; ``old_counts_until`` is in microseconds UTC, excluded."""

    old_keyid: str
    new_keyid: str
    old_file: Path
    old_counts_until: int


class Custody:
    """The keys and the keyring of one home."""

    def __init__(self, home: Home, settings: Settings, clock: Callable[[], int]) -> None:
        """Look after *home*; *clock* gives microseconds UTC."""
        self._home = home
        self._deployment = settings.deployment
        self._clock = clock

    def keyring(self) -> Keyring:
        """Load and verify the keyring. Raises KeyringError."""
        return load_keyring(
            self._home.keyring,
            roots=self._deployment.roots,
            threshold=self._deployment.threshold,
        )

    def key_file(self, holder: Holder) -> Path:
        """Return where the private key of *holder* lies."""
        return self._home.keys / f"{holder.stem}.pem"

    def request_file(self, holder: Holder) -> Path:
        """Return where the enrolment request of *holder* lies."""
        return self._home.keys / f"{holder.stem}.request.json"

    def new_key(
        self,
        holder: Holder,
        *,
        roles: Sequence[str] = (),
        event_kinds: Sequence[str] = (),
        uri: str | None = None,
    ) -> tuple[EnrolmentRequest, Path]:
        """Make a key (or take the one *uri* names) and write the request to enrol it.

        Raises:
            KeyUnusable: There is a private key of that name already.
            KeyringError: The roles or event kinds cannot be asked for.

        """
        make_private_folder(self._home.keys)
        if uri is None and self.key_file(holder).exists():
            raise KeyUnusable(self._existing(holder))
        signer = load_signer(uri) if uri else generate_key(self.key_file(holder))
        try:
            request = holder.request(self._deployment.name, signer, roles, event_kinds)
            self._write_request(holder, request, signer)
        except KeyringError:
            if uri is None:
                self.key_file(holder).unlink()
            raise
        return request, self.request_file(holder)

    def enrol(
        self,
        request_file: Path,
        *,
        root_uris: Sequence[str],
        valid_for: int | None = None,
        additional: bool = False,
        writes: Sequence[str] = (),
        expected_every: int | None = None,
    ) -> tuple[KeyEntry, Keyring]:
        """Grant the request in *request_file*, for *valid_for* microseconds or without end.

        With *additional* also when the producer has an active key, which stays active. With
        *writes* only for artifacts that match one of these patterns; with *expected_every*
        (microseconds) a longer silence of the producer is a finding.

        Raises:
            KeyMissing: There is no such file, or no root key to sign with.
            KeyringError: The request may not be granted.

        """
        try:
            request = read_request(request_file.read_bytes())
        except FileNotFoundError as error:
            raise KeyMissing(
                f"there is no enrolment request at {request_file}; 'lineseal keys new' makes one"
            ) from error
        except OSError as error:
            raise KeyUnusable(f"cannot read {request_file}: {error.strerror}") from error
        now = self._clock()
        not_after = None if valid_for is None else now + valid_for
        entry = dataclasses.replace(
            request.to_entry(not_before=now, not_after=not_after),
            writes=frozenset(map(check_pattern, writes)),
            expected_every=expected_every,
        )

        def change(keyring: Keyring) -> Sequence[KeyEntry]:
            admit(keyring, request, at=now, additional=additional)
            return (*keyring.entries, entry)

        return entry, self._update(change, root_uris)

    def revoke(
        self, keyid: str, *, reason: str, compromised_since: int | None, root_uris: Sequence[str]
    ) -> tuple[KeyEntry, Keyring]:
        """Revoke a key from now on, and distrust it since *compromised_since*.

        A revoked key may be given an earlier ``compromised_since``; nothing else changes it.

        Raises:
            UnknownKey: The key is not in the keyring.
            KeyringError: It is revoked already and nothing would change.
            ConfigurationError: *compromised_since* lies in the future.

        """
        now = self._clock()
        if compromised_since is not None and compromised_since > now:
            raise ConfigurationError("--compromised-since lies in the future")

        def change(keyring: Keyring) -> Sequence[KeyEntry]:
            old = keyring.entry(keyid)
            before = old.untrusted_from
            if before is not None and (compromised_since is None or compromised_since >= before):
                raise KeyringError(f"key {keyid} is revoked already")
            new = dataclasses.replace(
                old,
                revoked_at=now if old.revoked_at is None else old.revoked_at,
                compromised_since=compromised_since,
                revoked_reason=reason,
            )
            return [new if entry is old else entry for entry in keyring.entries]

        keyring = self._update(change, root_uris)
        return keyring.entry(keyid), keyring

    def settle(
        self, keyid: str, *, finding: str, root_uris: Sequence[str]
    ) -> tuple[KeyEntry, Keyring]:
        """Decide that the fork called *finding* was harmless: the key counts again.

        Raises:
            UnknownKey: The key is not in the keyring.
            KeyringError: It is settled already.

        """

        def change(keyring: Keyring) -> Sequence[KeyEntry]:
            old = keyring.entry(keyid)
            if finding in old.settled:
                raise KeyringError(f"finding {finding} is settled already")
            new = dataclasses.replace(old, settled=old.settled | {finding})
            return [new if entry is old else entry for entry in keyring.entries]

        keyring = self._update(change, root_uris)
        return keyring.entry(keyid), keyring

    def renew(self, *, root_uris: Sequence[str]) -> Keyring:
        """Sign the keyring anew as it is, for another year."""
        return self._update(lambda keyring: keyring.entries, root_uris)

    def rotate(self, holder: Holder, *, overlap: int, root_uris: Sequence[str]) -> Rotation:
        """Replace the private key of *holder*; the old one stays valid for *overlap*.

        The new key takes over roles, event kinds and person. Interrupted at any point, the same
        call finishes the work. *overlap* is in microseconds.

        Raises:
            KeyMissing: There is no private key of *holder* here, or no root key to sign with.
            UnknownKey: The old key is not enrolled.

        """
        with locked_folder(self._home.path):
            return self._rotate(holder, overlap, root_uris)

    def held(self) -> dict[str, Path]:
        """Return the key id of every private key in the home, to its file."""
        found: dict[str, Path] = {}
        for path in sorted(self._home.keys.glob("*.pem")):
            try:
                found.setdefault(load_signer(file_uri(path)).keyid, path)
            except KeyUnusable:
                continue
        return found

    def enrol_command(self, holder: Holder) -> str:
        """Return the command that grants the request of *holder*; it lies in this home."""
        command = f"lineseal keys enrol {holder.words}"
        try:
            self._root_signers(())
        except KeyUnusable:
            return f"{command} --root-key FILE"
        return command

    def _existing(self, holder: Holder) -> str:
        text = f"{self.key_file(holder)} exists; a private key is never overwritten"
        try:
            signer = load_signer(file_uri(self.key_file(holder)))
            waits = not self.keyring().knows(signer.keyid)
        except LinesealError:
            return text
        if waits and self.request_file(holder).exists():
            return f"{text}; to enrol it run '{self.enrol_command(holder)}'"
        return text

    def _rotate(self, holder: Holder, overlap: int, root_uris: Sequence[str]) -> Rotation:
        path = self.key_file(holder)
        old = self._load_own(holder)
        entry = self.keyring().entry(old.keyid)
        # Before a new key is made: without root keys nothing must be left behind.
        signers = self._root_signers(root_uris)
        upcoming = path.with_name(f"{holder.stem}.next.pem")
        new = load_signer(file_uri(upcoming)) if upcoming.exists() else generate_key(upcoming)
        request = holder.request(
            self._deployment.name, new, sorted(entry.roles), sorted(entry.event_kinds)
        )
        keyring = self._publish(self._replacement(request, entry, overlap), signers)
        archived = path.with_name(f"{holder.stem}.{old.keyid[:_SHORT_KEYID]}.pem")
        if not archived.exists():
            create_private(archived, path.read_bytes())
        upcoming.replace(path)
        self._write_request(holder, request, new)
        ended = keyring.entry(old.keyid)
        ends = [t for t in (ended.not_after, ended.untrusted_from) if t is not None]
        return Rotation(old.keyid, new.keyid, archived, min(ends))

    def _load_own(self, holder: Holder) -> KeySigner:
        try:
            return load_signer(file_uri(self.key_file(holder)))
        except KeyMissing as error:
            if not self.key_file(holder.namesake).exists():
                raise
            kind = "service" if holder.person else "person"
            raise KeyMissing(
                f"{error}, but there is one of the {kind} {holder.name!r}: "
                f"{'leave out' if holder.person else 'add'} --person"
            ) from error

    def _replacement(
        self, request: EnrolmentRequest, old: KeyEntry, overlap: int
    ) -> Callable[[Keyring], Sequence[KeyEntry]]:
        now = self._clock()
        end = now + overlap if old.not_after is None else min(old.not_after, now + overlap)

        def change(keyring: Keyring) -> Sequence[KeyEntry]:
            if keyring.knows(request.public.keyid):
                return keyring.entries
            admit(keyring, request, at=now, additional=True)
            new = dataclasses.replace(
                request.to_entry(not_before=now),
                expected_every=old.expected_every,
                writes=old.writes,
            )
            ended = dataclasses.replace(old, not_after=end)
            others = [entry for entry in keyring.entries if entry.keyid != old.keyid]
            return [*others, ended, new]

        return change

    def _write_request(self, holder: Holder, request: EnrolmentRequest, signer: KeySigner) -> None:
        replace_public(self.request_file(holder), write_request(request, signer))

    def _update(
        self, change: Callable[[Keyring], Sequence[KeyEntry]], root_uris: Sequence[str]
    ) -> Keyring:
        with locked_folder(self._home.path):
            return self._publish(change, self._root_signers(root_uris))

    def _publish(
        self, change: Callable[[Keyring], Sequence[KeyEntry]], signers: Sequence[KeySigner]
    ) -> Keyring:
        keyring = self.keyring()
        new = successor(keyring, change(keyring), expires=self._clock() + KEYRING_LIFETIME)
        return write_keyring(self._home.keyring, new, signers, threshold=self._deployment.threshold)

    def _root_signers(self, uris: Sequence[str]) -> list[KeySigner]:
        pinned, threshold = set(self._deployment.roots), self._deployment.threshold
        named = [load_signer(_as_uri(uri)) for uri in uris]
        for signer in named:
            if signer.keyid not in pinned:
                raise KeyUnusable(f"key {signer.keyid} is not a root key of this deployment")
        found = named or [
            signer
            for signer in map(
                load_signer, map(file_uri, sorted(self._home.root_keys.glob("*.pem")))
            )
            if signer.keyid in pinned
        ]
        signers = list({signer.keyid: signer for signer in found}.values())
        if len(signers) < threshold:
            raise KeyMissing(
                f"the keyring needs {threshold} root signatures and {len(signers)} root keys are "
                f"here: put them into {self._home.root_keys} or pass --root-key FILE"
            )
        return signers


def _as_uri(text: str) -> str:
    return text if re.match(r"[a-z][a-z0-9]+:", text) else file_uri(Path(text).expanduser())
