"""A public key is strong, written in one way, and named by its hash.

What is promised: a key id is the SHA-256 of the DER SubjectPublicKeyInfo; all fourteen encodings
of Ed25519 points of small order are refused, every non-canonical encoding too, and keys of other
algorithms. Source: DESIGN 4.3; attacks A3, A7, A8.

Evidence: the fourteen, computed here from the curve equation; a forged signature that the
library accepts under each of them; keys of other kinds.
"""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lineseal.schemas.errors import KeyringError, WeakKey
from lineseal.signing.keys import PublicKey, public_key_from_hex

from .world import ed25519_signer, p256_signer

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ED25519_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")


def _square_root(value: int) -> int | None:
    root = pow(value, (P + 3) // 8, P)
    for candidate in (root, root * pow(2, (P - 1) // 4, P) % P):
        if candidate * candidate % P == value % P:
            return candidate
    return None


def _small_order_ys() -> set[int]:
    """Solve for the y of every point of order 1, 2, 4 or 8."""
    # Order 1 and 2: x = 0; order 4: y = 0; order 8: doubling gives y = 0, that is x^2 = -y^2,
    # and the curve equation becomes d y^4 + 2 y^2 - 1 = 0.
    ys = {0, 1, P - 1}
    root = _square_root(1 + D)
    assert root is not None
    for sign in (root, -root):
        y = _square_root((sign - 1) * pow(D, -1, P))
        if y is not None:
            ys |= {y, P - y}
    return ys


def weak_encodings() -> list[bytes]:
    """Return every 32-byte string that decodes to a point of small order."""
    small = _small_order_ys()
    written = [y for base in small for y in (base, base + P) if y < 2**255]
    return [(y | sign << 255).to_bytes(32, "little") for y in sorted(written) for sign in (0, 1)]


def test_there_are_fourteen_weak_encodings() -> None:
    """The number that the literature gives."""
    assert len(weak_encodings()) == 14


@pytest.mark.parametrize("raw", weak_encodings(), ids=bytes.hex)
def test_each_weak_key_is_refused(raw: bytes) -> None:
    """Neither as an object nor as DER nor as hex does it get in."""
    der = ED25519_DER_PREFIX + raw

    with pytest.raises(WeakKey):
        PublicKey.from_crypto(Ed25519PublicKey.from_public_bytes(raw))
    with pytest.raises(WeakKey):
        PublicKey.from_der(der)
    with pytest.raises(WeakKey):
        public_key_from_hex(der.hex())


def test_the_library_accepts_forgeries_under_weak_keys() -> None:
    """Why the check is ours: R = identity and S = 0 verify for some message, without a key."""
    forged = bytes([1]) + bytes(31) + bytes(32)
    identity = Ed25519PublicKey.from_public_bytes(bytes([1]) + bytes(31))
    strong = ed25519_signer().public

    identity.verify(forged, b"any message at all")
    assert not strong.verifies(forged, b"any message at all")
    with pytest.raises(InvalidSignature):
        Ed25519PrivateKey.generate().public_key().verify(forged, b"any message at all")


@pytest.mark.parametrize("y", range(P, 2**255))
def test_non_canonical_encodings_are_refused(y: int) -> None:
    """A y that is not reduced is a second way to write a key."""
    raw = y.to_bytes(32, "little")

    with pytest.raises(WeakKey):
        PublicKey.from_der(ED25519_DER_PREFIX + raw)


def test_a_key_id_is_the_hash_of_the_der() -> None:
    """SHA-256 of SubjectPublicKeyInfo, for both algorithms."""
    for signer, algorithm in ((ed25519_signer(), "ed25519"), (p256_signer(), "ecdsa-p256")):
        key = signer.public
        assert key.keyid == hashlib.sha256(key.der).hexdigest() == signer.keyid
        assert key.algorithm == algorithm
        assert public_key_from_hex(key.hex) == key


def test_other_algorithms_are_refused() -> None:
    """RSA and other curves are not in the contract."""
    others = (
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP384R1()).public_key(),
    )

    for key in others:
        with pytest.raises(KeyringError, match="neither"):
            PublicKey.from_crypto(key)


def test_a_second_spelling_of_a_key_is_refused() -> None:
    """A compressed point, capitals, bytes behind, and what is no key at all."""
    p256 = p256_signer().public
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256.der[-65:])
    compressed = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    compressed += point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    for text in (compressed.hex(), p256.hex.upper(), p256.hex + "00", "00", "no hex", ""):
        with pytest.raises(KeyringError):
            public_key_from_hex(text)


def test_a_signature_verifies_only_as_it_was_made() -> None:
    """Another message, another key or a cut signature: False, never an exception."""
    for signer in (ed25519_signer(), p256_signer()):
        signature = signer.sign(b"message")
        assert signer.public.verifies(signature, b"message")
        assert not signer.public.verifies(signature, b"massage")
        assert not signer.public.verifies(signature[:-1], b"message")
        assert not signer.public.verifies(b"", b"message")
        assert not ed25519_signer(9).public.verifies(signature, b"message")
