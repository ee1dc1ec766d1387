"""A producer can see what the store has, and only what the store has can be pruned.

What is promised: a receipt is signed by a key with the role ``log`` and bound to the producer's own
chain by a hash, so nobody who writes the log can have an outbox pruned; batches that no store
confirmed stay, whatever anybody says. Source: DESIGN 2; attack A16.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.integration.kafka.site import Site

from lineseal.schemas.codec import decode_header
from lineseal.schemas.ids import now_us
from lineseal.signing.frame import decode_frame
from lineseal.signing.receipt import EpochHead, Receipt, sign_receipt
from lineseal.signing.signers import file_uri, generate_key, load_signer
from lineseal.transport.base import RECEIPTS_TOPIC
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter

EMBEDDED = "embedded:log"
BATCHES = 3
HOLDS_ITS_OUTBOX = f"""
from lineseal.producers import Emitter
with Emitter.from_env() as emitter:
    for number in range({BATCHES}):
        emitter.register(f"dataset:lake/t@{{number}}", owner="data")
        emitter.flush()
    print("emitted", flush=True)
    input()
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Give a home with an embedded log, whose materialiser can sign."""
    return Site(tmp_path / "site", EMBEDDED)


def emit(site: Site, times: int = 1) -> None:
    """Emit so often, each in an epoch of its own."""
    for number in range(times):
        site.run("emit", "registration", "--subject", f"dataset:lake/t@{number}", "--owner", "data")


def status(site: Site, *options: str, code: int = 0) -> dict[str, Any]:
    """Ask for the status of the outboxes."""
    done = site.run("outbox", "status", "--json", *options, status=code)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def sealed(site: Site) -> list[bytes]:
    """Return the batches in the outboxes."""
    return [record.value for record in EmbeddedLogReader(site.outboxes).poll(1000, 0.0)]


def test_what_the_store_has_is_confirmed_and_can_be_pruned(site: Site) -> None:
    """The last batch stays, the answers stay, and later batches go on as before."""
    emit(site, 3)
    before = status(site)["rows"][0]
    site.run("materialise")
    after = status(site)["rows"][0]
    said = site.run("outbox", "prune").stderr
    left = sealed(site)
    emit(site)
    site.run("materialise")
    missing = site.run(
        "sql", "SELECT sum(missing_batches) n FROM producer_epoch", "--output", "csv"
    ).stdout

    assert (before["confirmed"], after["confirmed"]) == (0, after["batches"])
    assert before["oldest_unconfirmed_s"] > 0
    assert after["oldest_unconfirmed_s"] is None
    assert f"pruned {after['batches'] - 1} batches" in said
    assert len(left) == 1
    assert site.run("sql", "SELECT count(*) n FROM event", "--output", "csv").stdout.split() == [
        "n",
        "4",
    ]
    assert missing.split() == ["n", "0"]
    assert status(site)["rows"][0]["confirmed"] == after["batches"] + len(sealed(site)) - 1


def test_what_no_store_has_is_not_pruned(site: Site) -> None:
    """Only the part before it is."""
    emit(site)
    site.run("materialise")
    emit(site)
    everything = sealed(site)
    site.run("outbox", "prune")

    assert sealed(site) == everything[-len(sealed(site)) :]
    site.run("materialise")
    events = site.run("sql", "SELECT count(*) n FROM event", "--output", "csv").stdout
    assert events.split() == ["n", "2"]


def test_a_dry_run_removes_nothing(site: Site) -> None:
    """It says how far it would go."""
    emit(site, 2)
    site.run("materialise")
    before = sealed(site)
    said = site.run("outbox", "prune", "--dry-run").stderr

    assert "everything before batch" in said
    assert sealed(site) == before


@pytest.mark.parametrize("trick", ["unknown key", "wrong role", "wrong deployment", "wrong hash"])
def test_a_forged_receipt_prunes_nothing(site: Site, trick: str) -> None:
    """Whoever may write the topic, and even a producer's own key, cannot confirm."""
    emit(site, 2)
    keys = site.home / "keys"
    said = heads(site)
    deployment = deployment_of(site)
    signer = load_signer(file_uri(keys / "materialiser.pem"))
    if trick == "unknown key":
        signer = generate_key(site.folder / "mallory.pem")
    elif trick == "wrong role":
        signer = load_signer(file_uri(keys / "trainer.pem"))
    elif trick == "wrong deployment":
        deployment += "-other"
    else:
        said[0] = dataclasses.replace(said[0], header_sha256="0" * 64)
    before = sealed(site)
    writer = EmbeddedLogWriter(site.home / "log" / RECEIPTS_TOPIC, "mallory")
    writer.append("x", sign_receipt(Receipt(deployment, now_us(), tuple(said)), signer))
    writer.append("x", b"junk")
    writer.close()
    conflict = trick == "wrong hash"
    answer = status(site, code=1 if conflict else 0)
    site.run("outbox", "prune")

    assert answer["rows"][0]["confirmed"] == 0
    assert any("another batch" in each for each in answer["warnings"]) is conflict
    assert sealed(site) == before


