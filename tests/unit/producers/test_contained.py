"""What is contained is not read: ``run.reads`` refuses it from the signed list, offline.

Evidence: lists signed with the home's own key (and with others), and what an emitter said then,
read back from the log and verified. Source: DESIGN 5, ADR-0030.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.simulator import artifact

from lineseal.producers import Emitter, dataset
from lineseal.schemas.errors import Contained as Refused
from lineseal.schemas.errors import ContainmentUnknown
from lineseal.schemas.ids import now_us
from lineseal.schemas.model import Artifact
from lineseal.settings import Home, load_settings
from lineseal.signing.containment import Contained, ContainmentList, sign_containment_list
from lineseal.signing.signers import file_uri, load_signer

from .world import states, told_by

DATA = b"1,2\n"
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
OTHER = "sha256:" + 64 * "b"
HOUR = 3_600_000_000
Put = Callable[..., None]


def order(*artifacts: Artifact, **fields: Any) -> Contained:
    """Make an entry of a list about artifacts."""
    values: dict[str, Any] = {
        "type": "artifact",
        "reference": "dataset:lake/tx@3",
        "name": None,
        "action": "freeze",
        "reason": "labels flipped",
        "ordered_by": "alice",
        "since": 1,
        "event_id": "order-1",
    }
    return Contained(artifacts=artifacts, **values | fields)


FROZEN = order(artifact("dataset:lake/tx@3"))


@pytest.fixture
def put(home: Home) -> Put:
    """Return what signs a list and puts it into the home."""

    def put(*orders: Contained, key: str = "materialiser", age: int = 0, **fields: Any) -> None:
        now = now_us() - age
        values: dict[str, Any] = {
            "deployment": load_settings(home, {}).deployment.name,
            "version": now,
            "at": now,
        }
        made = ContainmentList(contained=orders, **values | fields)
        signer = load_signer(file_uri(home.keys / f"{key}.pem"))
        new = home.containment.with_suffix(".new")
        new.write_bytes(sign_containment_list(made, signer))
        new.replace(home.containment)

    return put


def read(emitter: Emitter, *things: Any, stage: str = "train", **options: Any) -> None:
    """Read things in a run."""
    with emitter.run("fraud/train", stage=stage) as run:
        run.reads(*things, **options)


def bodies(emitter: Emitter, home: Home, name: str) -> list[dict[str, Any]]:
    """Return what the emitter said in bodies of that name."""
    return [one.body for one in told_by(emitter, home) if one.body_name == name]


def test_what_is_frozen_is_refused_and_the_try_is_recorded(
    home: Home, emitter: Emitter, put: Put
) -> None:
    """The run fails, nothing is recorded as read, and the record says who was refused what."""
    put(FROZEN)

    with pytest.raises(Refused, match="must not be read: frozen by alice: labels flipped"):
        read(emitter, dataset("lake", "tx", version="3"), dataset("lake", "clean", version="1"))
    said = told_by(emitter, home)

    assert states(said) == ["START", "FAIL"]
    (access,) = [one.body for one in said if one.body_name == "access"]
    assert (access["principal"], access["action"], access["outcome"]) == (
        "trainer",
        "read",
        "denied",
    )


def test_what_is_not_contained_is_read(home: Home, emitter: Emitter, put: Put) -> None:
    """Another version, another name, another stage, another producer."""
    stage = order(type="stage", name="retrain", reference="stage:retrain")
    producer = order(type="producer", name="other", reference="producer:other")
    put(FROZEN, stage, producer)

    read(emitter, "dataset:lake/tx@4", "dataset:lake/txs@3", "label_set:lake/tx@3")

    assert states(told_by(emitter, home)) == ["START", "RUNNING", "COMPLETE"]


@pytest.mark.parametrize(
    "entry",
    [
        order(artifact("dataset:lake/tx")),
        order(artifact(f"dataset:other/copy@{DIGEST}")),
        order(artifact("dataset:lake/tx@3"), action="quarantine"),
        order(type="stage", name="train", reference="stage:train"),
        order(type="producer", name="trainer", reference="producer:trainer", action="hold"),
    ],
    ids=["all versions", "same bytes", "quarantine", "stage", "producer"],
)
def test_everything_an_order_can_be_about_refuses(
    home: Home, emitter: Emitter, put: Put, tmp_path: Path, entry: Contained
) -> None:
    """All versions, the same bytes under another name, the stage, the producer."""
    (tmp_path / "tx.csv").write_bytes(DATA)
    put(entry)

    with pytest.raises(Refused):
        read(emitter, dataset("lake", "tx", version="3", path=tmp_path / "tx.csv"))


@pytest.mark.parametrize(
    ("contained", "given", "refused"),
    [
        (("3", None), ("3", OTHER), True),
        (("3", DIGEST), ("3", OTHER), False),
        (("3", DIGEST), ("4", None), False),
        (("3", DIGEST), (None, OTHER), False),
        (("3", None), (None, OTHER), True),
        (("3", DIGEST), (None, None), True),
        ((None, DIGEST), ("4", None), False),
    ],
)
def test_version_and_digest_decide_what_is_meant(
    emitter: Emitter,
    put: Put,
    contained: tuple[str | None, str | None],
    given: tuple[str | None, str | None],
    refused: bool,
) -> None:
    """In doubt the read that names no version is refused; one that names another is not."""
    kind = artifact("dataset:lake/tx").kind

    def make(version: str | None, digest: str | None) -> Artifact:
        return Artifact(kind=kind, namespace="lake", name="tx", version=version, digest=digest)

    put(order(make(*contained)))

    if refused:
        with pytest.raises(Refused):
            read(emitter, make(*given))
    else:
        read(emitter, make(*given))


def test_an_override_passes_and_is_recorded(home: Home, emitter: Emitter, put: Put) -> None:
    """With a reason and an approver; once, although it is checked before and after hashing."""
    put(FROZEN)

    read(emitter, "dataset:lake/tx@3", override_reason="ticket 12", approved_by="bob")
    said = told_by(emitter, home)

    assert states(said) == ["START", "RUNNING", "COMPLETE"]
    (override,) = [one.body for one in said if one.body_name == "override"]
    assert (override["before"], override["after"]) == ("freeze", "read")
    assert (override["reason"], override["approved_by"]) == ("ticket 12", "bob")


def test_an_override_without_an_approver_is_none(emitter: Emitter, put: Put) -> None:
    """Nobody overrides alone."""
    put(FROZEN)

    with pytest.raises(Refused):
        read(emitter, "dataset:lake/tx@3", override_reason="I know better")


def test_warn_reads_on_and_records_it(
    home: Home, put: Put, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """``on_contained = "warn"`` softens the refusal."""
    monkeypatch.setenv("LINESEAL_EMITTER__ON_CONTAINED", "warn")
    put(FROZEN)

    with Emitter.from_env(home=home.path) as emitter, caplog.at_level(logging.WARNING):
        read(emitter, "dataset:lake/tx@3")

    assert "it is read all the same" in caplog.text
    (access,) = bodies(emitter, home, "access")
    assert access["outcome"] == "allowed"


def test_a_list_is_used_as_soon_as_it_is_there(emitter: Emitter, put: Put) -> None:
    """Freeze and release reach a job that runs."""
    read(emitter, "dataset:lake/tx@3")
    put(FROZEN)
    with pytest.raises(Refused):
        read(emitter, "dataset:lake/tx@3")
    put()

    read(emitter, "dataset:lake/tx@3")


def test_a_list_that_is_removed_or_older_changes_nothing(
    home: Home, emitter: Emitter, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    """What was in force in a process stays in force."""
    put(FROZEN)
    with pytest.raises(Refused):
        read(emitter, "dataset:lake/tx@3")

    put(age=HOUR)
    with pytest.raises(Refused):
        read(emitter, "dataset:lake/tx@3")
    home.containment.unlink()
    with pytest.raises(Refused):
        read(emitter, "dataset:lake/tx@3")

    assert "older than one that was used before" in caplog.text


def forged(home: Home, put: Put) -> None:
    """Sign a list with a key that may not sign one."""
    put(FROZEN, key="trainer")


def changed(home: Home, put: Put) -> None:
    """Change a byte of a good list."""
    put(FROZEN)
    data = home.containment.read_bytes()
    home.containment.write_bytes(data.replace(b'"payload": "e', b'"payload": "f'))


def foreign(home: Home, put: Put) -> None:
    """Take the list of another deployment."""
    put(FROZEN, deployment="somebody-else")


def half(home: Home, put: Put) -> None:
    """Leave half a file."""
    put(FROZEN)
    data = home.containment.read_bytes()
    home.containment.write_bytes(data[: len(data) // 2])


def without_keyring(home: Home, put: Put) -> None:
    """Take the keyring away."""
    put(FROZEN)
    shutil.move(home.keyring, home.path / "moved.json")


@pytest.mark.parametrize("spoil", [forged, changed, foreign, half, without_keyring])
def test_a_list_that_is_not_genuine_stops_no_job_and_warns(
    home: Home,
    emitter: Emitter,
    put: Put,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Home, Put], None],
) -> None:
    """Whoever can forge it could as well remove it; where that counts, a list is required."""
    spoil(home, put)

    read(emitter, "dataset:lake/tx@3")

    assert "the containment list cannot be used" in caplog.text


@pytest.mark.parametrize("trouble", ["missing", "forged", "old"])
def test_where_a_list_is_required_nothing_is_read_without_a_good_one(
    home: Home, put: Put, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Missing, forged or older than ``containment_hours``."""
    monkeypatch.setenv("LINESEAL_EMITTER__REQUIRE_CONTAINMENT_LIST", "true")
    if trouble == "forged":
        forged(home, put)
    elif trouble == "old":
        put(age=25 * HOUR)

    with Emitter.from_env(home=home.path) as emitter, pytest.raises(ContainmentUnknown):
        read(emitter, "dataset:lake/tx@4")
    put()

    with Emitter.from_env(home=home.path) as emitter:
        read(emitter, "dataset:lake/tx@4")


def test_a_misspelt_setting_is_said_and_breaks_no_job(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As every setting that cannot work."""
    monkeypatch.setenv("LINESEAL_EMITTER__ON_CONTAINED", "wran")

    with Emitter.from_env(home=home.path) as emitter:
        read(emitter, "dataset:lake/tx@3")

    assert "on_contained must be" in caplog.text
