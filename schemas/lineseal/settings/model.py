"""Every setting, its default and what it does.

One dataclass per section of ``lineseal.toml``; a field's name is the key, its ``help`` metadata
the documentation, ``least`` the smallest number that can work. ``docs/configuration.md`` is
rendered from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lineseal.schemas.reference import DEFAULT_NAMESPACE

MIB = 1024 * 1024


def _setting(default: Any, text: str, *, least: int | None = None) -> Any:
    return field(default=default, metadata={"help": text, "least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSettings:
    """``[deployment]``: which installation this is and whom it trusts."""

    name: str = _setting("", "name sealed into every batch; a batch of another one is refused")
    roots: tuple[str, ...] = _setting((), "key ids of the root keys that may sign the keyring")
    threshold: int = _setting(1, "how many root signatures a keyring needs", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitterSettings:
    """``[emitter]``: who signs, and how events are stored before they are sent."""

    producer: str = _setting("", "name this installation's jobs sign as")
    key: str = _setting("", "securesystemslib signer URI; default: keys/PRODUCER.pem in the home")
    namespace: str = _setting(DEFAULT_NAMESPACE, "job namespace when a call names none")
    linger_ms: int = _setting(
        200, "milliseconds an event may wait before its batch is sealed", least=0
    )
    max_bytes: int = _setting(
        4096 * MIB, "bytes one outbox may hold before events are dropped", least=MIB
    )
    strict: bool = _setting(False, "raise into the job instead of counting a loss")
    relay: bool = _setting(
        False, "with a log in Kafka, ship from a thread of the job, where no relay runs beside it"
    )
    drain_seconds: int = _setting(
        10,
        "with a log in Kafka, how long 'lineseal run', or a job with a relay of its own, tries to"
        " ship what is left before it ends; 0 not at all",
        least=0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """``[log]``: where sealed batches travel."""

    url: str = _setting(
        "embedded:log",
        "embedded:FOLDER (taken from the home), or kafka://HOST:PORT,.../PREFIX?OPTION=VALUE",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """``[store]``: where events are materialised."""

    path: str = _setting("store/lineseal.duckdb", "the DuckDB file (taken from the home)")
    memory_limit: str = _setting("2GB", "memory DuckDB may use")
    signer: str = _setting(
        "materialiser",
        "whose key signs receipts for the producers: NAME of a key with the role log, or a"
        " securesystemslib signer URI; without such a key none are published",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Hold all sections."""

    deployment: DeploymentSettings = field(default_factory=DeploymentSettings)
    emitter: EmitterSettings = field(default_factory=EmitterSettings)
    log: LogSettings = field(default_factory=LogSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
