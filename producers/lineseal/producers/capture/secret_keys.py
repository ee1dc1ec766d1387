"""Answers whether a name (of a parameter, an option, a variable) says that its value is a secret.

Long words count wherever they stand (``db_password_old``). Short ones are parts of ordinary words
and are terms of other trades, so they count only as the last part of a name, not after a word that
makes them a term (``low_pass``), and not with a value no secret has (``pass: 12``).
"""

from __future__ import annotations

import re
from functools import lru_cache

# fmt: off
_SECRET_PARTS = frozenset({
    "authorization", "credential", "credentials", "dsn", "passphrase", "passwd", "password",
    "passwords", "pwd", "secret", "secrets",
})
_SECRET_PHRASES = (
    "access_key", "accesskey", "account_key", "accountkey", "api_key", "apikey", "auth_token",
    "basic_auth", "bearer_token", "connection_str", "connectionstr", "conn_str", "credential",
    "encryption_key", "http_auth", "license_key", "master_key", "passphrase", "passwd",
    "password", "private_key", "privatekey", "session_key", "shared_access_signature",
    "shared_key", "sharedaccesssignature", "signing_key", "ssh_key",
)
_SECRET_ENDINGS = ("cookie", "secret", "token")
_SHORT_WORDS = frozenset({
    "adminpass", "auth", "bearer", "cred", "creds", "dbpass", "ftppass", "jwt", "keypass", "mypass",
    "otp", "pass", "passcode", "pat", "pgpass", "psk", "pw", "rootpass", "sas", "sessionid",
    "smtppass", "sqlpass", "storepass", "totp", "userpass",
})
_MAKES_A_TERM = frozenset({
    "all", "backward", "band", "by", "each", "final", "first", "forward", "fwd", "bwd", "high",
    "last", "low", "max", "min", "multi", "n", "next", "no", "num", "one", "per", "second",
    "single", "third", "two",
})
"""``low_pass`` is a filter, ``forward_pass`` a step of training."""
_VOCABULARY = frozenset({
    "bos_token", "cls_token", "end_token", "eos_token", "image_token", "mask_token", "pad_token",
    "sep_token", "special_token", "start_token", "unk_token",
})
"""Tokens that are words of a language model, not of a login."""
_SAYS_WHERE = frozenset({
    "algorithm", "arn", "column", "count", "enabled", "endpoint", "expiry", "field", "file",
    "header", "id", "length", "limit", "max", "method", "min", "mode", "name", "path", "policy",
    "ref", "required", "scheme", "size", "ttl", "type", "user",
})
"""Last words that make a key say where a secret is or how long, not what."""
# fmt: on

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_NO_SECRET = re.compile(
    r"(?i)\d{1,3}(?:\.\d{1,6})?%?|0?\.\d{1,6}|true|false|yes|no|none|null|on|off|enabled|disabled|ok"
)
_MAX_KEY = 256


def is_secret(key: str, value: str) -> bool:
    """Say whether *value*, named by *key*, is a secret; ``pass`` = ``12`` counts something."""
    strength = _strength(key[:_MAX_KEY])
    return strength > 1 or (strength == 1 and _NO_SECRET.fullmatch(value) is None)


def is_secret_key(key: str) -> bool:
    """Say whether a key such as ``db_password`` names a secret (``max_tokens`` does not)."""
    return _strength(key[:_MAX_KEY]) > 0


@lru_cache(maxsize=4096)
def _strength(key: str) -> int:
    """Return 2 for a name that is clear, 1 for a short word, 0 for no secret."""
    plain = _NOT_WORD.sub("_", _CAMEL.sub("_", key).lower()).strip("_")
    parts = [part for part in (part.rstrip("0123456789") for part in plain.split("_")) if part]
    if not parts or plain in _VOCABULARY or parts[-1] in _SAYS_WHERE or parts[-2:-1] == ["per"]:
        return 0
    if (
        not _SECRET_PARTS.isdisjoint(parts)
        or any(phrase in plain for phrase in _SECRET_PHRASES)
        or parts[-1].endswith(_SECRET_ENDINGS)
    ):
        return 2
    if parts[-1] in _SHORT_WORDS and (len(parts) < 2 or parts[-2] not in _MAKES_A_TERM):
        return 1
    return 0
