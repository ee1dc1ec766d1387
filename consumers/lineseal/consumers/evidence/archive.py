"""Writes a case as a zip file whose bytes depend on its members and on nothing else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o100644 << 16


def to_zip(members: Mapping[str, bytes]) -> bytes:
    """Pack *members* by name: sorted, stored as they are, at one fixed time."""
    target = io.BytesIO()
    # Not compressed: the bytes must not depend on whose zlib it is.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _TIME)
            info.create_system, info.external_attr = _UNIX, _READABLE
            archive.writestr(info, members[name])
    return target.getvalue()
