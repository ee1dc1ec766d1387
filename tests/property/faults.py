"""Faults put into the product on purpose: an oracle that finds none of them proves nothing.

Each is what somebody could really get wrong: a bound, a forgotten reason, a finding that counts for
nothing. ``bench/oracle_faults.py`` tells how many random histories it takes to notice each.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from lineseal.consumers import copies, findings, resolve
from lineseal.queries import (
    catalog,
    chains,
    completeness,
    crowds,
    doubts,
    downstream,
    graph,
    models,
    registrations,
    upstream,
    walk,
)

Patch = Callable[[pytest.MonkeyPatch], None]
HALF_HOPS = ("readers", "run_outputs", "writers", "run_inputs", "all_inputs", "all_outputs")
_EDGE = """
  producer, run_id, direction, artifact_version_id, exact, reasons, event_id, event_time
"""
AS_OF = "event_time <= $as_of"
KNOWN_FROM = "known_from <= $known_at"


def _attribute(module: Any, name: str, value: Any) -> Patch:
    return lambda patch: patch.setattr(module, name, value)


def _sql(old: str, new: str, *names: str) -> Patch:
    """Change the text of queries."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        shipped: Mapping[str, catalog.Query] = catalog.load_catalog()
        changed = dict(shipped)
        for name in names:
            text = shipped[name].sql
            assert old in text, f"{name}.sql has no {old!r} any more"
            changed[name] = dataclasses.replace(shipped[name], sql=text.replace(old, new))
        patch.setattr(catalog, "load_catalog", lambda: MappingProxyType(changed))

    return apply


