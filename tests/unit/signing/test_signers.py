"""A private key is loaded from where it is said to be, or a clear error says why not.

What is promised: new keys are Ed25519 in PKCS #8 PEM, mode 0600, and never written over another;
any securesystemslib signer can be used through its URI; no message holds key material.

Evidence: real key files of every kind, and a signer registered with securesystemslib as a KMS
would be.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from securesystemslib.signer import (  # type: ignore[attr-defined]
    SIGNER_FOR_URI_SCHEME,  # pyright: ignore[reportPrivateImportUsage]
    Key,  # pyright: ignore[reportPrivateImportUsage]
    SecretsHandler,  # pyright: ignore[reportPrivateImportUsage]
)

from lineseal.schemas.errors import KeyMissing, KeyUnusable
from lineseal.signing.signers import KeySigner, file_uri, generate_key, load_signer
from lineseal.signing.sslib import Signature, Signer


def write_pem(
    path: Path, key: PrivateKeyTypes, encryption: KeySerializationEncryption | None = None
) -> str:
    """Write a private key to *path* and return its URI."""
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    )
    path.chmod(0o600)
    return file_uri(path)


def test_a_new_key_can_be_loaded_and_signs(tmp_path: Path) -> None:
    """What generate_key wrote is the key it returned."""
    path = tmp_path / "a folder" / "key #1.pem"
    path.parent.mkdir()

    made = generate_key(path)
    loaded = load_signer(file_uri(path))

    assert loaded.public == made.public
    assert made.public.algorithm == "ed25519"
    assert made.public.verifies(loaded.sign(b"message"), b"message")
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_a_new_key_is_private(tmp_path: Path) -> None:
    """Nobody but its owner can read it."""
    generate_key(tmp_path / "key.pem")

    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """A file in the way stays as it is, even an empty one."""
    path = tmp_path / "key.pem"
    path.write_bytes(b"")

    with pytest.raises(KeyUnusable, match="never overwritten"):
        generate_key(path)

    assert path.read_bytes() == b""


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    """Not a traceback of open()."""
    with pytest.raises(KeyUnusable, match="cannot write"):
        generate_key(tmp_path / "no" / "key.pem")


def test_p256_keys_work_too(tmp_path: Path) -> None:
    """The algorithm for a KMS without Ed25519."""
    signer = load_signer(write_pem(tmp_path / "p.pem", ec.generate_private_key(ec.SECP256R1())))

    assert signer.public.algorithm == "ecdsa-p256"
    assert signer.public.verifies(signer.sign(b"message"), b"message")


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    path = tmp_path / "absent.pem"

    with pytest.raises(KeyMissing, match=r"absent\.pem"):
        load_signer(file_uri(path))


def test_keys_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """Encrypted, another algorithm, another curve, no key, a folder: each says what is wrong."""
    plain = Ed25519PrivateKey.generate()
    (tmp_path / "junk.pem").write_text("not a key")
    cases = {
        "encrypted": write_pem(tmp_path / "e.pem", plain, BestAvailableEncryption(b"secret")),
        "neither": write_pem(tmp_path / "rsa.pem", rsa.generate_private_key(65537, 2048)),
        "cannot be used": write_pem(tmp_path / "c.pem", ec.generate_private_key(ec.SECP384R1())),
        "not a private key": file_uri(tmp_path / "junk.pem"),
        "cannot read": file_uri(tmp_path),
    }

    for message, uri in cases.items():
        with pytest.raises(KeyUnusable, match=message):
            load_signer(uri)


def test_a_key_that_everyone_can_read_is_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It works, since a container may mount it so, but not silently."""
    uri = write_pem(tmp_path / "open.pem", Ed25519PrivateKey.generate())
    with caplog.at_level(logging.WARNING, "lineseal"):
        load_signer(uri)
    assert not caplog.records
    (tmp_path / "open.pem").chmod(0o644)

    load_signer(uri)

    assert "chmod 600" in caplog.text


class VaultSigner(Signer):
    """Signs as a KMS signer does: it gets a URI and a public key and keeps the private one."""

    keys: dict[str, KeySigner] = {}  # noqa: RUF012 - the vault is one for all

    def __init__(self, name: str, public_key: Key) -> None:
        self._name = name
        self._public_key = public_key

    @property
    def public_key(self) -> Key:
        """Return the key that the caller gave."""
        return self._public_key

    @classmethod
    def from_priv_key_uri(
        cls,
        priv_key_uri: str,
        public_key: Key,
        secrets_handler: SecretsHandler | None = None,  # noqa: ARG003
    ) -> VaultSigner:
        """Find the key that the URI names."""
        name = priv_key_uri.partition(":")[2]
        if name == "forbidden":
            raise PermissionError("no access")
        return cls(name, public_key)

    def sign(self, payload: bytes) -> Signature:
        """Sign with the key in the vault; without one the vault is out of reach."""
        key = self.keys[self._name]
        return Signature(self._public_key.keyid, key.sign(payload).hex())


def test_any_securesystemslib_signer_works_through_its_uri(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URI and the file of its public key are all it takes; failures have our errors."""
    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "testvault", VaultSigner)
    private = ec.generate_private_key(ec.SECP256R1())
    monkeypatch.setitem(VaultSigner.keys, "fraud", KeySigner.from_private_key(private))
    public_file = tmp_path / "public.pem"
    public_file.write_bytes(
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )

    signer = load_signer(f"testvault:fraud#{public_file}")

    assert signer.public.verifies(signer.sign(b"message"), b"message")
    with pytest.raises(KeyUnusable, match="failed: KeyError"):
        load_signer(f"testvault:away#{public_file}").sign(b"message")
    with pytest.raises(KeyUnusable, match="no access"):
        load_signer(f"testvault:forbidden#{public_file}")
    with pytest.raises(KeyUnusable, match="public key"):
        load_signer("testvault:fraud")
    with pytest.raises(KeyMissing):
        load_signer(f"testvault:fraud#{tmp_path / 'absent.pem'}")
    with pytest.raises(KeyUnusable, match="not a public key"):
        load_signer(f"testvault:fraud#{write_pem(tmp_path / 'k.pem', private)[6:]}")
    with pytest.raises(KeyUnusable, match="nosuch"):
        load_signer(f"nosuch:fraud#{public_file}")
