"""Is the ground solid? File permissions, room on the disk, kind of file system, the clock."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from lineseal.consumers.doctor.check import Check, Patient, fail, ok, warn
from lineseal.transport.base import EVENTS_TOPIC
from lineseal.transport.embedded.filesystem import concern_about, filesystem_of
from lineseal.transport.open import EMBEDDED_SCHEME

_MOUNTS = Path("/proc/self/mountinfo")
_GIB = 1 << 30
_LITTLE, _TOO_LITTLE = 2 * _GIB, _GIB // 4
_OTHERS = 0o077
_PUBLIC = (".pub", ".request.json")
"""Endings of files that hold no secret."""
_TIMES_SHOWN = 5
_BUILT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_AHEAD_SECONDS = 300


def check_places(patient: Patient) -> Iterator[Check]:
    """Check permissions, disk, file system and clock."""
    home = patient.home
    yield _permissions(home.path, [home.keys, home.root_keys, home.path / "run", _log(patient)])
    store = home.resolve(patient.settings.store.path).parent
    for name, folder in (("log", _log(patient)), ("store", store)):
        there = _nearest(folder)
        yield _room(f"disk of the {name}", there)
        yield _file_system(f"file system of the {name}", there)
    yield _clock(patient)


def log_folder(patient: Patient) -> Path:
    """Return the folder of this machine's outbox files."""
    return _log(patient) / EVENTS_TOPIC


def _log(patient: Patient) -> Path:
    url = patient.settings.log.url
    folder = url.removeprefix(EMBEDDED_SCHEME) if url.startswith(EMBEDDED_SCHEME) else "log"
    return patient.home.resolve(folder)


def _permissions(home: Path, folders: list[Path]) -> Check:
    """Look at what must be its owner's alone: folders, and every file in them."""
    open_to_others: list[str] = []
    foreign: list[str] = []
    for folder in folders:
        for path in [folder, *folder.rglob("*")] if folder.exists() else []:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                continue
            if found.st_mode & _OTHERS and not path.name.endswith(_PUBLIC):
                inside = home in path.parents
                open_to_others.append(str(path.relative_to(home) if inside else path))
            if found.st_uid != os.geteuid() and os.geteuid() != 0:
                foreign.append(str(path))
    if open_to_others:
        said = f"others may reach {_some(open_to_others)}"
        return fail("permissions", said, f"chmod -R go= on them, in {home}")
    if foreign:
        return warn("permissions", f"somebody else owns {_some(foreign)}", "chown them")
    return ok("permissions", "keys, log and socket are their owner's alone")


def _room(name: str, folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    said = f"{free / _GIB:.1f} GiB free at {folder}"
    if free < _TOO_LITTLE:
        return fail(name, said, "make room: events are dropped and counted when it is full")
    if free < _LITTLE:
        return warn(name, said, "make room soon")
    return ok(name, said)


def _file_system(name: str, folder: Path) -> Check:
    try:
        mounts = _MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return warn(name, "this system does not say", "keep it on a local disk")
    kind = filesystem_of(folder.resolve(), mounts)
    concern = concern_about(kind)
    if concern:
        return warn(name, f"{folder} is on {kind}", concern)
    return ok(name, f"{folder} is on {kind or 'an unlisted file system'}")


def _clock(patient: Patient) -> Check:
    now = dt.datetime.fromtimestamp(patient.now / 1e6, dt.UTC)
    if now < _BUILT:
        return fail("clock", f"it says {now:%Y-%m-%d}", "set it: keys and times depend on it")
    newest = max(
        (path.stat().st_mtime for path in log_folder(patient).glob("*.sqlite")), default=0.0
    )
    ahead = newest - patient.now / 1e6
    if ahead > _AHEAD_SECONDS:
        said = f"files of the log are {ahead:.0f} seconds ahead of it"
        return fail("clock", said, "it was set back: set it right (NTP)")
    return ok("clock", f"{now:%Y-%m-%dT%H:%M:%SZ}")


def _nearest(folder: Path) -> Path:
    """Return *folder*, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _some(names: list[str]) -> str:
    more = len(names) - _TIMES_SHOWN
    return ", ".join(names[:_TIMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
