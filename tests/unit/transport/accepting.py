"""A process that accepts events until it is killed: the victim of ``test_killed_outbox``.

Arguments: log folder, private key file, number of this run. Each accepted event's number is
written to standard output after ``accept`` returned, and not before.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import threading
from pathlib import Path

THREADS = 2
MANY = 520
"""So many are sealed by who accepts them, when nothing else is pending."""
QUIET_TRIES = 100


def event(run: int, thread: int, number: int) -> bytes:
    """Return the same bytes for the same numbers, of 10 to 3,000 bytes."""
    chance = random.Random(f"{run} {thread} {number}")  # noqa: S311 - the same in both processes
    return f"{run} {thread} {number} ".encode() + chance.randbytes(chance.randint(0, 2990))


def main() -> None:
    """Accept from several threads and seal now and then, for ever."""
    from lineseal.signing.sealer import Sealer
    from lineseal.signing.signers import load_signer
    from lineseal.transport.embedded import Outbox

    folder, key, run = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    signer = load_signer(f"file2:{key}")
    sealer = Sealer(signer, deployment="test-lab", producer="fraud/train")
    outbox = Outbox.open(folder, "fraud/train", sealer, max_bytes=1 << 30)

    def accept(thread: int) -> None:
        chance = random.Random(f"{run} {thread}")  # noqa: S311 - content, not a secret
        start = 0
        while True:
            end = start + chance.choice((1, 1, 1, 4, 30, MANY))
            for _ in range(QUIET_TRIES if end == start + MANY else 0):
                if not outbox.pending_count:
                    break
                threading.Event().wait(0.001)
            outbox.accept([event(run, thread, number) for number in range(start, end)])
            # A pipe takes this much in one piece; more could be torn by the other thread's.
            for at in range(start, end, 100):
                numbers = range(at, min(at + 100, end))
                lines = "".join(f"{run} {thread} {number}\n" for number in numbers)
                os.write(1, lines.encode())
            start = end

    for thread in range(THREADS):
        threading.Thread(target=accept, args=(thread,), daemon=True).start()
    for turn in itertools.count():
        threading.Event().wait(0.005 * (1 + turn % 4))
        outbox.seal_pending(heartbeat=turn % 7 == 0)


if __name__ == "__main__":
    main()
