"""Collects the members of a case: batches, proofs, checkpoints, keyrings, answer, decisions.

Every file that the log vouches for stands in an entry with its inclusion proof, every checkpoint
with its proof of consistency with the newest; the manifest names the digest of everything else,
and is signed by the key that signs checkpoints.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import duckdb

from lineseal.commandline.output import to_json
from lineseal.consumers.entries import (
    ALERT,
    FINDING,
    KEYRING,
    alert_entries,
    finding_entry,
    plain,
    read_rows,
)
from lineseal.consumers.evidence.closure import BatchKey, Closure
from lineseal.consumers.evidence.readme import readme
from lineseal.consumers.journal import BATCH, Entry, canonical_json
from lineseal.consumers.merkle_log import StoredTree
from lineseal.consumers.verify.batches import BatchWindow
from lineseal.consumers.verify.problems import Problems
from lineseal.schemas.codec import ALLOWED_EVENT_SCHEMAS, decode_event, decode_header, schema_bytes
from lineseal.schemas.errors import SplitView, StoreError
from lineseal.schemas.model import HUMAN_BODIES
from lineseal.settings import DeploymentSettings
from lineseal.signing.checkpoint import SignedCheckpoint, read_checkpoint, verifier_key
from lineseal.signing.envelope import sign_envelope, to_dsse
from lineseal.signing.frame import decode_frame
from lineseal.signing.keyring import Keyring
from lineseal.signing.signers import KeySigner
from lineseal.signing.tree import consistency_proof, inclusion_proof

EVIDENCE_PAYLOAD_TYPE: Final = "application/vnd.lineseal.evidence.v1+json"
DECISIONS: Final = HUMAN_BODIES | {"quarantine", "promotion", "verdict", "incident"}
_CHECK = "run 'lineseal verify': the store is not what was signed"


@dataclass(frozen=True, slots=True)
class _Logged:
    """Say which entry of the log vouches for a file."""

    index: int
    entry: Entry
    file: str


class Collector:
    """Collects one case from one store."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        closure: Closure,
        keyring: Keyring,
        deployment: DeploymentSettings,
    ) -> None:
        """Read on *connection*; nothing is read yet."""
        self._connection = connection
        self._closure = closure
        self._keyring = keyring
        self._deployment = deployment
        self._tree = StoredTree(connection)
        self._logged: list[_Logged] = []
        self.members: dict[str, bytes] = {}

    def collect(self, signer: KeySigner, kept: Iterable[SignedCheckpoint] = ()) -> dict[str, bytes]:
        """Return all members of the case.

        Args:
            signer: Signs the manifest; has the role log.
            kept: Checkpoints kept elsewhere, to be proven too.

        Raises:
            StoreError: The store is damaged, or has no checkpoint yet.
            SplitView: A checkpoint is not one of this log.
            KeyUnusable: The signer cannot sign.

        """
        self._add_batches()
        self._add_keyrings()
        self._add_records(ALERT, "alerts")
        self._add_records(FINDING, "findings")
        newest = self._add_checkpoints(kept)
        for logged in self._logged:
            self._add_proof(logged, newest)
        self._add_answer()
        self.members["verify.py"] = (
            files("lineseal.consumers.evidence") / "bundle" / "verify.py"
        ).read_bytes()
        log_key = self._keyring.entry(newest.keyid).key
        self.members["README.md"] = readme(
            self._closure, self._deployment, verifier_key(newest.checkpoint.origin, log_key)
        ).encode()
        self._sign(signer, newest)
        return self.members

    def _add_batches(self) -> None:
        wanted: dict[int, set[BatchKey]] = defaultdict(set)
        for key in self._closure.batches:
            wanted[key[0]].add(key)
        for ingest_time, keys in sorted(wanted.items()):
            log = self._log(BATCH, ingest_time)
            problems = Problems()
            window = BatchWindow(self._connection, [ingest_time])
            for batch in window.take(ingest_time, log, problems):
                frame = decode_frame(batch.value)
                header = decode_header(frame.header)
                if (ingest_time, header.producer, header.epoch, header.batch_seq) not in keys:
                    continue
                index = next(n for n, entry in log if entry == batch.entry)
                name = f"batches/{batch.header_sha256}.batch"
                self._vouch(index, batch.entry, name, batch.value)
                envelope = (to_json(to_dsse(frame)) + "\n").encode()
                self.members[f"envelopes/{batch.header_sha256}.json"] = envelope
                schema = schema_bytes(ALLOWED_EVENT_SCHEMAS[header.schema_sha256])
                self.members[f"schemas/{header.schema_sha256}.avsc"] = schema
            if problems.total:
                raise StoreError(f"{problems.rows[0]['detail']}; {_CHECK}")

    def _add_keyrings(self) -> None:
        documents = dict(
            self._connection.execute("SELECT version, document FROM keyring_version").fetchall()
        )
        for index, entry in self._log(KEYRING):
            document = documents.get(entry.position)
            if document is None:
                raise StoreError(f"version {entry.position} of the keyring is gone; {_CHECK}")
            self._vouch(index, entry, f"keyrings/{entry.position:08}.json", document)

    def _add_records(self, kind: str, folder: str) -> None:
        """Add the changes of an alert, or the findings of the producers concerned."""
        wanted = dict(self._records(kind))
        for index, entry in self._log(kind):
            if entry in wanted:
                name = f"{folder}/{entry.stream}-{entry.position}.json"
                value = canonical_json(plain(wanted[entry])).encode()
                self._vouch(index, entry, name, value)

    def _records(self, kind: str) -> Iterable[tuple[Entry, dict[str, Any]]]:
        if kind == ALERT:
            for row in self._closure.alerts:
                yield alert_entries([row])[0], row
            return
        producers = sorted({event["producer"] for event in self._closure.events})
        for row in read_rows(
            self._connection,
            "SELECT * FROM finding WHERE producer IN (SELECT unnest($producers))",
            {"producers": producers},
        ):
            times = row.pop("opened_at"), row.pop("closed_at")
            for state, moment in enumerate(times):
                if moment is not None:
                    both = {"opened_at": times[0], "closed_at": times[1]}
                    yield finding_entry({**row, **both}, state), row

    def _add_checkpoints(self, kept: Iterable[SignedCheckpoint]) -> SignedCheckpoint:
        notes = self._connection.execute(
            "SELECT tree_size, note FROM checkpoint ORDER BY tree_size"
        ).fetchall()
        if not notes:
            raise StoreError("the store has no checkpoint yet; run 'lineseal materialise'")
        newest = read_checkpoint(notes[-1][1], self._keyring)
        last = max(logged.index for logged in self._logged)
        if newest.checkpoint.size <= last:
            raise StoreError("the newest checkpoint does not cover the case yet; ask again shortly")
        chosen = {checkpoint.checkpoint.size: checkpoint for checkpoint in kept}
        for logged in self._logged:
            # The first checkpoint that covers an entry says by when it was there.
            size, note = next(found for found in notes if found[0] > logged.index)
            chosen.setdefault(size, read_checkpoint(note, self._keyring))
        chosen[newest.checkpoint.size] = newest
        proofs: dict[str, list[str]] = {}
        for size, signed in sorted(chosen.items()):
            name = f"checkpoints/{size:012}.note"
            self._require_own(signed, newest)
            self.members[name] = signed.note.encode()
            proof = consistency_proof(self._tree.node, size, newest.checkpoint.size)
            proofs[name] = [node.hex() for node in proof]
        self._json("consistency.json", proofs)
        return newest

    def _require_own(self, signed: SignedCheckpoint, newest: SignedCheckpoint) -> None:
        checkpoint = signed.checkpoint
        good = checkpoint.origin == newest.checkpoint.origin
        good = good and checkpoint.size <= newest.checkpoint.size
        if not good or self._tree.root(checkpoint.size) != checkpoint.root:
            raise SplitView(
                f"the checkpoint of {checkpoint.size} entries of {checkpoint.origin} is not one of "
                f"this store's log; {_CHECK}"
            )

    def _add_proof(self, logged: _Logged, newest: SignedCheckpoint) -> None:
        path = inclusion_proof(self._tree.node, logged.index, newest.checkpoint.size)
        proof = {
            "entry": logged.entry.to_bytes().decode(),
            "file": logged.file,
            "index": logged.index,
            "path": [node.hex() for node in path],
        }
        self._json(f"entries/{logged.index:012}.json", proof)

    def _add_answer(self) -> None:
        self._json("query.json", self._closure.query)
        self._json("result.json", self._closure.answer)
        said = [event for event in self._closure.events if event["body"] in DECISIONS]
        self._json("decisions.json", [self._decision(event) for event in said])

    def _decision(self, event: dict[str, Any]) -> dict[str, Any]:
        rows = self._connection.execute(
            "SELECT schema_sha256 FROM batch WHERE producer = ? AND epoch = ? AND batch_seq = ?",
            [event["producer"], event["epoch"], event["batch_seq"]],
        ).fetchall()
        body, record = decode_event(event["raw"], rows[0][0])
        return {
            "actor": record["actor"],
            "actor_verified": event["actor_verified"],
            "body": body,
            "event_id": event["event_id"],
            "event_time": event["event_time"],
            "leaf_sha256": event["leaf_sha256"],
            "producer": event["producer"],
            "says": record["body"][body],
        }

    def _sign(self, signer: KeySigner, newest: SignedCheckpoint) -> None:
        manifest = {
            "deployment": self._deployment.name,
            "files": {
                name: hashlib.sha256(data).hexdigest()
                for name, data in sorted(self.members.items())
            },
            "format": 1,
            "origin": newest.checkpoint.origin,
            "subject": self._closure.subject,
            "tree_size": newest.checkpoint.size,
        }
        payload = canonical_json(manifest).encode()
        self.members["manifest.json"] = sign_envelope(EVIDENCE_PAYLOAD_TYPE, payload, [signer])

    def _vouch(self, index: int, entry: Entry, name: str, data: bytes) -> None:
        self.members[name] = data
        self._logged.append(_Logged(index, entry, name))

    def _json(self, name: str, value: Any) -> None:
        self.members[name] = (to_json(value) + "\n").encode()

    def _log(self, kind: str, ingest_time: int | None = None) -> Sequence[tuple[int, Entry]]:
        only = "" if ingest_time is None else " AND ingest_time = make_timestamp($at)"
        rows = self._connection.execute(
            "SELECT log_index, kind, value_sha256, stream, position, epoch_us(ingest_time), detail"  # noqa: S608
            f" FROM log_entry WHERE kind = $kind{only} ORDER BY log_index",
            {"kind": kind} if ingest_time is None else {"kind": kind, "at": ingest_time},
        ).fetchall()
        names = ("kind", "value_sha256", "stream", "position", "ingest_time", "detail")
        return [(row[0], Entry(**dict(zip(names, row[1:], strict=True)))) for row in rows]


def read_kept(notes: Iterable[str], keyring: Keyring) -> list[SignedCheckpoint]:
    """Verify notes that were kept elsewhere. Raises CheckpointInvalid."""
    return [read_checkpoint(note, keyring) for note in notes]
