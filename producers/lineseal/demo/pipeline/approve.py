"""Bob approves something at a gate, under his own key. Arguments: GATE REF FILE REQUESTED_BY."""

from __future__ import annotations

import sys

from lineseal.producers import Emitter, artifact

REASONS = {
    "dataset": "the changed labels match the drawings",
    "promotion": "accuracy on the holdout is within three points",
}


def main(gate: str, reference: str, file: str, requested_by: str) -> None:
    """Record the approval of exactly the bytes in *file*."""
    with Emitter.from_env(person="bob") as bob:
        bob.approve(
            artifact(reference, path=file),
            gate=gate,
            reason=REASONS[gate],
            requested_by=requested_by,
        )

    print(f"bob approves {reference.partition('/')[2]} and signs with his own key")


if __name__ == "__main__":
    main(*sys.argv[1:])
