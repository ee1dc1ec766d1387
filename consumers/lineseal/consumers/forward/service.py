"""The forwarder as a service of ``lineseal up``: it reads on the store that is open there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import duckdb

from lineseal.consumers.forward.opening import open_forwarder
from lineseal.consumers.offer import STORE
from lineseal.schemas.errors import StoreBusy
from lineseal.services import ServiceContext


def forward(context: ServiceContext) -> None:
    """Ship alerts and human decisions to the SIEM.

    Raises:
        ConfigurationError: A sink cannot work as it is configured.
        LinesealError: The store or the feed cannot be used.

    """

    @contextmanager
    def read() -> Generator[duckdb.DuckDBPyConnection]:
        store = context.shared.get(STORE)
        if store is None:
            raise StoreBusy("the materialiser does not offer the store at the moment")
        with store.cursor() as cursor:
            yield cursor

    with open_forwarder(context.home, context.settings, context.log, read) as (forwarder, _):
        forwarder.run(context.stop, context.ready)
