"""Answers which keys may speak for which producer, and when.

A keyring answers one question: *may this key speak for this producer at this moment?* It never
signs, reads no file and no clock: the caller passes the time, so that replaying last year's log
gives last year's answer. ``keyring_file`` loads and writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lineseal.schemas.errors import (
    KeyExpired,
    KeyNotYetValid,
    KeyRevoked,
    KeyringError,
    KeyringRollback,
    OutOfScope,
    UnknownKey,
)
from lineseal.signing.keys import PublicKey, public_key_from_hex

ROLES: Final = frozenset({"emit", "override", "gateway", "detect", "log"})

KeyFate = tuple[int | None, int | None]
"""``revoked_at`` and ``compromised_since`` of a key."""

_OTHER_HISTORY = "put the newest keyring.json back, and make later changes again on top of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """Say what one key may do. All times are microseconds UTC.

    Attributes:
        keyid: SHA-256 of the DER SubjectPublicKeyInfo, 64 lower-case hex characters.
        algorithm: ``ed25519`` or ``ecdsa-p256``.
        public: The DER as lower-case hex.
        producer: The one producer it speaks for.
        roles: Some of emit, override, gateway, detect, log.
        event_kinds: Body names it may send; empty means all.
        actor: The person it belongs to, for the role override.
        not_before: First moment it is valid (included).
        not_after: Moment its validity ends (excluded); None for no end.
        revoked_at: When it was revoked.
        compromised_since: Moment from which nothing of it is trusted (included); what was
            recorded between it and the revocation stays visible.
        expected_every: Longest time its producer is silent when all is well, microseconds;
            None when silence means nothing.
        revoked_reason: Why it was revoked, for people.
        writes: Patterns ``kind:namespace/name`` of the artifacts it may write, register and
            decide about; empty means all. ``*`` and ``?`` are wild.
        settled: Ids of forks of this key that an operator decided to be harmless.

    """

    keyid: str
    algorithm: str
    public: str
    producer: str
    roles: frozenset[str] = frozenset({"emit"})
    event_kinds: frozenset[str] = frozenset()
    actor: str | None = None
    not_before: int = 0
    not_after: int | None = None
    revoked_at: int | None = None
    compromised_since: int | None = None
    expected_every: int | None = None
    revoked_reason: str | None = None
    writes: frozenset[str] = frozenset()
    settled: frozenset[str] = frozenset()

    @property
    def key(self) -> PublicKey:
        """Return the public key. Raises KeyringError or WeakKey when it must not be used."""
        return public_key_from_hex(self.public)

    @property
    def untrusted_from(self) -> int | None:
        """Return the moment from which a revoked key counts for nothing, else None."""
        moments = [t for t in (self.revoked_at, self.compromised_since) if t is not None]
        return min(moments, default=None)

    @property
    def refused_from(self) -> int | None:
        """Return the moment from which what is new under this key is refused, else None."""
        return self.compromised_since if self.revoked_at is None else self.revoked_at

    def status(self, at: int) -> str:
        """Return active, revoked, expired or not yet valid: how the key stands at *at*."""
        untrusted = self.untrusted_from
        if untrusted is not None and at >= untrusted:
            return "revoked"
        if at < self.not_before:
            return "not yet valid"
        if self.not_after is not None and at >= self.not_after:
            return "expired"
        return "active"


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """Hold the keys a verifier trusts.

    Attributes:
        version: Counts from 1, one more with every change.
        expires: Moment after which it must be signed anew, microseconds UTC.
        deployment: The deployment it belongs to.
        entries: All keys, past ones too.
        roots: The root keys that may sign it.
        prev_sha256: SHA-256 of the payload of the version before, 64 hex; None for the first.
        sha256: SHA-256 of this version's payload; None until it is written.
        document: The signed file it was read from, if it was.

    Raises:
        KeyringError: An entry contradicts its key, or a key is there twice.
        WeakKey: A key is one of the weak ones.

    """

    version: int
    expires: int
    deployment: str
    entries: tuple[KeyEntry, ...]
    roots: tuple[PublicKey, ...] = ()
    prev_sha256: str | None = None
    sha256: str | None = None
    document: bytes | None = field(default=None, repr=False, compare=False)
    _by_id: Mapping[str, KeyEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the entries and index them."""
        index: dict[str, KeyEntry] = {}
        for entry in self.entries:
            _check_entry(entry)
            if entry.keyid in index:
                raise KeyringError(f"key {entry.keyid} is in the keyring twice")
            index[entry.keyid] = entry
        object.__setattr__(self, "_by_id", index)

    @property
    def settled(self) -> frozenset[str]:
        """Return the ids of all forks that operators decided to be harmless."""
        return frozenset().union(*(entry.settled for entry in self.entries))

    def knows(self, keyid: str) -> bool:
        """Tell whether a key is in the keyring, valid or not."""
        return keyid in self._by_id

    def entry(self, keyid: str) -> KeyEntry:
        """Return the entry of a key.

        Raises:
            UnknownKey: The key is not in the keyring.

        """
        try:
            return self._by_id[keyid]
        except KeyError:
            raise UnknownKey(f"key {keyid[:64]} is not in the keyring") from None

    def authorise(self, keyid: str, *, producer: str, at: int, by: int | None = None) -> KeyEntry:
        """Check that a key may speak for *producer* at the moment *at*.

        Args:
            keyid: 64 lower-case hex characters.
            producer: The name in the signed header.
            at: Microseconds UTC; the first recorded broker or ingest time.
            by: The moment by which the key has to be valid, by default *at*: what came before
                its key was enrolled may be judged again.

        Raises:
            UnknownKey: The key is not in the keyring.
            OutOfScope: It belongs to another producer.
            KeyRevoked: *at* is not before its revocation.
            KeyNotYetValid: *by* is before its window.
            KeyExpired: *at* is after its window, whose end is excluded.

        Source: DESIGN 4.3. Revocation wins over the window.

        """
        entry = self.entry(keyid)
        if entry.producer != producer:
            raise OutOfScope(f"key {keyid} does not speak for this producer")
        refused = entry.refused_from
        if refused is not None and at >= refused:
            raise KeyRevoked(f"key {keyid} was revoked")
        if (at if by is None else by) < entry.not_before:
            raise KeyNotYetValid(f"key {keyid} is not valid yet")
        if entry.not_after is not None and at >= entry.not_after:
            raise KeyExpired(f"key {keyid} has expired")
        return entry

    def expired(self, at: int) -> bool:
        """Tell whether the keyring should have been signed anew by *at*."""
        return at >= self.expires

    def require_at_least(self, version: int, sha256: str | None = None) -> None:
        """Check that this keyring is not older than one that was already used.

        Args:
            version: The highest version used so far.
            sha256: Payload SHA-256 of that version, when known.

        Raises:
            KeyringRollback: The version is lower, the same with another content, or the next
                one of another history.

        """
        if self.version < version:
            raise KeyringRollback(
                f"the keyring has version {self.version}, but {version} was used before; "
                "put the newest keyring.json back"
            )
        if self.version == version and sha256 is not None and self.sha256 != sha256:
            raise KeyringRollback(f"two different keyrings have the version {version}")
        # One that was made in memory has no hash, and nothing before it.
        known = sha256 is not None and self.sha256 is not None
        if known and self.version == version + 1 and self.prev_sha256 != sha256:
            raise KeyringRollback(
                f"the keyring of version {self.version} does not follow the one of version "
                f"{version} that was used before: {_OTHER_HISTORY}"
            )

    def require_remembers(self, known: Mapping[str, KeyFate]) -> None:
        """Check that no key of a keyring that was already used is gone, or trusted longer.

        A rolled back keyring that grew past the used version has another history, which the
        version alone does not show.

        Args:
            known: What ``fates`` of that keyring returned.

        Raises:
            KeyringRollback: A key is gone, or its revocation or compromise is gone or later.

        """
        for keyid, (revoked_at, compromised_since) in known.items():
            entry = self._by_id.get(keyid)
            if entry is None:
                raise KeyringRollback(
                    f"key {keyid} was in the keyring before and is gone: {_OTHER_HISTORY}"
                )
            if _is_later(entry.revoked_at, revoked_at) or _is_later(
                entry.compromised_since, compromised_since
            ):
                raise KeyringRollback(
                    f"key {keyid} was revoked before, and is again trusted longer: {_OTHER_HISTORY}"
                )

    def fates(self) -> dict[str, KeyFate]:
        """Return of every key, by key id, what no later keyring may take back."""
        return {entry.keyid: (entry.revoked_at, entry.compromised_since) for entry in self.entries}


def _is_later(now: int | None, before: int | None) -> bool:
    return before is not None and (now is None or now > before)


def _check_entry(entry: KeyEntry) -> None:
    key = entry.key
    if key.keyid != entry.keyid or key.algorithm != entry.algorithm:
        raise KeyringError(f"the entry of key {entry.keyid[:64]} does not describe its key")
    if not entry.roles or not entry.roles <= ROLES:
        raise KeyringError(f"key {entry.keyid} has no role, or an unknown one")
