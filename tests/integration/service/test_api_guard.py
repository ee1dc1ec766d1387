"""The API gives nothing but answers: to who may ask, of bounded size, for a bounded time.

What is promised: SQL over the API is as caged as without it, and leaves the writer alone; TCP needs
the token and a name that is served; a request that is too big, too slow or nonsense is refused.
Source: DESIGN 7, 8; attack A31; ADR-0010.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.integration.service.kit import unix_connection

from lineseal.consumers.api import ApiServer, app
from lineseal.consumers.logs import get_logger
from lineseal.consumers.store import Store, write_fact
from lineseal.queries.remote import COPY_PREFIX
from lineseal.settings import Home, load_settings

ATTACKS = [
    "COPY (SELECT 1) TO 'stolen.csv'",
    "ATTACH 'other.duckdb'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA enable_external_access",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "WITH d AS (DELETE FROM edge RETURNING *) SELECT * FROM d",
    "SELECT 1; DELETE FROM edge",
    "BEGIN; SELECT 1",
    "CHECKPOINT",
    "CREATE TABLE x AS SELECT 1",
    "EXPLAIN ANALYZE DELETE FROM edge",
    "CALL duckdb_settings(); DROP TABLE edge",
    "SELECT repeat('x', 2000000000)",
    "SELECT count(*) FROM range(100000000000000)",
    "EXPORT DATABASE 'stolen'",
]


@dataclass
class Served:
    """A server in this process, its store, and its ways in."""

    store: Store
    server: ApiServer
    home: Home

    def post(
        self, name: str, params: Any, headers: dict[str, str] | None = None, port: int | None = None
    ) -> tuple[int, Any]:
        """Ask over the socket, or over TCP on *port*."""
        connection = (
            unix_connection(self.server.address)
            if port is None
            else http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        )
        try:
            body = params if isinstance(params, bytes) else json.dumps({"params": params})
            connection.request("POST", f"/v1/query/{name}", body, headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def edges(self) -> int:
        """Count the edges of the store itself."""
        row = self.store.connection.execute("SELECT count(*) FROM edge").fetchone()
        return int(row[0]) if row else 0


@pytest.fixture(scope="module")
def served(answered: Path) -> Generator[Served]:
    """Serve the store on the socket and on a free port."""
    home = Home(answered)
    settings = load_settings(home)
    api = replace(settings.api, listen="127.0.0.1:0", socket="run/guard.sock")
    settings = replace(settings, api=api, store=replace(settings.store, memory_limit="512MB"))
    path = answered / settings.store.path
    with (
        Store(path, deployment=settings.deployment.name) as store,
        ApiServer(home, settings, lambda: store, get_logger()) as server,
    ):
        yield Served(store, server, home)


@pytest.mark.parametrize("statement", ATTACKS)
def test_a_statement_that_does_more_than_read_is_refused(served: Served, statement: str) -> None:
    """The store is as before, its writer goes on, and nothing was written beside it."""
    edges = served.edges()
    status, reply = served.post("sql", {"statement": statement, "timeout": 1.0})
    with served.store.transaction() as connection:
        write_fact(connection, "attacked", statement)

    assert status in {400, 422}, reply
    assert reply["error"]["code"] in {"SQL_REFUSED", "QUERY"}
    assert served.edges() == edges > 0
    assert served.store.fact("attacked") == statement
    assert not list(served.home.path.glob("**/stolen*"))


def test_a_statement_reads_what_was_committed_just_before(served: Served) -> None:
    """A copy serves until something new is committed."""
    seen: list[Any] = []
    for value in ("one", "two"):
        with served.store.transaction() as connection:
            write_fact(connection, "fresh", value)
        params = {"statement": "SELECT value FROM store_fact WHERE name = 'fresh'"}
        seen.append(served.post("sql", params)[1]["answer"]["rows"])

    assert seen == [[{"value": "one"}], [{"value": "two"}]]
    assert len(list(served.store.path.parent.glob(f"{COPY_PREFIX}*"))) == 1


def test_tcp_needs_the_token_and_a_name_that_is_served(served: Served) -> None:
    """The token's file is its owner's alone; a web page's name is refused even with the token."""
    token = served.home.path / "run" / "api.token"
    right = {"Authorization": f"Bearer {token.read_text().strip()}"}
    port = served.server.port

    assert token.stat().st_mode & 0o777 == 0o600
    assert served.post("status", {}, right, port)[0] == 200
    assert served.post("status", {}, {}, port)[0] == 401
    assert served.post("status", {}, {"Authorization": "Bearer x"}, port)[0] == 401
    assert served.post("status", {}, {**right, "Host": "evil.example"}, port)[0] == 421


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("status", b"no json", 400),
        ("status", b"[]", 400),
        ("status", b"[" * 100_000, 400),
        ("status", {"more": 1}, 400),
        ("trace", {}, 400),
        ("trace", {"reference": 7}, 400),
        ("trace", {"reference": "model:registry/none@1"}, 404),
        ("rejects", {"limit": True}, 400),
        ("sql", {"statement": "SELECT 1", "timeout": 1e9}, 400),
        ("sql", {"statement": "SELECT 1", "limit": 0}, 400),
        ("drop-everything", {}, 404),
        ("copy", {"folder": "/tmp"}, 404),
        ("status", b"x" * (app.MAX_BODY_BYTES + 1), 413),
    ],
)
def test_a_request_that_is_none_is_refused(
    served: Served, name: str, body: Any, status: int
) -> None:
    """With a status of its own, and the service goes on."""
    assert served.post(name, body)[0] == status
    assert served.post("status", {})[0] == 200


def test_a_body_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For longer than a moment."""
    monkeypatch.setattr(app, "BODY_SECONDS", 0.2)
    connection = unix_connection(served.server.address)
    connection.putrequest("POST", "/v1/query/status")
    connection.putheader("Content-Length", "100")
    connection.endheaders(b"{")
    status = connection.getresponse().status
    connection.close()

    assert status == 408


def test_another_store_is_not_answered_for(served: Served) -> None:
    """The command line then opens the file that it means."""
    body = json.dumps({"store": "/somewhere/else.duckdb", "params": {}}).encode()

    assert served.post("status", body)[0] == 409


def test_the_store_is_copied_only_beside_itself(served: Served, tmp_path: Path) -> None:
    """Whoever may ask can read it anyway, and still must not have it written elsewhere."""
    body = json.dumps({"store": str(served.store.path), "params": {"folder": str(tmp_path)}})

    assert served.post("copy", body.encode())[0] == 400
    assert not list(tmp_path.iterdir())


def test_who_hangs_up_ends_the_statement(served: Served) -> None:
    """Places are free again at once: more of them than there are, one after the other."""
    for _ in range(6):
        connection = unix_connection(served.server.address)
        params = {"statement": "SELECT count(*) FROM range(100000000000000)", "timeout": 500}
        connection.request("POST", "/v1/query/sql", json.dumps({"params": params}))
        assert connection.sock is not None
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()

    assert served.post("sql", {"statement": "SELECT 1 AS one"})[1]["answer"]["rows"] == [{"one": 1}]


def test_more_questions_than_may_wait_are_told_so(served: Served) -> None:
    """Instead of piling up."""
    statuses: list[int] = []

    def ask() -> None:
        statement = "SELECT count(*) FROM range(100000000000000)"
        statuses.append(served.post("sql", {"statement": statement, "timeout": 0.5})[0])

    threads = [threading.Thread(target=ask) for _ in range(26)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(set(statuses)) == [422, 503]
    assert served.post("status", {})[0] == 200