def _script(module: Any, old: str, new: str) -> Patch:
    """Change the text of the scripts that a commit runs."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        read: Callable[[str], tuple[str, ...]] = module.scripts_in

        def changed(folder: str) -> tuple[str, ...]:
            texts = read(folder)
            assert any(old in text for text in texts), f"{folder} has no {old!r} any more"
            return tuple(text.replace(old, new) for text in texts)

        patch.setattr(module, "scripts_in", changed)

    return apply


def _overlook(code: str) -> Patch:
    """Leave one fault of epochs out."""
    faults = chains.Epoch.faults

    def fewer(self: chains.Epoch, now: dt.datetime) -> list[tuple[str, str]]:
        return [fault for fault in faults(self, now) if fault[0] != code]

    return _attribute(chains.Epoch, "faults", fewer)


def _without(module: Any, name: str, code: str) -> Patch:
    return _attribute(module, name, getattr(module, name) - {code})


def _all(*patches: Patch) -> Patch:
    def apply(patch: pytest.MonkeyPatch) -> None:
        for one in patches:
            one(patch)

    return apply


def _nothing(*_: Any, **__: Any) -> dict[int, set[completeness.Defect]]:
    return {}


def _nobody(*_: Any) -> list[int]:
    return []


def _no_gaps(*arguments: Any) -> Any:
    return [], _FINDINGS(*arguments)[1]


def _never_opaque(*arguments: Any) -> registrations.Registered:
    return dataclasses.replace(_TOGETHER(*arguments), opaque=False)


def _until_now(self: doubts.Holes, end: dt.datetime | None) -> set[completeness.Defect]:
    return set() if end is None else _UNTIL(self, end)


def _touching_is_apart(self: chains.Gap, start: dt.datetime, end: dt.datetime | None) -> bool:
    return (self.end is None or self.end > start) and (
        end is None or self.start is None or self.start < end
    )


def _names_any_digest(self: Any, node: Any) -> bool:
    return _COVERS(self, dataclasses.replace(node, conflict=False))


def _three_hops(
    half_hops: walk.Hopping, starts: Iterable[int], direction: walk.Direction, _: int | None
) -> walk.Walked:
    found = _WALK(half_hops, starts, direction, 3)
    none = found.cut_nodes[:0]
    return dataclasses.replace(found, cut_nodes=none, cut_runs=none)


def _every_path(lineage: graph.Lineage, *_: Any) -> set[int]:
    return set(lineage.depth)


_FINDINGS = chains._findings  # pyright: ignore[reportPrivateUsage]
_TOGETHER = registrations._together  # pyright: ignore[reportPrivateUsage]
_COVERS = registrations._Registration.covers  # pyright: ignore[reportPrivateUsage]
_UNTIL = doubts.Holes.until
_WALK = walk.walk
_NO_FORK = (
    _without(chains, "ACCUSING", "FORK"),
    _without(doubts, "HIDING", "FORK"),
    _without(completeness, "SPOILING", "FORK"),
)

FAULTS: dict[str, Patch] = {
    "missing batches are overlooked": _attribute(chains, "_findings", _no_gaps),
    "a gap that only touches a run leaves it certain": _attribute(
        chains.Gap, "overlaps", _touching_is_apart
    ),
    "a missing tail is no gap": _script(
        findings, "WHERE claimed_last > last_seq", "WHERE claimed_last > last_seq + 1"
    ),
    "a fork is clean": _all(*_NO_FORK),
    "a fork hides nothing": _NO_FORK[1],
    "what forked batches say counts": _NO_FORK[0],
    "what follows a final batch counts": _without(chains, "ACCUSING", "REPLAY"),
    "a lost outbox hides nothing": _without(doubts, "HIDING", "OUTBOX_ROLLBACK"),
    "a reported loss is overlooked": _overlook("lost_events"),
    "a refused event is overlooked": _overlook("rejected_events"),
    "an epoch left open counts as closed": _overlook("epoch_not_closed"),
    "an epoch is alive at 180 seconds": _attribute(
        chains, "ALIVE_FOR", dt.timedelta(seconds=180, microseconds=1)
    ),
    "late batches close no edge": _sql("known_to IS NULL", "true", *HALF_HOPS),
    "late batches add no edge to a known version": _script(
        resolve,
        f"ANTI JOIN open_edge USING ({_EDGE}",
        "ANTI JOIN open_edge USING (artifact_version_id",
    ),
    "late batches shorten a run": _script(
        copies, "WHERE ingest_time < $ingest_time::TIMESTAMP", "WHERE false"
    ),
    "a gap that was filled late stays open": _script(
        findings, "FROM finding_before EXCEPT FROM finding_now", "FROM finding_before LIMIT 0"
    ),
    "--as-of leaves its moment out": _sql(AS_OF, AS_OF.replace("<=", "<"), *HALF_HOPS),
    "--known-at leaves its moment out": _sql(KNOWN_FROM, KNOWN_FROM.replace("<=", "<"), *HALF_HOPS),
    "opaque is ignored": _attribute(registrations, "_together", _never_opaque),
    "an import registers": _sql("AND origin IS DISTINCT FROM 'import'", "", "registrations_named"),
    "an import is exact": _script(resolve, "CASE WHEN imported THEN 'unsigned_import' END", "NULL"),
    "a guessed version is exact": _script(resolve, "'version_inferred',", "NULL,"),
    "overlapping writes are no reason": _script(
        resolve, "CASE WHEN overlapping THEN 'overlapping_writes' END", "NULL"
    ),
    "a read without version takes the oldest": _all(
        _script(resolve, "max(before.ends) AS ends", "min(before.ends) AS ends"),
        _script(resolve, "ASOF JOIN ended", "JOIN ended"),
    ),
    "a read without version takes an older one that its run wrote again": _script(
        resolve, "max(before.ends) AS ends", "min(before.ends) AS ends"
    ),
    "a version with two digests is registered by its name": _attribute(
        registrations._Registration,  # pyright: ignore[reportPrivateUsage]
        "covers",
        _names_any_digest,
    ),
    "a model that nobody trained is a good leaf": _attribute(
        completeness, "_TRAINED", frozenset[str]()
    ),
    "a doubtful batch registers": _sql(
        "WHERE event.body", "WHERE false AND event.body", "doubtful_registrations"
    ),
    "the suspect under another name is clean": _all(
        _attribute(upstream, "look_alikes", _nothing), _attribute(models, "look_alikes", _nothing)
    ),
    "too many candidates are no doubt": _attribute(crowds, "crowded", _nobody),
    "refused records count for nothing": _sql(
        "WHERE producer IS NULL", "WHERE false", "refused_records"
    ),
    "impact forgets what never arrived": _attribute(doubts.Holes, "until", _until_now),
    "walks stop after three hops": _attribute(graph, "walk", _three_hops),
    "an answer cut short does not say so": _attribute(completeness, "cuts", _nothing),
    "any path counts as certain": _all(
        *(
            _attribute(module, "reached_for_certain", _every_path)
            for module in (downstream, models, upstream)
        )
    ),
}