def test_a_genuine_receipt_is_what_the_forged_ones_were_not(site: Site) -> None:
    """The same record, rightly signed, confirms: so the test above can fail."""
    emit(site, 2)
    signer = load_signer(file_uri(site.home / "keys" / "materialiser.pem"))
    receipt = Receipt(deployment_of(site), now_us(), tuple(heads(site)))
    writer = EmbeddedLogWriter(site.home / "log" / RECEIPTS_TOPIC, "anybody")
    writer.append("x", sign_receipt(receipt, signer))
    writer.close()

    assert status(site)["rows"][0]["confirmed"] == len(sealed(site))


def test_without_a_key_nothing_is_confirmed_and_nothing_fails(tmp_path: Path) -> None:
    """As before there were receipts."""
    site = Site(tmp_path / "site", EMBEDDED)
    (site.home / "keys" / "materialiser.pem").unlink()
    emit(site)
    site.run("materialise")

    assert status(site)["rows"][0]["confirmed"] == 0
    assert "pruned 0 batches" in site.run("outbox", "prune").stderr


def deployment_of(site: Site) -> str:
    """Return the deployment's name."""
    document = tomllib.loads((site.home / "lineseal.toml").read_text("utf-8"))
    return str(document["deployment"]["name"])


def heads(site: Site) -> list[EpochHead]:
    """Return the true head of each epoch in the outboxes."""
    found: dict[str, EpochHead] = {}
    for value in sealed(site):
        data = decode_frame(value).header
        header = decode_header(data)
        digest = hashlib.sha256(data).hexdigest()
        found[header.epoch] = EpochHead(header.producer, header.epoch, header.batch_seq, digest)
    return list(found.values())


def test_nothing_is_pruned_by_itself_unless_that_is_asked_for(site: Site) -> None:
    """``[emitter] prune`` is off; on, one run takes in what is new and removes it from the log."""
    emit(site, 2)
    site.run("materialise")
    kept = sealed(site)
    site.environment["LINESEAL_EMITTER__PRUNE"] = "true"
    emit(site)
    said = site.run("materialise").stderr
    left = sealed(site)
    events = site.run("sql", "SELECT count(*) n FROM event", "--output", "csv").stdout.split()

    assert len(kept) > 1
    assert "pruned" in said
    assert len(left) == 1
    assert events == ["n", "3"]
    assert status(site)["rows"][0]["oldest_unconfirmed_s"] is None


def test_a_file_in_use_is_left_alone(site: Site) -> None:
    """Whoever holds it goes on in it; it is pruned when it was closed."""
    site.environment["LINESEAL_EMITTER__PRUNE"] = "true"
    with site.job(HOLDS_ITS_OUTBOX) as job:
        assert job.stdout is not None
        assert job.stdout.readline() == "emitted\n"
        site.run("materialise")
        while_open = sealed(site)
        prune = site.run("outbox", "prune").stderr
        job.communicate("go on\n")
    site.run("materialise")

    assert len(while_open) == BATCHES
    assert "in use, left as it is" in prune
    assert len(sealed(site)) == 1
