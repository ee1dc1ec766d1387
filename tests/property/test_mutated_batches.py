"""A batch that was changed and signed again is judged without surprises, and the same in both ways.

What is promised: whatever the owner of an enrolled key does to the frame, the header or the events
of a good batch, before signing it, it ends in an error of the contract or in a batch whose events
are judged the same in columns and one by one: same rows, same refusals in the same words. Source:
DESIGN 4.2, 7; SECURITY.md; attack table A6, A23.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assets.kit import MALLORY, framed, header_record, signature_of
from tests.assets.wire import Piece, joined, to_pieces, varint
from tests.fuzz.targets import KEYRING
from tests.property.damaged_bytes import damaged
from tests.property.hostile_events import sealed_bytes
from tests.property.test_columnar_acceptance import QUICK, both_ways
from tests.simulator import DEPLOYMENT, START
from tests.unit.queries.graph_builder import empty_store

from lineseal.consumers.columnar import judge
from lineseal.consumers.judge import judge_record
from lineseal.schemas.errors import ContractError
from lineseal.schemas.model import BatchHeader
from lineseal.signing.verify import VerifiedBatch
from lineseal.transport.base import LogRecord

_ODD = (0, 1, 2, 3, 127, 1 << 31, (1 << 62) + 1, (1 << 64) - 1, (1 << 64) - 2, 1 << 70)
_NUMBERS = [varint(number) for number in _ODD]


@pytest.fixture(scope="module")
def store() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty store in memory."""
    with empty_store() as connection:
        yield connection


@pytest.fixture(autouse=True)
def _always_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also few events go the fast way here."""
    monkeypatch.setattr(judge, "WORTHWHILE", 1)


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Seal events, good and bad, then change the header before signing or the frame behind it."""
    events = tuple(draw(st.lists(sealed_bytes(MALLORY), max_size=6)))
    pieces = to_pieces(BatchHeader, header_record(events, "mutated"))
    where = draw(st.sampled_from(["nowhere", "nowhere", "header", "bytes", "events", "frame"]))
    header = joined(pieces)
    if where == "header":
        header = draw(_with_another_piece(pieces))
    elif where == "bytes":
        header = draw(damaged(header, _NUMBERS))
    elif where == "events":
        events = tuple(draw(st.permutations([*events, *events[:1]])))
    value = framed(header, events, (signature_of(header),))
    return draw(damaged(value, _NUMBERS)) if where == "frame" else value


@QUICK
@given(value=records())
def test_a_batch_that_was_changed_and_signed_again_is_judged_the_same_in_both_ways(
    store: duckdb.DuckDBPyConnection, value: bytes
) -> None:
    """An error of ours, or the same rows and refusals; never another exception."""
    verdict = judged(value)

    if isinstance(verdict, VerifiedBatch):
        fast, slow, _ = both_ways(store, [verdict])
        assert fast == slow


def test_a_batch_that_nobody_changed_is_accepted(store: duckdb.DuckDBPyConnection) -> None:
    """So what is refused above is the change."""
    header = joined(to_pieces(BatchHeader, header_record((), "mutated")))

    assert isinstance(judged(framed(header, (), (signature_of(header),))), VerifiedBatch)


def judged(value: bytes) -> VerifiedBatch | ContractError:
    """Judge a record as the materialiser does."""
    record = LogRecord(stream="s", position=0, key=MALLORY, value=value, logged_at=None)
    return judge_record(record, KEYRING, deployment=DEPLOYMENT, now=START)


@st.composite
def _with_another_piece(draw: st.DrawFn, pieces: list[Piece]) -> bytes:
    """Replace one number, text or choice of a header."""
    place = draw(st.integers(0, len(pieces) - 1))
    other: Any = draw(st.sampled_from(_NUMBERS) | st.binary(max_size=40))
    return b"".join(other if n == place else piece.data for n, piece in enumerate(pieces))
