"""The tampering table: what somebody changes, and which command says so with which code.

``tamper_page`` writes docs/tampering.md of it; ``test_tampering`` does every line to a copy of a real
home.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import duckdb
from tests.integration.tamper_home import Victim

from lineseal.schemas.codec import decode_header
from lineseal.settings import Home, load_settings
from lineseal.signing.checkpoint import Checkpoint, sign_checkpoint
from lineseal.signing.frame import decode_frame
from lineseal.signing.sealer import Chain, Sealer
from lineseal.signing.signers import file_uri, load_signer
from lineseal.transport.embedded import EmbeddedLogWriter

VERIFY = ("verify", "--json")
KEPT = (*VERIFY, "--checkpoints", "{kept}")
MATERIALISE = ("materialise",)

Change = Callable[[Victim], None]


@dataclass(frozen=True)
class Attack:
    """One line of the table; *code* is told by *command*, which ends with status 1."""

    name: str
    change: Change
    code: str
    command: tuple[str, ...] = VERIFY


def sql(*statements: str) -> Change:
    """Change the store."""
    return lambda victim: victim.sql(*statements)


def old_store(victim: Victim) -> None:
    """Put the store of before back."""
    victim.replace(victim.store, victim.old("store"))


def lost_wal(victim: Victim) -> None:
    """Leave what is on the disk when a killed process's write-ahead log is removed."""
    victim.replace(victim.store, victim.old("store-before-wal"))


def old_store_and_file(victim: Victim) -> None:
    """Put the store back, and cut the file of checkpoints to what it held then."""
    old_store(victim)
    lines = victim.checkpoints.read_text().splitlines(keepends=True)
    victim.checkpoints.write_text(lines[0])


def old_everything(victim: Victim) -> None:
    """Put everything of this machine back: store, checkpoints, topic, log."""
    old_store_and_file(victim)
    shutil.rmtree(victim.home / "log" / "checkpoints")
    victim.replace(victim.outboxes, victim.old("events"))


def other_history(victim: Victim) -> None:
    """Take alice's override out of log, store and checkpoints, with the key that signs these."""
    for path in victim.outboxes.glob("person*"):
        path.unlink()
    shutil.rmtree(victim.store.parent)
    shutil.rmtree(victim.checkpoints.parent)
    shutil.rmtree(victim.home / "log" / "checkpoints")
    victim.run("materialise")


def own_checkpoint(victim: Victim) -> None:
    """Rewrite the newest entry, and sign the new root with the key that signs checkpoints."""
    with duckdb.connect(str(victim.store)) as connection:
        origin, size = connection.execute(
            "SELECT origin, tree_size FROM checkpoint ORDER BY tree_size DESC"
        ).fetchall()[0]
    signer = load_signer(file_uri(victim.home / "keys" / "materialiser.pem"))
    note = sign_checkpoint(Checkpoint(origin, size, bytes(32)), signer)
    victim.checkpoints.write_text(json.dumps({"note": note}) + "\n")


def other_root(victim: Victim) -> None:
    """Change the root of the newest checkpoint in the file."""
    lines = victim.checkpoints.read_text().splitlines()
    entry = json.loads(lines[-1])
    parts = entry["note"].split("\n")
    parts[2] = "A" * 43 + "="
    lines[-1] = json.dumps({**entry, "note": "\n".join(parts)})
    victim.checkpoints.write_text("\n".join(lines) + "\n")


def shorter_file(victim: Victim) -> None:
    """Take the newest checkpoint out of the file."""
    lines = victim.checkpoints.read_text().splitlines(keepends=True)
    victim.checkpoints.write_text("".join(lines[:-1]))


def skip_ahead(victim: Victim) -> None:
    """Make the store believe that it has read what comes next."""
    victim.sql("UPDATE position SET next_position = next_position + 1")
    victim.emit(7)
    victim.run("materialise")


def old_keyring(victim: Victim) -> None:
    """Put the keyring of before alice's key back."""
    victim.replace(victim.home / "keyring.json", victim.old("keyring.json"))


def own_keyring(victim: Victim) -> None:
    """Write another person into the keyring, without a root key."""
    path = victim.home / "keyring.json"
    envelope = json.loads(path.read_text())
    envelope["payload"] = envelope["payload"][:-8] + "AAAAAAA="
    path.write_text(json.dumps(envelope))


def drop_from_log(victim: Victim) -> None:
    """Remove a batch that the store has not read yet; a later one comes through."""
    _seal(victim, 3, leave_out={1})


def fork(victim: Victim) -> None:
    """Seal two batches with one number under a stolen key."""
    chain = _seal(victim, 2)
    _seal(victim, 1, chain)


