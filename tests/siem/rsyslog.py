"""A real rsyslog on loopback: syslog over TLS and RELP, with and without client certificates.

Debian: ``rsyslog rsyslog-openssl rsyslog-gnutls rsyslog-relp``. It runs as this user from a
configuration of its own and touches nothing of the system's.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.kafka.certificates import Authority

_MODULES = ("/usr/lib/x86_64-linux-gnu/rsyslog", "/usr/lib/aarch64-linux-gnu/rsyslog")
_NEEDED = {"ossl": "lmnsd_ossl.so", "gtls": "lmnsd_gtls.so", "relp": "imrelp.so"}
_UID = re.compile(r'uid="([0-9a-f-]{36})" feed_id="[^"]+" feed_seq="(\d+)"')
# Read once: the tests themselves run without any LINESEAL_ variable.
REQUIRED = os.environ.get("LINESEAL_REQUIRE_SIEM", "") == "1"
_START_SECONDS = 15.0
_LAND_SECONDS = 15.0

_TLS = """
global(workDirectory="{folder}" maxMessageSize="64k" DefaultNetstreamDriverCAFile="{ca}"
  DefaultNetstreamDriverCertFile="{cert}" DefaultNetstreamDriverKeyFile="{key}")
module(load="imtcp" StreamDriver.Name="{driver}" StreamDriver.Mode="1"
  StreamDriver.AuthMode="x509/certvalid")
input(type="imtcp" address="127.0.0.1" port="{port}")
"""
_RELP = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imrelp" tls.tlslib="openssl")
input(type="imrelp" address="127.0.0.1" port="{port}" tls="on" tls.cacert="{ca}"
  tls.mycert="{cert}" tls.myprivkey="{key}" tls.authmode="certvalid" maxDataSize="64k")
"""
_OUT = """
template(name="all" type="string" string="%structured-data% %msg%\\n")
action(type="omfile" file="{out}" template="all" asyncWriting="off" flushOnTXEnd="on")
"""


class Rsyslog:
    """Runs one daemon while the block runs; ``flavour`` is ossl, gtls or relp."""

    def __init__(self, flavour: str, folder: Path, authority: Authority) -> None:
        """Prepare; skip the test, or fail where it is required, without the packages."""
        self._program = _find(flavour)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.flavour = flavour
        self.port = _free_port()
        self.out = folder / "received.log"
        issued = authority.issue(f"rsyslog-{flavour}")
        text = (_RELP if flavour == "relp" else _TLS) + _OUT
        self._config = folder / "rsyslog.conf"
        self._config.write_text(
            text.format(
                folder=folder,
                ca=authority.file,
                cert=issued.certificate,
                key=issued.key,
                driver=flavour,
                port=self.port,
                out=self.out,
            )
        )

    @property
    def url(self) -> str:
        """Return the URL for a sink."""
        scheme = "relp+tls" if self.flavour == "relp" else "tls"
        return f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start it and wait until it listens."""
        pid = self._folder / "pid"
        pid.unlink(missing_ok=True)
        with (self._folder / "stderr").open("wb") as errors:
            self._process = subprocess.Popen(
                [self._program, "-n", "-f", str(self._config), "-i", str(pid)],
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, (self._folder / "stderr").read_text()
                time.sleep(0.05)
            else:
                return self
        raise AssertionError((self._folder / "stderr").read_text())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def records(self, expected: int) -> list[tuple[str, int]]:
        """Return uid and number of every record that landed, waiting for *expected*."""
        deadline = time.monotonic() + _LAND_SECONDS
        while True:
            text = self.out.read_text("utf-8") if self.out.exists() else ""
            found = [(uid, int(seq)) for uid, seq in _UID.findall(text)]
            if len(found) >= expected or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def lines(self) -> list[str]:
        """Return every line it wrote."""
        return self.out.read_text("utf-8").split("\n")[:-1]


def _find(flavour: str) -> str:
    program = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    module = any((Path(folder) / _NEEDED[flavour]).is_file() for folder in _MODULES)
    if program is None or not module:
        reason = f"no rsyslog with {_NEEDED[flavour]} (Debian: rsyslog-openssl, -gnutls, -relp)"
        if REQUIRED:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
