"""Whoever attacks the gateway gets nothing, and the others are served meanwhile.

What is promised: silent and dripping connections, thousands of them, bodies and bombs of any size
cost bounded memory, each ends in a clear status or a closed connection, and a client that asks
is answered all the while. Source: docs/openlineage.md.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests.kafka.certificates import Authority
from tests.openlineage.events import data, run_event
from tests.openlineage.gateway import PATIENCE_SECONDS, SETTINGS, Gateway

PLACES = int(SETTINGS["LINESEAL_GATEWAY__MAX_CONNECTIONS"])
LIMIT = int(SETTINGS["LINESEAL_GATEWAY__MAX_EVENT_BYTES"])
ATTEMPTS = 10_000
ATTACK = """
import select, socket, sys
poll, held, connected = select.poll(), {}, set()
for _ in range(int(sys.argv[2])):
    each = socket.socket()
    each.setblocking(False)
    each.connect_ex(("127.0.0.1", int(sys.argv[1])))
    held[each.fileno()] = each
    poll.register(each, select.POLLOUT)
print(len(held), flush=True)
poll.register(0, select.POLLIN)
while True:
    for number, what in poll.poll():
        if number == 0:
            print(len(connected), flush=True)
            sys.exit()
        poll.unregister(number)
        if not what & (select.POLLERR | select.POLLHUP):
            connected.add(number)
            try:
                held[number].send(b"POST /api/v1/lineage HTTP/1.1\\r\\nHost: ")
            except OSError:
                pass
"""
MEMORY_MIB = 400
"""Interpreter and libraries take 60; the rest is what JSON of the tests' sizes may become."""


def head(token: str, *lines: str) -> bytes:
    """Write the head of a request."""
    first = ("POST /api/v1/lineage HTTP/1.1", "Host: x", f"Authorization: Bearer {token}")
    return ("\r\n".join([*first, *lines]) + "\r\n\r\n").encode()


def knock(gateway: Gateway) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE_SECONDS)


def is_served(gateway: Gateway, token: str, number: int) -> bool:
    """Send one event as an ordinary client."""
    return gateway.post(run_event(number, inputs=[data("a")]), token)[0] == 201


def closes(connection: socket.socket) -> bytes:
    """Wait until the other side closes; return what it said."""
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            said += part
    return said


def test_silent_connections_make_room(gateway: Gateway, token: str) -> None:
    """Many more than there are places; each who asks is served at once, and they are closed."""
    silent = [knock(gateway) for _ in range(4 * PLACES)]

    assert all(is_served(gateway, token, 100 + number) for number in range(3))
    for connection in silent:
        assert closes(connection) == b""
        connection.close()


def test_silent_connections_make_room_over_tls(home: Path, token: str, tmp_path: Path) -> None:
    """Without a handshake they do not keep their places until the time for a head is over."""
    authority = Authority(tmp_path, "authority")
    issued = authority.issue("localhost")
    settings = {
        "LINESEAL_GATEWAY__CERT_FILE": str(issued.certificate),
        "LINESEAL_GATEWAY__KEY_FILE": str(issued.key),
        "LINESEAL_GATEWAY__HEADER_SECONDS": "120",
    }
    with Gateway(home, **settings) as gateway, contextlib.ExitStack() as attack:
        for _ in range(4 * PLACES):
            attack.enter_context(knock(gateway))
        asking = http.client.HTTPSConnection(
            "localhost",
            gateway.port,
            timeout=PATIENCE_SECONDS,
            context=ssl.create_default_context(cafile=str(authority.file)),
        )
        attack.callback(asking.close)
        headers = {"Authorization": f"Bearer {token}"}
        asking.request("POST", "/api/v1/lineage", json.dumps(run_event(110)), headers)

        assert asking.getresponse().status == 201


def test_a_head_that_drips_in_is_cut_off(gateway: Gateway, token: str) -> None:
    """A byte now and then does not move the deadline, on a second request neither."""
    with knock(gateway) as connection:
        body = json.dumps(run_event(120)).encode()
        connection.sendall(head(token, f"Content-Length: {len(body)}") + body)
        assert connection.recv(65536).startswith(b"HTTP/1.1 201")
        started = time.monotonic()
        with contextlib.suppress(OSError):
            for byte in head(token) * 100:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)
                if time.monotonic() - started > PATIENCE_SECONDS:
                    pytest.fail("the connection is still open")
    assert is_served(gateway, token, 121)


