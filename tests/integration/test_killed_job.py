"""kill -9 at any moment loses nothing that ``emit`` accepted.

What is promised: an event whose id a job has seen is in the log, once, after the job was killed,
whatever it was doing at that moment; nobody has to do more than run the producer's next job.
Source: DESIGN 5; faults F1 and F2.

Evidence: twenty jobs that use nothing but the public API are killed while they emit from several
threads and seal; the ids they had written to a pipe are compared with what the log's reader, the
verifier and the strict codec give.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.unit.producers.world import command, headers_of, make_home, said_in

from lineseal.schemas.model import BatchFlags

KILLS = 20

JOB = """
import sys, threading
from lineseal.producers import Emitter, dataset

emitter = Emitter.from_env(strict=True)

def work(number):
    while True:
        with emitter.run(f"killed/job-{number}") as run:
            for _ in range(20):
                run.reads(dataset("lake", "transactions", version="3"))
                say(emitter.validate("dataset:lake/transactions@3", tool="t", name="n"))
            for event_id in emitter.emit_many([body] * 50):
                say(event_id)

def say(event_id):
    sys.stdout.write(f"{event_id}\\n")
    sys.stdout.flush()

from lineseal.schemas.model import Access, AccessAction, AccessOutcome, Subject
body = Access(principal="p", action=AccessAction.READ, outcome=AccessOutcome.ALLOWED,
              resource=Subject(type="job", name="x"))
threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
for thread in threads:
    thread.start()
"""


def killed_after(folder: Path, lines: int) -> list[str]:
    """Run the job, kill it once it has said *lines* ids, and return all it had said."""
    with subprocess.Popen(
        [sys.executable, "-c", JOB], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    # The last line may be cut off by the kill: that id was never seen whole.
    return [line.strip() for line in said if line.endswith("\n")]


def test_nothing_accepted_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    """Twenty kills, each at another point, over files that earlier kills left behind."""
    home = make_home(tmp_path)
    seen: list[str] = []
    for kill in range(KILLS):
        seen += killed_after(tmp_path, 1 + kill * 37 % 400)
    command("--home", str(home.path), "outbox", "seal")

    counts = Counter(said.event_id for said in said_in(home))

    assert len(seen) > KILLS
    assert [event_id for event_id in seen if not counts[event_id]] == []
    assert [event_id for event_id, count in counts.items() if count > 1] == []
    lost = [header for header in headers_of(home) if header.flags & BatchFlags.LOSS]
    assert lost == []
