"""Says who signs: private keys as securesystemslib signers, under our own key ids.

A signer is named by a URI. ``file2:PATH`` is a PEM file with a PKCS #8 private key; every other
scheme securesystemslib knows (KMS, Vault, PKCS#11) works too and names the PEM file of its
public key after a ``#``, since such signers cannot be loaded without it:
``gcpkms:projects/...#/etc/lineseal/fraud.pem``.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.exceptions import Error as SecureSystemsError

from lineseal.schemas.errors import KeyMissing, KeyringError, KeyUnusable
from lineseal.signing.files import create_private
from lineseal.signing.keys import PublicKey
from lineseal.signing.row_keys import derive_row_key
from lineseal.signing.sslib import CryptoSigner, Signer, SSlibKey

FILE_SCHEME = "file2"
_READABLE_BY_OTHERS = 0o004

_logger = logging.getLogger("lineseal")


class KeySigner:
    """Signs with one key of securesystemslib.

    Attributes:
        public: The public key, with our key id and algorithm.
        row_key: The secret for events that are not sealed yet; None when the private key is not
            here to derive it from.

    """

    row_key: bytes | None = None

    def __init__(self, signer: Signer, public: PublicKey, row_key: bytes | None = None) -> None:
        """Wrap *signer*, whose key must be *public*."""
        self._signer = signer
        self.public = public
        self.row_key = row_key

    @classmethod
    def from_private_key(
        cls, private: Ed25519PrivateKey | EllipticCurvePrivateKey, where: str = "given"
    ) -> KeySigner:
        """Sign with a private key in memory; *where* it comes from is for messages.

        Raises:
            KeyUnusable: An elliptic curve other than P-256.

        """
        key = private.public_key()
        public = _checked(key, where)
        signer = CryptoSigner(private, SSlibKey.from_crypto(key, public.keyid))
        return cls(signer, public, derive_row_key(private))

    @property
    def keyid(self) -> str:
        """Return the key id: 64 lower-case hex characters."""
        return self.public.keyid

    def sign(self, payload: bytes) -> bytes:
        """Sign *payload*: 64 bytes for Ed25519, DER for ECDSA.

        Raises:
            KeyUnusable: The signer failed; a KMS may be out of reach.

        """
        try:
            return bytes.fromhex(self._signer.sign(payload).signature)
        except Exception as error:
            # Signers raise whatever the library behind them raises.
            raise KeyUnusable(
                f"the signer of key {self.keyid} failed: {type(error).__name__}"
            ) from error


def file_uri(path: Path) -> str:
    """Return the signer URI of a private key file."""
    return f"{FILE_SCHEME}:{path.absolute()}"


def load_signer(uri: str) -> KeySigner:
    """Load the signer that *uri* names.

    Raises:
        KeyMissing: The private key file, or the public key file after ``#``, does not exist.
        KeyUnusable: The key cannot be read or is encrypted, the algorithm is not supported, or
            no signer knows the URI.

    """
    scheme, _, rest = uri.partition(":")
    if scheme == FILE_SCHEME:
        return _from_file(Path(os.environ.get(CryptoSigner.PREFIX_ENV_VAR, "")) / rest)
    private_uri, _, public_file = uri.partition("#")
    if not public_file:
        raise KeyUnusable(
            f"{private_uri!r} does not say where its public key is: add '#/path/to/public.pem'"
        )
    key = _public_from_pem(Path(public_file))
    public = _checked(key, public_file)
    try:
        signer = Signer.from_priv_key_uri(private_uri, SSlibKey.from_crypto(key, public.keyid))
    except Exception as error:
        raise KeyUnusable(f"cannot use the signer {private_uri!r}: {error}") from error
    return KeySigner(signer, public)


def generate_key(path: Path) -> KeySigner:
    """Make a new Ed25519 key and write it to *path* as PKCS #8 PEM, mode 0600.

    Raises:
        KeyUnusable: There is a file at *path*, which is left as it is, or it cannot be written.

    """
    private = Ed25519PrivateKey.generate()
    signer = KeySigner.from_private_key(private, str(path))
    create_private(path, CryptoSigner(private).private_bytes)
    return signer


def _from_file(path: Path) -> KeySigner:
    pem = _read(path, "private key")
    if path.stat().st_mode & _READABLE_BY_OTHERS:
        _logger.warning("the private key %s can be read by everyone; run 'chmod 600' on it", path)
    try:
        private = load_pem_private_key(pem, None)
    except TypeError as error:
        raise KeyUnusable(f"the private key {path} is encrypted; store it without one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{path} is not a private key in PEM form") from error
    if not isinstance(private, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise KeyUnusable(f"the key {path} is neither Ed25519 nor ECDSA over P-256")
    return KeySigner.from_private_key(private, str(path))


def _public_from_pem(path: Path) -> PublicKeyTypes:
    try:
        return load_pem_public_key(_read(path, "public key"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{path} is not a public key in PEM form") from error


def _checked(key: PublicKeyTypes, where: str) -> PublicKey:
    try:
        return PublicKey.from_crypto(key)
    except (KeyringError, SecureSystemsError) as error:
        raise KeyUnusable(f"the key {where} cannot be used: {error}") from error


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise KeyMissing(f"there is no {what} at {path}") from error
    except OSError as error:
        raise KeyUnusable(f"cannot read the {what} {path}: {error.strerror}") from error
