"""Answers whether a folder is on a file system that an outbox can trust.

SQLite's write-ahead log needs working locks and shared memory, which network file systems do not
give, and what lies on a container's overlay or in memory is gone with it. Lineseal warns and goes
on (DESIGN 5, fault F55).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lineseal.transport.embedded.voice import LOGGER

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "glusterfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "beegfs"}
)
_EPHEMERAL = frozenset({"overlay", "aufs", "tmpfs", "ramfs"})


def filesystem_of(folder: Path, mounts: str) -> str | None:
    """Return the type of the file system that holds *folder*, or None when it is not listed.

    Args:
        folder: An absolute path without symbolic links.
        mounts: The text of Linux's ``/proc/self/mountinfo`` (proc(5)).

    """
    best: tuple[int, str] | None = None
    for line in mounts.splitlines():
        left, separator, right = line.partition(" - ")
        fields = left.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = Path(_unescape(fields[4]))
        # Later lines cover earlier ones at the same place, hence "at least as long".
        if folder.is_relative_to(point) and (best is None or len(point.parts) >= best[0]):
            best = (len(point.parts), right.split(" ")[0])
    return best[1] if best else None


def concern_about(kind: str | None) -> str | None:
    """Say what is wrong with keeping an outbox on a file system of type *kind*, if anything."""
    if kind in _NETWORK:
        return "a network file system: SQLite's locks do not hold there; use a local disk"
    if kind in _EPHEMERAL:
        return "a file system that may vanish with its container or machine; use a volume"
    return None


@cache
def warn_about(folder: Path) -> None:
    """Log one warning per folder and process when an outbox there is at risk."""
    try:
        kind = filesystem_of(folder.resolve(), _MOUNTS.read_text("utf-8", "surrogateescape"))
    except OSError:
        return
    concern = concern_about(kind)
    if concern:
        LOGGER.warning("the outbox folder %s is on %s (%s)", folder, kind, concern)


def _unescape(field: str) -> str:
    for code, character in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        field = field.replace(f"\\{code}", character)
    return field
