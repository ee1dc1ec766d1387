"""A real rsyslog on loopback: syslog over TLS and RELP, with and without client certificates.

Debian: ``rsyslog rsyslog-openssl rsyslog-gnutls rsyslog-relp``.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.kafka.certificates import Authority
from tests.siem.server_process import without
from tests.siem.syslog_server import SyslogServer

_MODULES = ("/usr/lib/x86_64-linux-gnu/rsyslog", "/usr/lib/aarch64-linux-gnu/rsyslog")
_NEEDED = {"ossl": "lmnsd_ossl.so", "gtls": "lmnsd_gtls.so", "relp": "imrelp.so"}
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


class Rsyslog(SyslogServer):
    """Runs one rsyslog while the block runs; ``flavour`` is ossl, gtls or relp."""

    def __init__(self, flavour: str, folder: Path, authority: Authority) -> None:
        """Prepare; skip the test, or fail where it is required, without the packages."""
        super().__init__(folder, "relp+tls" if flavour == "relp" else "tls")
        self.flavour = flavour
        issued = authority.issue(f"rsyslog-{flavour}")
        text = (_RELP if flavour == "relp" else _TLS) + _OUT
        config = folder / "rsyslog.conf"
        config.write_text(
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
        self._command = (_find(flavour), "-n", "-f", str(config), "-i", str(folder / "pid"))


def _find(flavour: str) -> str:
    program = shutil.which("rsyslogd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    module = any((Path(folder) / _NEEDED[flavour]).is_file() for folder in _MODULES)
    if program is None or not module:
        without(f"no rsyslog with {_NEEDED[flavour]} (Debian: rsyslog-openssl, -gnutls, -relp)")
    return program
