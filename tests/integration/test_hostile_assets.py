"""Hostile records of every class end in one error each: no crash, no hang, no memory, no doubt.

What is promised: each record under ``tests/assets`` goes through the real materialiser and ends in
exactly one reject with its code; what lies beside it in the batch and behind it in the log is
stored; a whole class takes less than 50 MB; and decoding in columns and one by one give the same
verdict in the same words. Source: attack table A5, A6, A23, A25, A38, A39; fault list F37.

Evidence: a process of its own for each of the two ways, in which every record is tried.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.assets.generate import FOLDER, INDEX, MAX_FILE_BYTES, assets, files, render_index
from tests.assets.trial import COLUMNS, REFERENCE, forget_peak, status

from lineseal.schemas.errors import ContractError

MAX_EXTRA_BYTES = 50 * 1024 * 1024
DEFECTS = sorted({asset.defect for asset in assets()})
ROOT = Path(__file__).parents[2]
MAX_SECONDS = 200
"""For all of one way on a machine that is busy; alone it takes a twentieth of that."""


@cache
def trial(way: str) -> Mapping[str, Any]:
    """Try all assets in one process; return what it said of each defect."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.assets.trial", way],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    told = [one["defect"] for one in said]
    assert done.returncode == 0, f"it died behind {told[-1:]} of {DEFECTS}: {done.stderr[-2000:]}"
    return {one["defect"]: one for one in said}


def test_the_assets_are_what_their_generator_makes() -> None:
    """Byte for byte; what is new is written with ``python -m tests.assets.generate``."""
    kept = {path: path.read_bytes() for path in FOLDER.glob("*/*.bin")}

    assert kept == files()
    assert INDEX.read_text("utf-8") == render_index()


def test_what_is_too_large_for_a_file_is_made_as_it_was() -> None:
    """The index names its SHA-256."""
    index = {(entry["defect"], entry["name"]): entry for entry in json.loads(INDEX.read_bytes())}
    large = [asset for asset in assets() if len(asset.value) > MAX_FILE_BYTES]

    digests = [hashlib.sha256(asset.value).hexdigest() for asset in large]

    assert large
    assert [index[asset.defect, asset.name]["sha256"] for asset in large] == digests


def test_every_code_for_bytes_is_tried() -> None:
    """Those that need a keyring, a log or a checkpoint of their own are tried elsewhere."""
    codes = {cls.code for cls in _below(ContractError)}
    elsewhere = {"CONTRACT", "KEY_NOT_YET_VALID", "KEY_EXPIRED", "KEY_REVOKED", "NAME_SCOPE"}

    assert codes - elsewhere - {"CHECKPOINT_INVALID"} == {asset.code for asset in assets()}


def test_the_page_names_every_class_with_its_codes() -> None:
    """SECURITY.md, "Hostile input": no class is missing, none ends in another code."""
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    section = page.partition("## Hostile input")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| .* \| ([A-Z_` ]+) \|$", section, re.MULTILINE)

    told = {defect: sorted(codes.replace("`", "").split()) for defect, codes in rows}

    assert told == {
        defect: sorted({asset.code for asset in assets() if asset.defect == defect})
        for defect in DEFECTS
    }


@pytest.mark.parametrize("way", [COLUMNS, REFERENCE])
@pytest.mark.parametrize("defect", DEFECTS)
def test_each_ends_in_its_one_error_and_costs_nobody_else(defect: str, way: str) -> None:
    """One reject with the code; the good event beside it and the batch behind it are stored."""
    found = trial(way)[defect]

    verdicts = {
        name: ([error[:2] for error in said["errors"]], said["stored"])
        for name, said in found["verdicts"].items()
    }

    assert verdicts == {
        asset.name: ([[asset.code, 0 if asset.in_event else None]], int(asset.in_event))
        for asset in assets()
        if asset.defect == defect
    }
    assert found["followed"] == [[1]]


@pytest.mark.parametrize("defect", DEFECTS)
def test_both_ways_say_the_same_words(defect: str) -> None:
    """The fast decoder never has a verdict of its own."""
    assert trial(COLUMNS)[defect]["verdicts"] == trial(REFERENCE)[defect]["verdicts"]


@pytest.mark.parametrize("way", [COLUMNS, REFERENCE])
def test_no_class_takes_50_megabytes(way: str) -> None:
    """All records of a class together, the commit included."""
    taken = {defect: found["bytes"] for defect, found in trial(way).items()}

    assert {d: size for d, size in taken.items() if size >= MAX_EXTRA_BYTES} == {}


def test_memory_that_is_taken_and_given_back_is_measured() -> None:
    """The measure itself can fail."""
    before = forget_peak()

    data = bytearray(b"x" * MAX_EXTRA_BYTES)
    del data

    assert status("VmHWM") - before >= MAX_EXTRA_BYTES * 9 // 10


def test_what_many_small_values_take_does_not_grow_with_the_log() -> None:
    """Four times as much of the worst that is allowed takes no more memory at its peak."""
    peaks = [
        json.loads(
            subprocess.run(
                [sys.executable, "-m", "tests.assets.crowd", f"{megabytes}"],
                cwd=ROOT,
                capture_output=True,
                check=True,
                timeout=MAX_SECONDS,
            ).stdout
        )
        for megabytes in (32, 128)
    ]

    assert peaks[1] < 1.5 * peaks[0]


def _below(cls: type[ContractError]) -> set[type[ContractError]]:
    return {cls}.union(*(_below(inner) for inner in cls.__subclasses__()))
