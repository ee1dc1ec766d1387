"""A name looks like what it is, and a value lies where its field allows.

What is promised: identifiers cannot hide a twin of a trusted name; limits are inclusive; every
refusal says which field, never what the payload held. Source: attack table A38, A39.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.schemas import samples
from tests.unit.schemas.strategies import events

from lineseal.schemas.characters import is_hidden, is_odd_space
from lineseal.schemas.errors import BadIdentifier, ContractError, OutOfRange
from lineseal.schemas.guard import check_event, check_identifier, check_record
from lineseal.schemas.limits import MAX_IDENTIFIER_BYTES, MAX_TIME
from lineseal.schemas.model import Artifact, Event, Kind
from lineseal.schemas.record import to_record

INVISIBLE = {
    "zero width space": "\u200b",
    "right-to-left override": "\u202e",
    "soft hyphen": "\u00ad",
    "byte order mark": "\ufeff",
    "word joiner": "\u2060",
    "combining grapheme joiner": "\u034f",
    "Hangul filler": "\u3164",
    "half-width Hangul filler": "\uffa0",
    "variation selector": "\ufe0f",
    "variation selector supplement": "\U000e0100",
    "tag letter": "\U000e0041",
    "Braille blank": "\u2800",
    "line separator": "\u2028",
    "private use": "\ue000",
    "unassigned": "\u0378",
    "delete": "\x7f",
    "second control set": "\x85",
}
ODD_SPACES = {"no-break space": "\u00a0", "em space": "\u2003", "ideographic space": "\u3000"}


@pytest.mark.parametrize("name", ["a", "fraud/train", "user@host", "café", "名前", "x" * 1024])
def test_ordinary_names_pass(name: str) -> None:
    """Names people use, in any script, are fine."""
    check_identifier(name)


@pytest.mark.parametrize("character", INVISIBLE.values(), ids=INVISIBLE)
def test_a_character_nobody_sees_cannot_be_part_of_a_name(character: str) -> None:
    """Every invisible character is refused, and the message gives its number."""
    assert is_hidden(character)
    with pytest.raises(BadIdentifier):
        check_identifier(f"fraud{character}train")


@pytest.mark.parametrize("character", ODD_SPACES.values(), ids=ODD_SPACES)
def test_a_space_that_is_not_a_space_cannot_be_part_of_a_name(character: str) -> None:
    """Only U+0020 stands between words."""
    assert is_odd_space(character)
    with pytest.raises(BadIdentifier, match=f"U\\+{ord(character):04X}"):
        check_identifier(f"fraud{character}train")


@pytest.mark.parametrize("name", ["", " ", "a ", "\ta", "e\u0301", "é" * 513])
def test_names_that_are_empty_padded_decomposed_or_long_are_refused(name: str) -> None:
    """The limit counts bytes of UTF-8, not characters."""
    with pytest.raises(BadIdentifier):
        check_identifier(name)


def test_the_longest_name_is_counted_in_bytes() -> None:
    """1,024 bytes pass in any script."""
    check_identifier("é" * (MAX_IDENTIFIER_BYTES // 2))


@given(text=st.text())
def test_a_name_is_checked_without_surprises(text: str) -> None:
    """Any text at all passes or is a BadIdentifier, and what passes encodes within the limit."""
    try:
        check_identifier(text)
    except BadIdentifier:
        return

    assert len(text.encode()) <= MAX_IDENTIFIER_BYTES


@given(event=events())
def test_what_the_models_allow_passes(event: Event) -> None:
    """The guard and the models agree on what an event may say."""
    assert getattr(event.body, check_event(to_record(event))) is not None


@pytest.mark.parametrize("time", [0, MAX_TIME])
def test_both_ends_of_time_are_included(time: int) -> None:
    """1970-01-01 and the last microsecond of 9999 are legal."""
    check_event(to_record(samples.event(event_time=time)))


def test_a_refusal_names_the_path_of_the_field() -> None:
    """Somebody with a thousand inputs hears which one."""
    record = samples.changed(to_record(samples.event()), "body.run.inputs.0.artifact.name", "")

    with pytest.raises(ContractError, match=r"Event\.body\.run\.inputs\[0\]\.artifact\.name"):
        check_event(record)


def test_a_field_the_model_does_not_know_is_refused() -> None:
    """A misspelt optional field is an error, not silence."""
    record = to_record(Artifact(kind=Kind.MODEL, namespace="r", name="fraud"))

    with pytest.raises(OutOfRange, match="no field versoin"):
        check_record(Artifact, {**record, "versoin": "7"})


def test_a_missing_field_is_refused() -> None:
    """A record has every field of its model, null or not."""
    record = to_record(Artifact(kind=Kind.MODEL, namespace="r", name="fraud"))
    del record["digest"]

    with pytest.raises(OutOfRange, match=r"Artifact\.digest is missing"):
        check_record(Artifact, record)


@pytest.mark.parametrize("version", ["a@b", "sha256:1", "run:p/r", "unknown"])
def test_a_version_that_reads_like_another_part_of_a_ref_is_refused(version: str) -> None:
    """Else it could answer for another version (ADR-0006)."""
    record = to_record(Artifact(kind=Kind.MODEL, namespace="r", name="fraud", version=version))

    with pytest.raises(BadIdentifier, match="another part of a REF"):
        check_record(Artifact, record)
