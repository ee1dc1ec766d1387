"""What every sink must do, whatever it ships to.

A harness gives a sink and tells what its receiver holds. Promises: a record that was receipted
OK is at the receiver, each once for a batch that went well; texts arrive as they were rendered;
a receiver that is gone is a receipt that asks for another try, never an exception, and nothing
of it is receipted OK; ``check`` says the same and sends no record.
"""

from __future__ import annotations

from typing import Protocol

from tests.siem.documents import shipments
from tests.siem.hostile import PIECES

from lineseal.consumers.sinks.base import Outcome, Shipment, Sink


class SinkHarness(Protocol):
    """One sink and its receiver."""

    sink: Sink

    def uids(self, expected: int) -> list[str]:
        """Return the uids at the receiver, waiting a little until there are *expected*."""
        ...

    def stop(self) -> None:
        """Take the receiver away."""
        ...

    def close(self) -> None:
        """Close the sink and its receiver."""
        ...


class SinkContract:
    """Derive, and give a fixture ``harness``."""

    def batch(self, harness: SinkHarness, text: str | None = None) -> list[Shipment]:
        """Return one record of every kind as the sink gets it."""
        return shipments(harness.sink.rendering, text)

    def test_a_confirmed_record_is_at_the_receiver(self, harness: SinkHarness) -> None:
        """All of a batch, each once."""
        batch = self.batch(harness)

        receipts = harness.sink.send(batch)

        assert [each.outcome for each in receipts] == [Outcome.OK] * len(batch)
        assert sorted(harness.uids(len(batch))) == sorted(each.uid for each in batch)

    def test_a_hostile_text_makes_no_record_more_or_less(self, harness: SinkHarness) -> None:
        """Line breaks, framing characters, forged headers."""
        batch = self.batch(harness, "".join(PIECES))

        receipts = harness.sink.send(batch)

        assert {each.outcome for each in receipts} == {Outcome.OK}
        assert sorted(harness.uids(len(batch))) == sorted(each.uid for each in batch)

    def test_the_door_can_be_tried_without_a_record(self, harness: SinkHarness) -> None:
        """Check says OK and leaves nothing behind."""
        receipt = harness.sink.check()

        assert receipt.outcome is Outcome.OK
        assert harness.uids(0) == []

    def test_a_receiver_that_is_gone_is_a_reason_to_try_again(self, harness: SinkHarness) -> None:
        """Before and after something was sent."""
        batch = self.batch(harness)
        harness.stop()

        receipts = harness.sink.send(batch)

        assert [each.outcome for each in receipts] == [Outcome.RETRY] * len(batch)
        assert harness.sink.check().outcome is Outcome.RETRY

    def test_closing_twice_is_fine(self, harness: SinkHarness) -> None:
        """And sending afterwards opens it again."""
        harness.sink.close()
        harness.sink.close()

        assert {each.outcome for each in harness.sink.send(self.batch(harness))} == {Outcome.OK}
