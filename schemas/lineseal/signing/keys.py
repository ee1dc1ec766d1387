"""Says what a public key is here: its id, its algorithm, and whether it may be trusted at all.

A key id is the SHA-256 of the DER SubjectPublicKeyInfo, 64 lower-case hex characters. The
algorithm follows from the key, never from a message. Keys that are weak or written in a second
way are refused wherever they come from: ``cryptography`` accepts all fourteen encodings of
Ed25519 points of small order, under which signatures can be forged without a private key.
Verification goes through securesystemslib.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from securesystemslib.exceptions import UnverifiedSignatureError

from lineseal.schemas.errors import KeyringError, WeakKey
from lineseal.signing.sslib import Signature, SSlibKey

ED25519: Final = "ed25519"
ECDSA_P256: Final = "ecdsa-p256"

_P = 2**255 - 19
_SMALL_ORDER_Y = frozenset(
    {
        0,
        1,
        _P - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)
"""y of the eight points whose order divides 8; with sign bit and y + p: fourteen encodings."""


@dataclass(frozen=True)
class PublicKey:
    """Hold a checked public key; make one with ``from_der`` or ``from_crypto``.

    Attributes:
        keyid: SHA-256 of *der*, 64 lower-case hex characters.
        algorithm: ``ed25519`` or ``ecdsa-p256``.
        der: DER SubjectPublicKeyInfo.

    """

    keyid: str
    algorithm: str
    der: bytes

    @classmethod
    def from_der(cls, der: bytes) -> PublicKey:
        """Read a key from DER SubjectPublicKeyInfo.

        Raises:
            WeakKey: An Ed25519 key of small order or in a non-canonical encoding.
            KeyringError: Not a key of a known algorithm, or not its one DER encoding.

        """
        try:
            key = cls.from_crypto(load_der_public_key(der))
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyringError("a public key is not DER SubjectPublicKeyInfo") from error
        if key.der != der:
            raise KeyringError("a public key is not in its canonical DER encoding")
        return key

    @classmethod
    def from_crypto(cls, key: PublicKeyTypes) -> PublicKey:
        """Check a key object of ``cryptography``. Raises as ``from_der`` does."""
        der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if isinstance(key, Ed25519PublicKey):
            _refuse_weak(key.public_bytes_raw())
            algorithm = ED25519
        elif isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1":
            algorithm = ECDSA_P256
        else:
            raise KeyringError("a key is neither Ed25519 nor ECDSA over P-256")
        return cls(hashlib.sha256(der).hexdigest(), algorithm, der)

    @property
    def hex(self) -> str:
        """Return the DER as lower-case hex, the form a keyring holds."""
        return self.der.hex()

    @cached_property
    def sslib(self) -> SSlibKey:
        """Return the key for securesystemslib, under our key id."""
        return SSlibKey.from_crypto(load_der_public_key(self.der), self.keyid)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether *signature* over *message* was made by this key."""
        try:
            self.sslib.verify_signature(Signature(self.keyid, signature.hex()), message)
        except UnverifiedSignatureError:
            return False
        return True


@lru_cache(maxsize=4096)
def public_key_from_hex(text: str) -> PublicKey:
    """Read a key from the hex DER of a keyring entry. Raises as ``PublicKey.from_der`` does."""
    try:
        der = bytes.fromhex(text)
    except ValueError as error:
        raise KeyringError("a public key is not hex") from error
    if der.hex() != text:
        raise KeyringError("a public key is not lower-case hex")
    return PublicKey.from_der(der)


def _refuse_weak(raw: bytes) -> None:
    y = int.from_bytes(raw, "little") & ((1 << 255) - 1)
    if y >= _P:
        raise WeakKey("the Ed25519 key is in a non-canonical encoding; make a new key")
    if y in _SMALL_ORDER_Y:
        raise WeakKey("the Ed25519 key is a point of small order; make a new key")
