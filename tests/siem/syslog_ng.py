"""A real syslog-ng on loopback, over TLS with client certificates.

Debian's package cannot be installed beside rsyslog, so it is fetched and unpacked into the user's
cache (``apt-get download``), unless a ``syslog-ng`` is on the PATH.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kafka.certificates import Authority
from tests.siem.syslog_server import SyslogServer

_PACKAGES = ("syslog-ng-core", "libivykis0", "libnet1", "libpcre3", "libwrap0")
_CONFIG = """@version: 3.38
options {{ stats-freq(0); }};
source s {{ syslog(ip("127.0.0.1") port({port}) transport("tls") log-msg-size(1048576)
  tls(key-file("{key}") cert-file("{cert}") ca-file("{ca}") peer-verify(required-trusted))); }};
destination d {{ file("{out}" template("${{SDATA}} ${{MSG}}\\n")); }};
log {{ source(s); destination(d); flags(flow-control); }};
"""


class SyslogNg(SyslogServer):
    """Runs one syslog-ng while the block runs."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        """Prepare; skip the test where it cannot be had."""
        super().__init__(folder, "tls")
        issued = authority.issue("syslog-ng")
        config = folder / "syslog-ng.conf"
        places = {"ca": authority.file, "cert": issued.certificate, "key": issued.key}
        config.write_text(_CONFIG.format(port=self.port, out=self.out, **places))
        program, options, self._environment = _find()
        files = {"-f": config, "-R": folder / "persist", "-p": folder / "pid", "-c": folder / "ctl"}
        named = [str(word) for pair in files.items() for word in pair]
        self._command = (program, "-F", "--no-caps", *options, *named)


def _find() -> tuple[str, tuple[str, ...], dict[str, str]]:
    """Return the program, its options and its environment."""
    program = shutil.which("syslog-ng", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is not None:
        return program, (), {}
    root = _unpacked()
    libraries = root / "usr" / "lib"
    modules = next((libraries / "syslog-ng").glob("[0-9]*"))
    triplets = [each for base in (libraries, root / "lib") for each in base.glob("*-linux-gnu")]
    searched = ":".join(map(str, (libraries / "syslog-ng", modules, *triplets)))
    program = str(root / "usr" / "sbin" / "syslog-ng")
    return program, ("--module-path", str(modules)), {"LD_LIBRARY_PATH": searched}


def _unpacked() -> Path:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        pytest.skip("no syslog-ng here, and no Debian to get it from")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lineseal"
    root = cache / "syslog-ng"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "syslog-ng.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _unpack(root)
    return root


def _unpack(root: Path) -> None:
    folder = root.with_name("syslog-ng.new")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    download = ["apt-get", "download", "-qq", *_PACKAGES]
    done = subprocess.run(download, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"syslog-ng cannot be fetched: {done.stderr.strip()[-300:]}")
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
    folder.rename(root)