def change_in_log(victim: Victim) -> None:
    """Flip one bit of a batch that the store has not read yet."""
    victim.emit(8)
    victim.change_newest_batch(lambda value: value[:-40] + bytes([value[-40] ^ 1]) + value[-39:])


def old_outbox(victim: Victim) -> None:
    """Restore the producer's outbox from an old copy; it goes on from there."""
    victim.emit(9)
    victim.run("materialise")
    for path in victim.old("events").glob("trainer*"):
        shutil.copyfile(path, victim.outboxes / path.name)
    victim.emit(10)


def old_outbox_and_more(victim: Victim) -> None:
    """Restore it, and have the producer do more than was lost."""
    old_outbox(victim)
    victim.emit(11)


def _seal(
    victim: Victim, count: int, chain: Chain | None = None, leave_out: set[int] | None = None
) -> Chain:
    """Seal *count* batches with the producer's key; return the chain after the first of them."""
    home = Home(victim.home)
    signer = load_signer(file_uri(home.keys / "trainer.pem"))
    sealer = Sealer(signer, deployment=load_settings(home).deployment.name, producer="trainer")
    chain = chain or sealer.open_epoch(None)
    after_first = chain
    writer = EmbeddedLogWriter(victim.outboxes, "trainer")
    with contextlib.closing(writer):
        for number in range(count):
            value, chain = sealer.seal(chain, [])
            assert decode_header(decode_frame(value).header).producer == "trainer"
            after_first = chain if number == 0 else after_first
            if number not in (leave_out or ()):
                writer.append("trainer", value)
    return after_first


