"""What is signed is DSSE, and any DSSE tool can check it.

What is promised: the pre-authentication encoding is the published one; a sealed batch turns into
a standard JSON envelope that securesystemslib verifies; an envelope read from a file is strict
JSON. Source: DSSE protocol 1.0.0, "Test Vectors"; attacks A4, A6.

Evidence: the published vector with its published signature, securesystemslib as an independent
verifier, and damaged envelopes.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as IndependentEnvelope
from securesystemslib.exceptions import VerificationError

from lineseal.schemas.model import BATCH_PAYLOAD_TYPE
from lineseal.signing.envelope import (
    MAX_ENVELOPE_BYTES,
    pae,
    read_envelope,
    sign_envelope,
    strict_json,
    to_dsse,
)
from lineseal.signing.frame import decode_frame
from lineseal.signing.keys import PublicKey
from lineseal.signing.signers import KeySigner

from .world import ed25519_signer, p256_signer, sealed

# The vector of the protocol's text: P-256, the signature as r and s side by side.
VECTOR_TYPE = "http://example.com/HelloWorld"
VECTOR_PAYLOAD = b"hello world"
VECTOR_PAE = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
VECTOR_X = 46950820868899156662930047687818585632848591499744589407958293238635476079160
VECTOR_Y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
VECTOR_D = 97358161215184420915383655311931858321456579547487070936769975997791359926199
VECTOR_SIGNATURE = (
    "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
)


def test_the_published_encoding_is_reproduced() -> None:
    """The one example of the protocol's text."""
    assert pae(VECTOR_TYPE, VECTOR_PAYLOAD) == VECTOR_PAE


def test_the_published_signature_verifies() -> None:
    """Under the published key, over our encoding."""
    numbers = ec.EllipticCurvePublicNumbers(VECTOR_X, VECTOR_Y, ec.SECP256R1())
    key = PublicKey.from_crypto(numbers.public_key())
    raw = base64.b64decode(VECTOR_SIGNATURE)
    signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))

    assert key.verifies(signature, pae(VECTOR_TYPE, VECTOR_PAYLOAD))
    assert not key.verifies(signature, pae(VECTOR_TYPE, VECTOR_PAYLOAD + b"!"))


def test_the_published_private_key_signs_for_the_published_public_key() -> None:
    """The other direction: our signer under the vector's key."""
    signer = KeySigner.from_private_key(ec.derive_private_key(VECTOR_D, ec.SECP256R1()))
    numbers = ec.EllipticCurvePublicNumbers(VECTOR_X, VECTOR_Y, ec.SECP256R1())

    assert signer.public == PublicKey.from_crypto(numbers.public_key())
    assert signer.public.verifies(signer.sign(VECTOR_PAE), VECTOR_PAE)


def test_lengths_count_bytes() -> None:
    """A payload type beyond ASCII counts its UTF-8 bytes."""
    assert pae("é", b"\x00 \xff") == b"DSSEv1 2 \xc3\xa9 3 \x00 \xff"
    assert pae("", b"") == b"DSSEv1 0  0 "


@given(st.text(max_size=20), st.binary(max_size=50), st.text(max_size=20), st.binary(max_size=50))
def test_no_two_things_have_the_same_encoding(
    kind: str, payload: bytes, other_kind: str, other: bytes
) -> None:
    """A type or payload cannot be moved across the border between them."""
    same = (kind, payload) == (other_kind, other)

    assert (pae(kind, payload) == pae(other_kind, other)) == same


@pytest.mark.parametrize("signer", [ed25519_signer(), p256_signer()], ids=["ed25519", "p256"])
def test_an_independent_verifier_accepts_a_sealed_batch(signer: KeySigner) -> None:
    """The envelope of securesystemslib verifies ours by key id, and no other type."""
    document = to_dsse(decode_frame(sealed(signer=signer)))
    swapped = json.loads(json.dumps(document)) | {"payloadType": "application/json"}

    accepted = IndependentEnvelope.from_dict(document).verify([signer.public.sslib], 1)

    assert list(accepted) == [signer.keyid]
    assert document["payloadType"] == BATCH_PAYLOAD_TYPE
    with pytest.raises(VerificationError):
        IndependentEnvelope.from_dict(swapped).verify([signer.public.sslib], 1)


def test_an_envelope_comes_back_as_it_was_signed() -> None:
    """Type, payload and both signatures, from the JSON text."""
    signers = [ed25519_signer(1), ed25519_signer(2)]

    envelope = read_envelope(sign_envelope("application/x", b"{}", signers))

    assert (envelope.payload_type, envelope.payload) == ("application/x", b"{}")
    assert [item.keyid for item in envelope.signatures] == [s.keyid for s in signers]
    message = pae("application/x", b"{}")
    for item, signer in zip(envelope.signatures, signers, strict=True):
        assert signer.public.verifies(item.sig, message)


def test_both_base64_alphabets_are_read() -> None:
    """DSSE asks verifiers to accept the URL-safe one too."""
    document = {"payloadType": "t", "payload": "-_8=", "signatures": []}

    assert read_envelope(json.dumps(document).encode()).payload == b"\xfb\xff"


@pytest.mark.parametrize(
    "change",
    [
        {"payload": "not base64!"},
        {"payload": "YQ"},
        {"payload": 7},
        {"payload": None},
        {"payloadType": 7},
        {"signatures": 7},
        {"signatures": [7]},
        {"signatures": [{"keyid": "k"}]},
        {"signatures": [{"keyid": 7, "sig": "YQ=="}]},
    ],
    ids=str,
)
def test_a_damaged_envelope_is_refused(change: dict[str, Any]) -> None:
    """Only ValueError leaves the reader."""
    document = {"payloadType": "t", "payload": "YQ==", "signatures": []} | change

    with pytest.raises(ValueError, match="not a DSSE envelope"):
        read_envelope(json.dumps(document).encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b"\xff{}",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a":' * 100_000,
    ],
    ids=["empty", "list", "cut", "not UTF-8", "twice", "NaN", "infinite", "deep"],
)
def test_loose_json_is_refused(text: bytes) -> None:
    """Two readers must never see two things in one file."""
    with pytest.raises(ValueError):  # noqa: PT011 - the message may be json's own
        strict_json(text)


def test_a_huge_file_is_refused() -> None:
    """Nothing over 16 MiB is parsed."""
    with pytest.raises(ValueError, match="more than"):
        read_envelope(bytes(MAX_ENVELOPE_BYTES + 1))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    """Only ValueError leaves the reader, whatever the bytes."""
    with pytest.raises(ValueError):  # noqa: PT011 - the message may be json's own
        read_envelope(data)
