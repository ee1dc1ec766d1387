"""Names the parts of securesystemslib that signing uses.

They are its documented public names; its ``__init__`` re-exports them in a way that type
checkers do not count as public, so they are taken from it here and nowhere else.
"""

from __future__ import annotations

from securesystemslib.signer import CryptoSigner as _CryptoSigner  # type: ignore[attr-defined]
from securesystemslib.signer import Signature as _Signature  # type: ignore[attr-defined]
from securesystemslib.signer import Signer as _Signer  # type: ignore[attr-defined]
from securesystemslib.signer import SSlibKey as _SSlibKey  # type: ignore[attr-defined]

CryptoSigner = _CryptoSigner  # pyright: ignore[reportPrivateImportUsage]
Signature = _Signature  # pyright: ignore[reportPrivateImportUsage]
Signer = _Signer  # pyright: ignore[reportPrivateImportUsage]
SSlibKey = _SSlibKey  # pyright: ignore[reportPrivateImportUsage]
