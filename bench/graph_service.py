"""Holds one store open and answers over its socket, as a materialiser does, for ``queries.py``.

    python bench/graph_service.py FOLDER

Prints ``ready`` once it listens, ends when its stdin closes, and then prints its largest resident
memory in MB.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import graph_store

from lineseal.consumers.api import ApiServer
from lineseal.consumers.logs import get_logger
from lineseal.consumers.store import Store
from lineseal.settings import Home, load_settings


def main(folder: Path) -> None:
    """Serve the store of *folder* until stdin closes."""
    home = Home(folder)
    settings = load_settings(None, environment={})
    path = home.resolve(settings.store.path)
    with (
        Store(path, deployment=graph_store.DEPLOYMENT) as store,
        ApiServer(home, settings, lambda: store, get_logger()),
    ):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{used:.0f}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
