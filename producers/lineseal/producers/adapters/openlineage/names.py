"""Makes names that others chose fit to name things, without two of them becoming one.

A name with control, bidi or invisible characters, with spaces around it or longer than an
identifier may be is written with ``%XX`` for what cannot stay, and ends in ``~`` and the start of
its SHA-256. Unicode's composed and decomposed forms of one text are one name.
"""

from __future__ import annotations

import fnmatch
import hashlib
import unicodedata
import uuid
from collections.abc import Iterable, Sequence

from lineseal.producers.adapters.openlineage.reading import Notes
from lineseal.producers.capture.secret_text import redact_identifier
from lineseal.schemas.characters import is_hidden, is_odd_space
from lineseal.schemas.errors import BadIdentifier
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.limits import MAX_IDENTIFIER_BYTES
from lineseal.schemas.model import Kind, Pair

_SUFFIX_BYTES = 13
_NO_VERSION = frozenset({"unknown", "null", "none", "n/a"})


def identifier(text: str | None, notes: Notes) -> str | None:
    """Return *text* as an identifier; None when there is none."""
    if text is None or not text.strip():
        return None
    plain = redact_identifier(unicodedata.normalize("NFC", text))
    try:
        check_identifier(plain)
    except BadIdentifier:
        notes.add("name_rewritten")
        return _rewritten(plain)
    return plain


def version(text: str | None, notes: Notes) -> str | None:
    """Return *text* as a version; None when it says nothing ("unknown")."""
    if text is None or text.strip().lower() in _NO_VERSION:
        return None
    plain = identifier(text, notes)
    if plain is None:
        return None
    if "@" in plain or plain.startswith(("sha256:", "run:")):
        # It would read as another part of a REF.
        notes.add("version_rewritten")
        plain = plain.replace("@", "%40")
        if plain.startswith(("sha256:", "run:")):
            plain = plain.replace(":", "-", 1)
    return plain


def run_id(text: str | None, notes: Notes) -> str | None:
    """Return the id of a run; a UUID in its lower-case form, however it was written."""
    if text is None:
        return None
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        notes.add("run_id_is_no_uuid")
        return identifier(text, notes)


def once(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Keep the first of each key: a map has a key once, and the document has the rest."""
    kept: dict[str, Pair] = {}
    for pair in pairs:
        kept.setdefault(pair.key, pair)
    return tuple(kept.values())


def kind_of(namespace: str, name: str, kinds: Sequence[tuple[Kind, str]]) -> Kind:
    """Return the kind of the first pattern that ``namespace/name`` fits; else a data set.

    It may depend on nothing but the name: a reader that says less than the writer must still mean
    the same artifact.
    """
    for kind, pattern in kinds:
        if fits(namespace, name, (pattern,)):
            return kind
    return Kind.DATASET


def fits(namespace: str, name: str, patterns: Sequence[str]) -> bool:
    """Tell whether ``namespace/name`` fits one of the patterns."""
    return any(fits_text(f"{namespace}/{name}", pattern) for pattern in patterns)


def fits_text(text: str, pattern: str) -> bool:
    """Tell whether a text fits a pattern: ``*`` is anything, slashes too."""
    return fnmatch.fnmatchcase(text, pattern)


def _rewritten(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    safe = "".join(_escaped(c) if is_hidden(c) or is_odd_space(c) else c for c in text.strip())
    data = unicodedata.normalize("NFC", safe).encode("utf-8", "replace")
    return data[: MAX_IDENTIFIER_BYTES - _SUFFIX_BYTES].decode("utf-8", "ignore") + "~" + digest


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