def test_a_body_that_drips_in_is_refused(gateway: Gateway, token: str) -> None:
    """408, and the place is free again."""
    with knock(gateway) as connection:
        connection.sendall(head(token, "Content-Length: 1000") + b"{")

        assert closes(connection).startswith(b"HTTP/1.1 408")


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process, and those it starts, open as many files as the attack needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = ATTEMPTS + 500
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"a process may open {hard} files here, and {needed} are needed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ten_thousand_connections_leave_the_others_served(
    home: Path, token: str, many_files: None
) -> None:
    """All held open at once, each half way through its head, while a client sends."""
    with Gateway(home, LINESEAL_GATEWAY__MAX_CONNECTIONS="512") as gateway:
        attack = [sys.executable, "-c", ATTACK, str(gateway.port), str(ATTEMPTS)]
        with subprocess.Popen(attack, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as attacker:
            assert attacker.stdin is not None
            assert attacker.stdout is not None
            attempted = int(attacker.stdout.readline())
            served = [is_served(gateway, token, 130 + number) for number in range(5)]
            attacker.stdin.close()
            connected = int(attacker.stdout.readline())
        assert is_served(gateway, token, 136)
        peak = gateway.peak_mib()

    assert attempted == ATTEMPTS
    assert connected > 512
    assert served == [True] * 5
    assert peak < MEMORY_MIB


def chunks() -> Generator[bytes]:
    """Give 100 MB in chunks of HTTP."""
    for _ in range(100):
        yield b"f4240\r\n" + b" " * 1_000_000 + b"\r\n"
    yield b"0\r\n\r\n"


@pytest.mark.parametrize("announced", [True, False])
def test_a_hundred_megabytes_are_refused_unread(
    gateway: Gateway, token: str, *, announced: bool
) -> None:
    """Whether their length is announced or not; the client gets to see why."""
    with knock(gateway) as connection:
        if announced:
            connection.sendall(head(token, "Content-Length: 100000000"))
            for _ in range(100):
                connection.sendall(b" " * 1_000_000)
        else:
            connection.sendall(head(token, "Transfer-Encoding: chunked"))
            for chunk in chunks():
                connection.sendall(chunk)

        assert closes(connection).startswith(b"HTTP/1.1 413")
    assert gateway.peak_mib() < MEMORY_MIB
    assert is_served(gateway, token, 140)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b" " * 200_000_000, 1), 413),
        (gzip.compress(gzip.compress(b"[" * 50_000_000, 1), 1), 400),
        (gzip.compress(b"{}")[:-4], 400),
        (gzip.compress(b" " * 1000) * 10 + b"rubbish", 400),
        (b"{}", 400),
    ],
    # A gzip header holds the time, so bytes would make an id that changes.
    ids=["bomb", "bomb in a bomb", "cut short", "rubbish behind", "not packed"],
)
def test_a_gzip_bomb_is_not_unpacked(
    gateway: Gateway, token: str, body: bytes, status: int
) -> None:
    """No further than the limit; what is no gzip is refused."""
    answered, said = gateway.post(body, token, Content_Encoding="gzip")

    assert (answered, said["status"]) == (status, "error")
    assert gateway.peak_mib() < MEMORY_MIB


def test_large_events_at_once_are_told_to_come_again(gateway: Gateway, token: str) -> None:
    """Bodies have a budget: some wait for their turn, none is lost, memory stays bounded."""
    filler = "x" * (LIMIT - 100_000)
    answers: list[int] = []

    def send(number: int) -> None:
        event = run_event(number, inputs=[data("a")], filler=filler)
        status = 503
        while status == 503:
            status, _said = gateway.post(event, token)
            time.sleep(0.1)
        answers.append(status)

    threads = [threading.Thread(target=send, args=(200 + number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [201] * 8
    assert gateway.peak_mib() < MEMORY_MIB
