"""Makes the hostile assets again: ``python -m tests.assets.generate``.

``index.json`` names each with its code and SHA-256. What is larger than 4 KiB is not kept as a
file, only made when it is needed. A bug that the fuzzers find becomes an asset here, too.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.assets.events import wire_assets
from tests.assets.kit import Asset
from tests.assets.records import record_assets
from tests.assets.values import value_assets

FOLDER = Path(__file__).parent
INDEX = FOLDER / "index.json"
MAX_FILE_BYTES = 4096


@cache
def assets() -> tuple[Asset, ...]:
    """Make every asset; always the same ones, in the same order."""
    return (*record_assets(), *wire_assets(), *value_assets())


def render_index() -> str:
    """Render what ``index.json`` says of all assets."""
    entries: list[dict[str, Any]] = [
        {
            "defect": asset.defect,
            "name": asset.name,
            "code": asset.code,
            "in_event": asset.in_event,
            "bytes": len(asset.value),
            "sha256": hashlib.sha256(asset.value).hexdigest(),
        }
        for asset in assets()
    ]
    return "[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n"


def files() -> dict[Path, bytes]:
    """Return the files that are kept, by path."""
    return {
        FOLDER / asset.defect / f"{asset.name}.bin": asset.value
        for asset in assets()
        if len(asset.value) <= MAX_FILE_BYTES
    }


def main() -> None:
    """Write the files and the index; remove files of assets that are gone."""
    kept = files()
    for path in FOLDER.glob("*/*.bin"):
        if path not in kept:
            path.unlink()
    for path, value in kept.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(value)
    INDEX.write_text(render_index(), "utf-8")


if __name__ == "__main__":
    main()
