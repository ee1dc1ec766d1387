"""A job killed at any moment loses no event that ``accept`` returned for, and doubles none.

What is promised: after twenty kills with SIGKILL, each at a random moment of accepting and
sealing, every accepted event is in exactly one verified batch, byte for byte; an event whose
``accept`` had not returned is there once or not at all; the chain of every epoch has no hole and
each epoch names the one before. Source: DESIGN 4.2, 5; faults F1, F2.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.unit.transport import accepting
from tests.unit.transport.accepting import event
from tests.unit.transport.world import DEPLOYMENT, PRODUCER, check_chains, records_in, verified

from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import generate_key
from lineseal.signing.verify import VerifiedBatch
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded import EmbeddedLogReader, adopt_orphans

KILLS = 20
LONGEST_LIFE_SECONDS = 0.2


def run_and_kill(folder: Path, key: Path, run: int, life_seconds: float) -> set[str]:
    """Start the victim, kill it, and return the numbers it said were accepted."""
    victim = subprocess.Popen(
        [sys.executable, accepting.__file__, str(folder), str(key), str(run)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdout is not None
        first = victim.stdout.readline()
        time.sleep(life_seconds)
        victim.kill()
        lines = [first, *victim.stdout]
    # The kill may cut the last line.
    return {line.strip() for line in lines if line.endswith("\n")}


def check_epochs_name_each_other(batches: list[VerifiedBatch]) -> None:
    """Check that each epoch's genesis is the head of the epoch before it in the file."""
    head: VerifiedBatch | None = None
    for batch in batches:
        genesis = batch.header.genesis
        if genesis is not None:
            expected = None if head is None else head.header_sha256
            assert expected == genesis.prev_header_sha256
        head = batch


def test_twenty_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """All on one folder, while a reader follows."""
    chance = random.Random(20)  # noqa: S311 - when to kill
    folder, key = tmp_path / "log", tmp_path / "key.pem"
    signer = generate_key(key)
    sealer = Sealer(signer, deployment=DEPLOYMENT, producer=PRODUCER)
    accepted: set[str] = set()
    followed: list[LogRecord] = []
    with closing(EmbeddedLogReader(folder)) as reader:
        for run in range(KILLS):
            accepted |= run_and_kill(folder, key, run, chance.random() * LONGEST_LIFE_SECONDS)
            followed += reader.poll(50, 0.0)
        adopt_orphans(folder, PRODUCER, sealer)
        while found := reader.poll(1000, 0.0):
            followed += found

    records = records_in(folder)
    batches = verified(records, signer.public)
    sealed = [sealed for batch in batches for sealed in batch.events]
    numbers = [b" ".join(one.split(b" ", 3)[:3]).decode() for one in sealed]

    assert followed == records
    assert len(accepted) > KILLS
    assert len(numbers) == len(set(numbers))
    assert accepted <= set(numbers)
    for number, one in zip(numbers, sealed, strict=True):
        assert event(*map(int, number.split())) == one
    check_chains(batches)
    check_epochs_name_each_other(batches)
