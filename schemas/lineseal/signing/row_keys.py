"""Gives the secret under which a producer authenticates its events before they are sealed.

A private key that is at hand gives it by derivation, so that nothing more has to be kept. A key in
a KMS or HSM gives nothing away, and only some of them sign the same bytes twice: for those a random
secret lies beside the private keys, and outlives a rotation. Source: ADR-0021; RFC 5869 (HKDF).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lineseal.schemas.errors import KeyUnusable
from lineseal.signing.files import create_private, make_private_folder

KEY_BYTES: Final = 32
_PURPOSE: Final = b"lineseal: authenticates events that are not sealed yet, v1"
_P256_BYTES: Final = 32


def derive_row_key(private: Ed25519PrivateKey | EllipticCurvePrivateKey) -> bytes:
    """Derive the secret of 32 bytes from a private key."""
    if isinstance(private, Ed25519PrivateKey):
        raw = private.private_bytes_raw()
    else:
        raw = private.private_numbers().private_value.to_bytes(_P256_BYTES, "big")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_PURPOSE).derive(raw)


def stored_row_key(path: Path) -> bytes:
    """Return the random secret in *path*, made (0600) when it is not there.

    Raises:
        KeyUnusable: It cannot be read or made, or is not one.

    """
    if not path.exists():
        make_private_folder(path.parent)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        create_private(fresh, secrets.token_bytes(KEY_BYTES))
        try:
            # Unlike a rename this never replaces what another process made meanwhile.
            os.link(fresh, path)
        except FileExistsError:
            pass
        except OSError as error:
            raise KeyUnusable(f"cannot write {path}: {error.strerror}") from error
        finally:
            fresh.unlink()
    try:
        key = path.read_bytes()
    except OSError as error:
        raise KeyUnusable(f"cannot read {path}: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise KeyUnusable(f"{path} does not hold {KEY_BYTES} bytes")
    return key