ATTACKS = (
    Attack("a row of `event` names another actor", sql("UPDATE event SET actor_id = 'bob'"), "ROW_UNEXPECTED"),
    Attack("the bytes of an event are others", sql("UPDATE event SET raw = raw || '!'::BLOB"), "BATCH_CHANGED"),
    Attack("a row of `event` is deleted", sql("DELETE FROM event WHERE body = 'override'"), "BATCH_CHANGED"),
    Attack("a registration has another owner", sql("UPDATE registration SET owner = 'eve'"), "ROW_UNEXPECTED"),
    Attack("an approval is invented", sql(
        "INSERT INTO approval BY NAME SELECT * EXCLUDE (subject) FROM (SELECT 'x' AS event_id,"
        " 'trainer' AS producer, event_time, ingest_time, 'human' AS actor_kind, 'bob' AS actor_id,"
        " true AS actor_verified, 'emitter' AS origin, NULL AS subject, 'promotion' AS gate,"
        " 'approve' AS decision, 'explicit' AS mode FROM event LIMIT 1)"), "ROW_UNEXPECTED"),
    Attack("what a run read is deleted", sql("DELETE FROM run_io WHERE direction = 'input'"), "ROW_MISSING"),
    Attack("an edge of the graph is deleted", sql("DELETE FROM edge WHERE direction = 'input'"), "ROW_MISSING"),
    Attack("a certain edge is made a doubtful one", sql("UPDATE edge SET exact = NOT exact"), "ROW_UNEXPECTED"),
    Attack("an artifact version is renamed", sql("UPDATE artifact_version SET name = 'u' WHERE name = 't'"), "ROW_UNEXPECTED"),
    Attack("a sorted copy lacks a row", sql("DELETE FROM run_input"), "ROW_MISSING"),
    Attack("a batch is deleted, its entry stays", sql("DELETE FROM batch WHERE producer LIKE 'person%'"), "BATCH_MISSING"),
    Attack("a batch was seen earlier than it was", sql("UPDATE batch SET first_seen = first_seen - INTERVAL 1 DAY"), "ROW_UNEXPECTED"),
    Attack("a signature is another", sql("UPDATE batch SET signature = repeat('\\x00', 64)::BLOB"), "BATCH_CHANGED"),
    Attack("a batch is dropped with its entry, the rest renumbered", sql(
        "DELETE FROM log_entry WHERE log_index = 1",
        "UPDATE log_entry SET log_index = log_index - 1 WHERE log_index > 1"), "STORE_ROLLBACK", MATERIALISE),
    Attack("two entries of the log change places", sql(
        "UPDATE log_entry SET log_index = 1 - log_index WHERE log_index < 2"), "SPLIT_VIEW"),
    Attack("an entry's time is another", sql("UPDATE log_entry SET ingest_time = ingest_time - INTERVAL 1 DAY"), "LOG_ENTRY"),
    Attack("a node is put into the tree", sql("INSERT INTO log_node VALUES (8, 0, repeat('00', 32))"), "LOG_NODE"),
    Attack("a reject is deleted", sql("DELETE FROM reject"), "BATCH_MISSING"),
    Attack("a reject has another reason", sql("UPDATE reject SET code = 'TOO_LARGE'"), "ENTRY_MISSING"),
    Attack("an alert is closed", sql("UPDATE alert_change SET status = 'closed'"), "ENTRY_MISSING"),
    Attack("an alert is deleted", sql("DELETE FROM alert_change"), "BATCH_MISSING"),
    Attack("a view hides what proves nothing", sql(
        "CREATE OR REPLACE VIEW untrusted_batch AS SELECT producer, epoch, batch_seq, header_sha256,"
        " '' AS code, '' AS finding_id, ingest_time AS known_from, ingest_time AS known_to FROM batch"
        " WHERE false"), "SCHEMA_CHANGED"),
    Attack("a checkpoint in the store is another", sql("UPDATE checkpoint SET note = replace(note, 'a', 'b')"), "CHECKPOINT_INVALID"),
    Attack("a keyring in the store is another", sql("UPDATE keyring_version SET document = document || ' '::BLOB"), "ENTRY_MISSING"),
    Attack("the store forgets which keyring it used", sql("UPDATE store_fact SET value = '1' WHERE name = 'keyring_version'"), "ROW_UNEXPECTED"),
    Attack("the store forgets that a key was revoked", sql("UPDATE store_fact SET value = '{}' WHERE name = 'keyring_keys'"), "ROW_UNEXPECTED"),
    Attack("the store is another deployment's", sql("UPDATE store_fact SET value = 'x' WHERE name = 'deployment'"), "ROW_UNEXPECTED"),
    Attack("the store is another log's", sql("UPDATE store_fact SET value = repeat('0', 16) WHERE name = 'log_id'"), "SPLIT_VIEW"),
    Attack("alerts that nobody published count as published", sql("UPDATE store_fact SET value = '999 x' WHERE name = 'alerts_published'"), "ROW_UNEXPECTED"),
    Attack("a rule is told to have seen what is to come", sql("UPDATE detection SET watermark = TIMESTAMP '2999-01-01'"), "ROW_UNEXPECTED"),
    Attack("rules about absence are told to wait", sql("INSERT INTO tick VALUES (TIMESTAMP '2999-01-01', NULL, NULL)"), "ROW_UNEXPECTED"),
    Attack("the store is told to read its log from the start", sql("UPDATE position SET next_position = 0"), "ROW_UNEXPECTED"),
    Attack("the store skips what comes next in the log", skip_ahead, "RECORD_NOT_IN_STORE"),
    Attack("an old copy of the store is put back", old_store, "STORE_ROLLBACK", MATERIALISE),
    Attack("an old copy of the store is put back", old_store, "STORE_ROLLBACK"),
    Attack("the store's write-ahead log is removed", lost_wal, "STORE_ROLLBACK", MATERIALISE),
    Attack("the store is deleted", lambda v: v.store.unlink(), "STORE_ROLLBACK", MATERIALISE),
    Attack("store and file of checkpoints are put back", old_store_and_file, "STORE_ROLLBACK", MATERIALISE),
    Attack("everything on the machine is put back", old_everything, "STORE_ROLLBACK", KEPT),
    Attack("a checkpoint in the file is replaced", other_root, "CHECKPOINT_INVALID"),
    Attack("a checkpoint is taken out of the file", shorter_file, "CHECKPOINT_MISSING"),
    Attack("holder of the log key: signs another root", own_checkpoint, "SPLIT_VIEW", MATERIALISE),
    Attack("holder of the log key: makes log, store and checkpoints anew without a decision", other_history, "SPLIT_VIEW", KEPT),
    Attack("the keyring of before is put back", old_keyring, "KEYRING_ROLLBACK"),
    Attack("the keyring is changed without a root key", own_keyring, "KEYRING_INVALID"),
    Attack("a batch is dropped before the store reads it", drop_from_log, "GAP", MATERIALISE),
    Attack("a stolen key forks its producer's chain", fork, "FORK", MATERIALISE),
    Attack("a batch is changed before the store reads it", change_in_log, "ROOT_MISMATCH", MATERIALISE),
    Attack("an old copy of an outbox is put back, and grows to its old length", old_outbox, "RECORD_NOT_IN_STORE"),
    Attack("an old copy of an outbox is put back, and grows beyond", old_outbox_and_more, "GAP", MATERIALISE),
)  # fmt: skip


HARMLESS = (
    Attack("a rule is told to look at everything again", sql("UPDATE detection SET watermark = NULL"), ""),
    Attack("rules are forgotten to have looked", sql("DELETE FROM detection"), ""),
    Attack("ticks are forgotten", sql("DELETE FROM tick"), ""),
)  # fmt: skip
"""Edits of working state that verify has nothing to say about: they change no answer."""


def say(attack: Attack) -> str:
    """Return the words of the command as the page shows them."""
    words = [word for word in attack.command if word != "--json"]
    return " ".join(("lineseal", *words)).replace("{kept}", "KEPT")
