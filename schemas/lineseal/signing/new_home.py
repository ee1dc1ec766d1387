"""Makes a new home: a deployment with its root key, its first producer and its keyring.

Lineseal's own services get keys too, so that what they sign counts from the first day.

``lineseal.toml`` is written last: without it the folder is no home, and a half-made one is
refused rather than mended, since it may hold keys.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import DeploymentSettings, Home, Settings
from lineseal.signing.custody import KEYRING_LIFETIME, Custody
from lineseal.signing.enrolment import EnrolmentRequest
from lineseal.signing.files import make_private_folder, replace_public
from lineseal.signing.holder import Holder
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import write_keyring
from lineseal.signing.signers import KeySigner, generate_key

SERVICES: Final = (
    ("materialiser", ("log",), "checkpoints and receipts"),
    ("detect", ("detect", "emit"), "alerts, changes of keys and of the policy"),
)
"""Lineseal's own keys: name, roles, and what they sign ([store] signer, [detect] producer)."""
_DEPLOYMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")

_CONFIG = """\
# Settings of this Lineseal home. Any of them can come from the environment as
# LINESEAL_SECTION__KEY, for example LINESEAL_EMITTER__PRODUCER.

[deployment]
# Sealed into every batch: batches of another deployment are refused.
name = "{deployment}"
# Key ids of the root keys that may sign keyring.json, and how many have to.
roots = ["{root}"]
threshold = 1

[emitter]
# Who the jobs of this home sign as; the key is keys/{producer}.pem.
producer = "{producer}"

[log]
# Where sealed batches travel: a folder inside this home.
url = "embedded:log"

[store]
# Where 'lineseal materialise' puts what it verified.
path = "store/lineseal.duckdb"
"""


@dataclass(frozen=True, slots=True)
class NewHome:
    """Say what was made."""

    home: Home
    deployment: str
    root_keyid: str
    producer_keyid: str


def create_home(
    path: Path, holder: Holder, deployment: str | None, clock: Callable[[], int]
) -> NewHome:
    """Make a home at *path* with *holder* as its producer.

    Args:
        path: The folder; it may exist if nothing of a home is in it.
        holder: The first producer, not a person.
        deployment: Name of the deployment; None makes one up from the current folder.
        clock: Gives microseconds UTC.

    Raises:
        ConfigurationError: There is a home, or a part of one, or the folder cannot be written.

    """
    home = Home(path.expanduser().resolve())
    name = _deployment_name(deployment)
    if holder.person:
        raise ConfigurationError("the producer of a home is a service, not a person")
    if holder.name in {name for name, *_ in SERVICES}:
        raise ConfigurationError(f"{holder.name!r} is Lineseal's own name; choose another")
    _refuse_existing(home)
    try:
        for folder in (home.path, home.keys, home.root_keys, home.path / "log"):
            make_private_folder(folder)
        make_private_folder(home.path / "store")
    except OSError as error:
        raise ConfigurationError(f"cannot make {home.path}: {error.strerror}") from error
    # Private keys must not end up in a repository because somebody added everything.
    replace_public(home.path / ".gitignore", b"*\n")
    root = generate_key(home.root_keys / "root-1.pem")
    settings = Settings(deployment=DeploymentSettings(name=name, roots=(root.keyid,)))
    custody = Custody(home, settings, clock)
    request, _ = custody.new_key(holder)
    others = [custody.new_key(Holder(name), roles=roles)[0] for name, roles, _ in SERVICES]
    _first_keyring(home, [request, *others], root, clock())
    config = _CONFIG.format(deployment=name, root=root.keyid, producer=holder.producer)
    replace_public(home.config, config.encode())
    return NewHome(home, name, root.keyid, request.public.keyid)


def _first_keyring(
    home: Home, requests: Sequence[EnrolmentRequest], root: KeySigner, now: int
) -> None:
    keyring = Keyring(
        version=1,
        expires=now + KEYRING_LIFETIME,
        deployment=requests[0].deployment,
        entries=tuple(
            request.to_entry(not_before=now)
            for request in sorted(requests, key=lambda request: request.producer)
        ),
        roots=(root.public,),
    )
    write_keyring(home.keyring, keyring, [root])


def _refuse_existing(home: Home) -> None:
    if home.config.exists():
        raise ConfigurationError(
            f"{home.path} is a Lineseal home already; 'lineseal keys new NAME --enrol' adds a "
            "producer to it"
        )
    for part in (home.keyring, home.keys, home.root_keys):
        if part.exists():
            raise ConfigurationError(
                f"{part} exists, but {home.config} does not: an 'init' was interrupted, or this "
                "is something else; look at it, move it away and try again"
            )


def _deployment_name(name: str | None) -> str:
    if name is None:
        folder = re.sub(r"[^A-Za-z0-9._-]+", "-", Path.cwd().name).strip("-._") or "lineseal"
        return f"{folder[:100]}-{secrets.token_hex(3)}"
    if not _DEPLOYMENT.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot name a deployment: use letters, digits, '.', '_' and '-'"
        )
    return name
