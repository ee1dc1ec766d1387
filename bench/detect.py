"""What do detections add to a commit, on a store with a history? Milliseconds beside the commit.

Materialises a log of all bodies, lets every rule look at all of it once, then commits further
batches one by one and detects after each, as a running service does. Beside it the commit itself,
a tick of the rules about absence, and which rules cost most. The larger the store, the more names
it speaks of, 500 events each: what is there already is as dense, and has nothing to do with the
commits. Processor time stands beside the time that passed: a busy machine changes it less.

    .venv/bin/python bench/detect.py [--events N] [--commits N] [--batch N]
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from history import History
from ingest import DEPLOYMENT, machine, make_log, note

from lineseal.consumers.detect import detector as detector_module
from lineseal.consumers.detect.detector import Detector
from lineseal.consumers.detect.policy import make_policy
from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.store import Store
from lineseal.queries.rules import shipped_rules
from lineseal.schemas.codec import encode_event
from lineseal.schemas.ids import now_us
from lineseal.settings import PolicySettings
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import KeySigner, generate_key
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter

RESULT = Path(__file__).parent / "results" / "detect.md"
LATE = "producer-late"
EVENTS_OF_A_NAME = 500
PARTS = ("ask", "prepare", "prepare_training", "compare", "contexts")
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000, help="events already there")
    parser.add_argument("--commits", type=int, default=20, help="commits measured")
    parser.add_argument("--batch", type=int, default=64, help="events in each of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep log and store here")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="detect-"))
        )
        names = max(40, arguments.events // EVENTS_OF_A_NAME)
        made = make_log(
            folder, arguments.events, 512, arguments.seed, partial(History, names=names)
        )
        answer = measure(folder, made["entries"], arguments)
    write_results(arguments, answer)


def measure(
    folder: Path, entries: list[dict[str, str]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Build the store, then commit and detect in turns."""
    for left in (*folder.glob(f"{LATE}.pem"), *(folder / "log").rglob(f"{LATE}*")):
        left.unlink()  # of a former run
    late = generate_key(folder / f"{LATE}.pem")
    keyring = _keyring([*entries, _entry(late)])
    note("materialising")
    shutil.rmtree(folder / "store", ignore_errors=True)
    with Store(folder / "store" / "lineseal.duckdb", deployment=DEPLOYMENT) as store:
        detector = Detector(make_policy(PolicySettings(), shipped_rules()))
        materialiser = Materialiser(
            store, EmbeddedLogReader(folder / "log"), lambda: keyring, DEPLOYMENT
        )

        while not (report := materialiser.step()).idle:
            note(f"{report.events:,} events")

        processor = list[float]()

        def detect(*, tick: bool = False) -> float:
            began = time.process_time()
            try:
                return detect_now(tick=tick)
            finally:
                processor.append(1000 * (time.process_time() - began))

        def detect_now(*, tick: bool) -> float:
            moment = _EPOCH + dt.timedelta(microseconds=now_us())
            return timed(
                lambda: detector.run(
                    store.connection, {"tick_time": moment} if tick else None, store.transaction
                )
            )

        note("every rule looks at everything")
        first = detect(tick=True)
        commits, detections = list[float](), list[float]()
        spent: Counter[str] = Counter()
        with per_rule(spent):
            for _ in late_batches(folder, late, arguments):
                commits.append(timed(materialiser.step))
                detections.append(detect())
                note(f"commit {commits[-1]:.0f} ms, detections {detections[-1]:.0f} ms")
        spent_by_processor = processor[1:]
        ticks = [detect(tick=True) for _ in range(5)]
        alerts = store.connection.execute("SELECT count(*) FROM alert").fetchone()
    return {
        "first": first,
        "commits": commits,
        "detections": detections,
        "processor": spent_by_processor,
        "spent": {name: 1000 * each / arguments.commits for name, each in spent.items()},
        "ticks": ticks,
        "alerts": alerts[0] if alerts else 0,
    }


def timed(action: Callable[[], object]) -> float:
    """Run *action* and return the milliseconds it took."""
    started = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - started)


@contextlib.contextmanager
def per_rule(spent: Counter[str]) -> Iterator[None]:
    """Add the seconds each rule takes, and the preparing before them, to *spent*."""
    parts = {name: getattr(detector_module, name) for name in PARTS}

    def watched(name: str) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return parts[name](*args, **kwargs)
            finally:
                part = args[1].rule_id if name == "ask" else name
                spent[part] += time.perf_counter() - started

        return wrapped

    for name in parts:
        setattr(detector_module, name, watched(name))
    try:
        yield
    finally:
        for name, original in parts.items():
            setattr(detector_module, name, original)


def late_batches(folder: Path, signer: KeySigner, arguments: argparse.Namespace) -> Iterator[int]:
    """Append one batch after the other to the log."""
    sealer = Sealer(signer, deployment=DEPLOYMENT, producer=LATE)
    chain = sealer.open_epoch(None)
    events = History(LATE, arguments.seed + 99).events(arguments.commits * arguments.batch)
    encoded = [encode_event(event) for event in events]
    with contextlib.closing(EmbeddedLogWriter(folder / "log", LATE)) as log:
        for number in range(arguments.commits):
            first = number * arguments.batch
            value, chain = sealer.seal(chain, encoded[first : first + arguments.batch])
            log.append(LATE, value)
            yield number


def _entry(signer: KeySigner) -> dict[str, str]:
    public = signer.public
    return {
        "keyid": signer.keyid,
        "algorithm": public.algorithm,
        "public": public.hex,
        "producer": LATE,
    }


def _keyring(entries: list[dict[str, str]]) -> Keyring:
    return Keyring(
        version=1,
        expires=now_us() + 10**15,
        deployment=DEPLOYMENT,
        entries=tuple(KeyEntry(**entry) for entry in entries),  # type: ignore[arg-type]
    )


def write_results(arguments: argparse.Namespace, answer: dict[str, Any]) -> None:
    """Write the committed page of results."""
    command = (
        f".venv/bin/python bench/detect.py --events {arguments.events}"
        f" --commits {arguments.commits} --batch {arguments.batch} --seed {arguments.seed}"
    )
    lines = [
        "# What detections add to a commit",
        "",
        f"`{command}`",
        "",
        (
            f"{machine()}. A store of {arguments.events:,} events of all bodies; then"
            f" {arguments.commits} commits of {arguments.batch} events each. {len(shipped_rules())}"
            f" rules, {answer['alerts']:,} alerts in the end:"
            " the invented history breaks most rules."
        ),
        "",
        "| what | median ms | slowest ms |",
        "|---|---|---|",
        _row("the commit itself", answer["commits"]),
        _row("detections after it", answer["detections"]),
        _row("their processor time", answer["processor"]),
        _row("a tick of the rules about absence, with nothing new", answer["ticks"]),
        _row("once: every rule looks at everything", [answer["first"]]),
        "",
        "| part of the detections | ms for each commit |",
        "|---|---|",
    ]
    spent = sorted(answer["spent"].items(), key=lambda item: -item[1])
    lines += [f"| {json.dumps(name)[1:-1]} | {each:.1f} |" for name, each in spent[:15]]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join([*lines, ""]))
    print("\n".join(lines))


def _row(what: str, values: list[float]) -> str:
    return f"| {what} | {statistics.median(values):.0f} | {max(values):.0f} |"


if __name__ == "__main__":
    main()
