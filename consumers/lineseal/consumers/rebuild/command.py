"""The command ``lineseal rebuild``: the store anew from the log, proven equal to the old one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.commandline.progress import Progress
from lineseal.consumers.keyring_memory import trusted_keyring
from lineseal.consumers.keyring_source import KeyringSource
from lineseal.consumers.logs import configure_logs
from lineseal.consumers.materialise import LOG_IDENTITY
from lineseal.consumers.outside import newest_outside
from lineseal.consumers.rebuild.work import Rebuild, Rebuilt
from lineseal.consumers.running import deployment_of, store_in
from lineseal.schemas.errors import StoreDamaged
from lineseal.settings import Home, Settings, find_home, load_settings
from lineseal.transport.open import open_reader

_OWNER_ONLY = 0o077
_COLUMNS = ("table", "rows", "only_old", "only_new")


@click.command()
@click.option("--check", is_flag=True, help="Only compare: the store stays as it is.")
@click.option("--keep", is_flag=True, help="Keep the old store beside the new one.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace the old store although the new one differs; the old one is kept.",
)
@output_options
def rebuild(*, check: bool, keep: bool, force: bool, output: str) -> int:
    """Make the store anew from the log, and prove it equal to the old one.

    Every record is verified again and taken in at the time it was taken in before, so --known-at
    answers as it did. Then all tables that come from the log are compared row by row. Equal, the
    new store takes the place of the old one; different, it is put beside it, unless --force.
    Alerts and other state that is not in the log are taken over.

    A store that cannot be opened is kept, and made anew with the times that stand beside it in
    lineseal.seen.sqlite. No other process may write to the store: stop 'lineseal up' first.

    Exit status: 0 equal; 1 it differs, or was made anew without an old one to compare with; 5 the
    store is in use or cannot be written; 6 equal, but the log has not all of it any more.
    """
    home = find_home()
    settings = load_settings(home)
    os.umask(_OWNER_ONLY)  # DuckDB makes its write-ahead log whenever it needs one
    configure_logs(as_json=False)
    if check and (keep or force):
        raise click.UsageError("--check changes nothing: leave out --keep and --force")
    with Progress("rebuilding", 1) as progress:
        rebuilt = _run(home, settings, progress, check=check, keep=keep, force=force)
    answer = _answer(rebuilt, str(home.resolve(settings.store.path)), check=check)
    print_answer(answer, output, columns=_COLUMNS)
    _say(rebuilt, check=check)
    if answer.verdict != "equal":
        return Exit.FINDING
    return Exit.OK if answer.complete else Exit.INCOMPLETE


def _run(
    home: Home, settings: Settings, progress: Progress, *, check: bool, keep: bool, force: bool
) -> Rebuilt:
    keyring = KeyringSource(
        home.keyring, roots=settings.deployment.roots, threshold=settings.deployment.threshold
    )()
    identity, damage = None, None
    store = store_in(home, settings)
    if store.path.exists():
        try:
            with store:
                trusted_keyring(store, keyring, deployment_of(home, settings))
                identity = store.fact(LOG_IDENTITY)
        except StoreDamaged as error:
            damage = error
    else:
        damage = StoreDamaged(f"there is no store at {store.path}")
    with contextlib.closing(open_reader(settings.log.url, home, identity=identity)) as reader:
        work = Rebuild(
            path=store.path,
            deployment=deployment_of(home, settings),
            memory_limit=settings.store.memory_limit,
            reader=reader,
            keyring=keyring,
        )
        if damage is None:
            try:
                return work.prove(progress.reach, check=check, keep=keep, force=force)
            except StoreDamaged as error:
                damage = error
        if check:
            raise damage
        note(f"warning: {damage}")
        return work.restore(progress.reach, newest_outside(home, settings, lambda: keyring))


def _answer(rebuilt: Rebuilt, subject: str, *, check: bool) -> Answer:
    compared = bool(rebuilt.differences)
    verdict = ("equal" if rebuilt.equal else "differs") if compared else None
    seen = rebuilt.replayed
    return Answer(
        query="rebuild",
        subject=subject,
        verdict=verdict,
        complete=compared and not (seen.from_store or seen.lost),
        warnings=[*_warnings(rebuilt)],
        rows=[
            {
                "table": each.table,
                "rows": each.rows,
                "only_old": each.only_old,
                "only_new": each.only_new,
                "examples": list(each.examples),
            }
            for each in rebuilt.differences
            if each.rows or each.only_old
        ],
        extra={
            "checked_only": check,
            "replaced": rebuilt.replaced,
            "kept": None if rebuilt.kept is None else str(rebuilt.kept),
            "records": seen.records,
            "records_from_store": seen.from_store,
            "records_lost": seen.lost,
            "records_refused_then": seen.refused_then,
            "records_never_seen": seen.never_seen,
            "records_without_time": seen.without_time,
            "records_unread": seen.unread,
        },
    )


def _warnings(rebuilt: Rebuilt) -> Iterator[str]:
    seen = rebuilt.replayed
    if seen.from_store:
        yield (
            f"{seen.from_store} records are not in the log any more: their bytes were taken from"
            " the old store, and verified"
        )
    if seen.lost:
        yield f"{seen.lost} records are neither in the log nor in the old store"
    if seen.never_seen:
        yield f"{seen.never_seen} records are in the log, and the old store passed them by"
    if seen.refused_then:
        yield (
            f"{seen.refused_then} records that were refused would be accepted today:"
            " 'lineseal rejects retry' judges them again"
        )
    if seen.without_time:
        yield (
            f"{seen.without_time} records count from now: nothing says when they first came."
            " State of alerts is lost; rules look at everything again"
        )
    for each in rebuilt.differences:
        if each.only_old or each.only_new:
            yield f"table {each.table}: " + "; ".join(each.examples[:2])


def _say(rebuilt: Rebuilt, *, check: bool) -> None:
    if not rebuilt.differences:
        note(f"made anew: {rebuilt.replayed.records} records")
    elif rebuilt.equal:
        note("equal: the log gives this very store")
    else:
        note("it differs: see docs/operations.md, 'When the store differs from the log'")
    if rebuilt.replaced:
        old = f"; the old one is {rebuilt.kept}" if rebuilt.kept else ""
        note(f"the new store is in place{old}")
    elif rebuilt.kept:
        note(f"the old store stays; the new one is {rebuilt.kept}, and --force puts it in place")
    if rebuilt.replayed.unread and not check:
        note(f"{rebuilt.replayed.unread} newer records: run 'lineseal materialise'")
