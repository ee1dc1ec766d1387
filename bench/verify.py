"""How fast is a store verified offline? Signatures, roots, log and checkpoints; and everything.

Materialises the log of ``ingest.py`` into a store with checkpoints, then runs ``lineseal verify``'s
code on it, quick and full, each in a process of its own. Budget: DESIGN 12, 100,000 events/s for
signatures and roots.

    .venv/bin/python bench/verify.py [--events N]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ingest

from lineseal.consumers.checkpoint_file import CheckpointFile
from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.notary import Notary
from lineseal.consumers.store import Store
from lineseal.consumers.verify.check import verify_store
from lineseal.schemas.ids import now_us
from lineseal.settings import DeploymentSettings, Home, LogSettings, Settings, StoreSettings
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.keyring_file import write_keyring
from lineseal.signing.signers import generate_key
from lineseal.transport.embedded import EmbeddedLogReader

RESULT = Path(__file__).parent / "results" / "verify.md"


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="events in the log")
    parser.add_argument("--batch", type=int, default=512, help="events in one batch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep log and store here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        folder = arguments.folder or Path(name)
        ingest.make_log(folder, arguments.events, arguments.batch, arguments.seed)
        settings = make_store(folder)
        rows = [apart(folder, settings, quick) for quick in (True, False)]
    write(arguments, rows)


def make_store(folder: Path) -> Settings:
    """Materialise the log, signing checkpoints on the way, and make a home around it."""
    home = Home(folder)
    for name in ("root.pem", "log.pem", "keyring.json", "store.duckdb", "store.duckdb.wal"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(home.checkpoints, ignore_errors=True)
    (folder / "store.seen.sqlite").unlink(missing_ok=True)
    if not (folder / "events").exists():
        (folder / "events").symlink_to("log")
    root, signer = generate_key(folder / "root.pem"), generate_key(folder / "log.pem")
    entries = [
        KeyEntry(**entry) for entry in json.loads((folder / "about.json").read_text())["entries"]
    ]
    entries.append(
        KeyEntry(
            keyid=signer.keyid,
            algorithm=signer.public.algorithm,
            public=signer.public.hex,
            producer="materialiser",
            roles=frozenset({"log"}),
        )
    )
    keyring = write_keyring(
        home.keyring,
        Keyring(
            version=1,
            expires=now_us() + 10**15,
            deployment=ingest.DEPLOYMENT,
            entries=tuple(entries),
            roots=(root.public,),
        ),
        [root],
    )
    with Store(folder / "store.duckdb", deployment=ingest.DEPLOYMENT) as store:
        reader = EmbeddedLogReader(folder / "log")
        materialiser = Materialiser(store, reader, lambda: keyring, ingest.DEPLOYMENT)
        notary = Notary(
            store,
            ingest.DEPLOYMENT,
            CheckpointFile(home.checkpoints),
            signer,
            newest=None,
            interval=5,
        )
        events = 0
        while not (report := materialiser.step()).idle:
            notary.after_step(report)
            events += report.events
            print(f"\r  {events:,} events", end="", file=sys.stderr)
        notary.sign()
    return Settings(
        deployment=DeploymentSettings(name=ingest.DEPLOYMENT, roots=(root.keyid,)),
        log=LogSettings(url="embedded:."),
        store=StoreSettings(path="store.duckdb"),
    )


def apart(folder: Path, settings: Settings, quick: bool) -> dict[str, Any]:
    """Verify in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        row: dict[str, Any] = pool.apply(measure, (folder, settings, quick))
    print(json.dumps(row))
    return row


def measure(folder: Path, settings: Settings, quick: bool) -> dict[str, Any]:
    """Verify once; return what it took."""
    started, cpu = time.monotonic(), time.process_time()
    report = verify_store(folder / "store.duckdb", Home(folder), settings, quick=quick)
    total = time.monotonic() - started
    return {
        "quick": quick,
        "events": report.events,
        "batches": report.batches,
        "problems": dict(report.problems.counts),
        "events_per_second": round(report.events / report.seconds),
        "seconds": round(total, 1),
        "cpu": round((time.process_time() - cpu) / report.events * 1e6, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def write(arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    """Write the table."""
    lines = [
        "# How fast is a store verified?",
        "",
        (
            f"`bench/verify.py --events {arguments.events} --batch {arguments.batch}` on "
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
            f"load of the machine (5 minutes) {os.getloadavg()[1]:.1f}: what others take makes "
            "seconds longer."
        ),
        "",
        "| what | events | events/s | whole run, s | CPU µs/event | peak memory, MB | problems |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        what = "signatures, roots, log, checkpoints (`--quick`)" if row["quick"] else "everything"
        lines.append(
            f"| {what} | {row['events']:,} | {row['events_per_second']:,} | {row['seconds']} "
            f"| {row['cpu']} | {row['peak_mb']:,} | {sum(row['problems'].values())} |"
        )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"wrote {RESULT}")


if __name__ == "__main__":
    main()
