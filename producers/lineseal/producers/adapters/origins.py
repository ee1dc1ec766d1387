"""Names data by where it lies, as OpenLineage does; nothing is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Origin:
    """Hold where data came from: the URI as given, its OpenLineage name, version, local path."""

    uri: str
    namespace: str
    name: str
    version: str | None
    path: Path | None


def named_by(uri: str, version: str | None = None, scheme: str | None = None) -> Origin:
    """Name what is at a URI as OpenLineage does: the bucket and the key, ``file`` and the path."""
    split = urlsplit(uri)
    if scheme is not None:
        return Origin(uri, scheme, uri, version, None)
    if split.scheme in ("", "file"):
        path = Path(unquote(split.path) if split.scheme else uri)
        return Origin(uri, "file", str(path), version, path)
    host = split.hostname or ""
    port = f":{split.port}" if split.port else ""
    # User names, passwords and signed queries are no part of a name.
    name = split.path.lstrip("/") or "/"
    return Origin(uri, f"{split.scheme}://{host}{port}", name, version, None)
