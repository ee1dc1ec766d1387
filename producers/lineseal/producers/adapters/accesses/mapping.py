"""Reads access records of any system, as a small mapping file says which field means what.

The file is TOML: ``[fields]`` names the column of a CSV file, or the dotted path in a JSON object,
of each part of an access; ``[constants]`` says what is always the same; ``[values.action]`` and
``[values.outcome]`` translate words. Where words are translated, a record with another word is left
out: it is no access.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from lineseal.producers.adapters.accesses.told import Told, dataset, required, thing
from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.document import Document
from lineseal.producers.adapters.openlineage.moments import read_moment
from lineseal.producers.adapters.openlineage.reading import Node, Notes
from lineseal.producers.friendly import SUBJECT_TYPES
from lineseal.producers.text import fit
from lineseal.schemas.errors import ConfigurationError, InvalidDocument, Unreadable
from lineseal.schemas.model import Access, AccessAction, AccessOutcome, Kind, Subject

_PARTS: Final = (
    "time",
    "principal",
    "action",
    "resource",
    "namespace",
    "kind",
    "outcome",
    "granted_to",
    "reason",
    "id",
)
_REQUIRED: Final = ("time", "principal", "action", "resource")
_SECTIONS: Final = {"fields", "constants", "values"}
_TRANSLATED: Final = {"action", "outcome"}
_LEFT_OUT: Final = "-"
_MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AccessMapping:
    """Say where each part of an access stands.

    Attributes:
        fields: The field of each part.
        constants: Parts that are always the same.
        values: What the words of a part mean, in lower case.

    """

    fields: Mapping[str, str]
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]

    def __call__(self, document: Document, notes: Notes) -> Told | None:
        """Return what a record says; None when its action or outcome is no access.

        Raises:
            InvalidDocument: A part that every access has is missing or means nothing.

        """
        record = Node(document.value, notes)
        action = self._word("action", record)
        outcome = self._word("outcome", record) or AccessOutcome.ALLOWED.value
        if action == _LEFT_OUT or outcome == _LEFT_OUT:
            return None
        if action is None or action not in AccessAction._value2member_map_:
            raise InvalidDocument(f"the action is none of {', '.join(AccessAction)}")
        if outcome not in AccessOutcome._value2member_map_:
            raise InvalidDocument(f"the outcome is none of {', '.join(AccessOutcome)}")
        moment = read_moment(self._time(record), notes)
        if moment is None:
            raise InvalidDocument("the time is missing, or no time from 1970 to 9999")
        reason = self._text("reason", record)
        access = Access(
            principal=required(self._text("principal", record), "the principal", notes),
            action=AccessAction(action),
            resource=self._resource(record, notes),
            outcome=AccessOutcome(outcome),
            granted_to=names.identifier(self._text("granted_to", record), notes),
            reason=fit(", ".join(part for part in (reason, f"document {document.digest}") if part)),
        )
        return Told(
            format="mapped",
            record_id=self._text("id", record),
            event_time=moment,
            accesses=(access,),
        )

    def _resource(self, record: Node, notes: Notes) -> Subject:
        kind = self._text("kind", record) or Kind.DATASET.value
        name = required(self._text("resource", record), "the resource", notes)
        if kind in Kind._value2member_map_:
            return dataset(self._text("namespace", record) or "default", name, notes, Kind(kind))
        if kind in SUBJECT_TYPES:
            return thing(kind, name, notes)
        raise InvalidDocument("the kind is neither one of artifacts nor of other subjects")

    def _time(self, record: Node) -> Any:
        node, last = _place(record, self.fields["time"])
        value = node.value.get(last)
        text = value.strip() if isinstance(value, str) else value
        # A CSV file has no numbers: seconds or milliseconds since 1970 are text there.
        return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text

    def _text(self, part: str, record: Node) -> str | None:
        field = self.fields.get(part)
        if field is None:
            return self.constants.get(part)
        node, last = _place(record, field)
        return node.text(last) or self.constants.get(part)

    def _word(self, part: str, record: Node) -> str | None:
        text = (self._text(part, record) or "").strip().lower()
        translated = self.values.get(part)
        if translated is None or not text:
            return text or None
        return translated.get(text, _LEFT_OUT)


def _place(record: Node, field: str) -> tuple[Node, str]:
    """Return the object that holds a field, and the field's name in it."""
    if field in record.value:
        return record, field
    *above, last = field.split(".")
    for name in above:
        record = record.node(name)
    return record, last


def load_mapping(path: Path) -> AccessMapping:
    """Read a mapping file.

    Raises:
        Unreadable: It cannot be read.
        ConfigurationError: It says something that means nothing here.

    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise ConfigurationError(f"{path} is larger than {_MAX_BYTES} bytes")
        said = tomllib.loads(data.decode())
    except OSError as error:
        raise Unreadable(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    return _checked(path, said)


def _checked(path: Path, said: dict[str, Any]) -> AccessMapping:
    unknown = said.keys() - _SECTIONS
    if unknown:
        raise ConfigurationError(
            f"{path}: no section [{min(unknown)}]; there are fields, constants and values"
        )
    fields = _texts(path, "fields", said.get("fields", {}), _PARTS)
    constants = _texts(path, "constants", said.get("constants", {}), _PARTS)
    sections = said.get("values", {})
    if not isinstance(sections, dict) or cast("dict[str, Any]", sections).keys() - _TRANSLATED:
        raise ConfigurationError(f"{path}: only [values.action] and [values.outcome] translate")
    values = {
        part: {
            word.lower(): meaning for word, meaning in _texts(path, f"values.{part}", words).items()
        }
        for part, words in cast("dict[str, Any]", sections).items()
    }
    for part, kind in (("action", AccessAction), ("outcome", AccessOutcome)):
        wrong = set(values.get(part, {}).values()) - {member.value for member in kind}
        if wrong:
            raise ConfigurationError(
                f"{path}: {min(wrong)!r} in [values.{part}] is none of {', '.join(kind)}"
            )
    if "time" in constants:
        raise ConfigurationError(f"{path}: time cannot be the same for all; name its field")
    missing = [part for part in _REQUIRED if part not in fields and part not in constants]
    if missing:
        raise ConfigurationError(f"{path}: [fields] does not say where {missing[0]!r} stands")
    return AccessMapping(fields, constants, values)


def _texts(
    path: Path, section: str, said: Any, allowed: tuple[str, ...] | None = None
) -> dict[str, str]:
    if not isinstance(said, dict):
        raise ConfigurationError(f"{path}: [{section}] is no table")
    table = cast("dict[str, Any]", said)
    for key, value in table.items():
        if allowed is not None and key not in allowed:
            raise ConfigurationError(
                f"{path}: {key!r} in [{section}] is none of {', '.join(allowed)}"
            )
        if not isinstance(value, str) or not value:
            raise ConfigurationError(f"{path}: {key!r} in [{section}] is no text")
    return cast("dict[str, str]", table)
