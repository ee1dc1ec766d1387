"""The edits of a case: each of its files, by somebody without keys, and by the log key's holder."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from lineseal.consumers.evidence.archive import to_zip
from lineseal.signing.envelope import read_envelope, sign_envelope
from lineseal.signing.signers import KeySigner

Members = dict[str, bytes]


@dataclass(frozen=True)
class Edit:
    """One line of the table: what is done to the members of a case."""

    name: str
    change: Callable[[Members], object]
    code: str


def first(members: Members, start: str) -> str:
    """Name the first member whose name begins so."""
    return min(name for name in members if name.startswith(start))


def flip(start: str) -> Callable[[Members], object]:
    """Change one bit in the middle of a member."""

    def change(members: Members) -> None:
        name = first(members, start)
        data = bytearray(members[name])
        data[len(data) // 2] ^= 1
        members[name] = bytes(data)

    return change


def text(start: str, old: str, new: str) -> Callable[[Members], object]:
    """Replace words in a member."""

    def change(members: Members) -> None:
        name = first(members, start)
        assert old.encode() in members[name], (name, old)
        members[name] = members[name].replace(old.encode(), new.encode())

    return change


def remove(start: str) -> Callable[[Members], object]:
    """Leave a member out."""
    return lambda members: members.pop(first(members, start))


def other_entry(members: Members) -> None:
    """Claim another place in the log."""
    name = first(members, "entries/")
    proof = json.loads(members[name])
    members[name] = json.dumps({**proof, "index": proof["index"] + 1}).encode()


def other_time(members: Members) -> None:
    """Claim that a batch came a year earlier."""
    name = first(members, "entries/")
    proof = json.loads(members[name])
    entry = json.loads(proof["entry"])
    entry["ingest_time"] -= 365 * 86_400 * 1_000_000
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    members[name] = json.dumps({**proof, "entry": text}).encode()


def other_person(members: Members) -> None:
    """Enrol somebody else in the keyring."""
    name = first(members, "keyrings/")
    envelope = json.loads(members[name])
    payload = base64.b64decode(envelope["payload"]).replace(b"person:alice", b"person:mallo")
    envelope["payload"] = base64.b64encode(payload).decode()
    members[name] = json.dumps(envelope).encode()


FOLDERS = (
    "README.md", "batches/", "checkpoints/", "consistency.json", "decisions.json",
    "entries/", "envelopes/", "keyrings/", "query.json", "result.json", "schemas/", "verify.py",
)  # fmt: skip
EDITS = (
    *(Edit(f"one bit of `{name}`", flip(name), "CHANGED") for name in FOLDERS),
    Edit("one bit of `manifest.json`", text("manifest.json", '"sig": "', '"sig": "A'), "BAD_SIGNATURE"),
    *(Edit(f"`{name}` is left out", remove(name), "CHANGED") for name in ("batches/", "decisions.json", "manifest.json")),
    Edit("a batch is added", lambda m: m.update({"batches/x.batch": b"x"}), "NOT_IN_LOG"),
)  # fmt: skip
OF_ALERT = (Edit("one bit of `alerts/` in a case about an alert", flip("alerts/"), "CHANGED"),)
RESIGNED = (
    Edit("holder of the log key: a batch", flip("batches/"), "CHANGED"),
    Edit("holder of the log key: a batch and its entry left out", lambda m: (
        remove("batches/")(m), remove("entries/000000000000")(m)), "UNREADABLE"),
    Edit("holder of the log key: another place in the log", other_entry, "NOT_IN_LOG"),
    Edit("holder of the log key: an earlier time", other_time, "NOT_IN_LOG"),
    Edit("holder of the log key: a checkpoint", flip("checkpoints/"), "UNREADABLE"),
    Edit("holder of the log key: another person in the keyring", other_person, "KEYRING_INVALID"),
    Edit("holder of the log key: an envelope", text("envelopes/", '"sig": "', '"sig": "AAAA'), "CHANGED"),
    Edit("holder of the log key: a schema", text("schemas/", "lineseal", "Lineseal"), "UNKNOWN_SCHEMA"),
    Edit("holder of the log key: what a person decided", text("decisions.json", "quarter end", "month end"), "CHANGED"),
    Edit("holder of the log key: an asserted decision is a proven one", text("decisions.json", '"alice"', '"bob"'), "CHANGED"),
    Edit("holder of the log key: the answer rests on another event", text("result.json", '"rows": [', '"rows": [{"event_id": "x"},'), "UNPROVEN"),
)  # fmt: skip
"""Each is signed anew by the key that signs checkpoints, with the digests of what was changed."""


def members_of(case: bytes) -> Members:
    """Unpack a case."""
    with zipfile.ZipFile(io.BytesIO(case)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(members: Members, signer: KeySigner | None = None) -> bytes:
    """Pack members again, with a manifest signed anew by *signer* if there is one."""
    if signer is not None:
        envelope = read_envelope(members["manifest.json"])
        manifest = json.loads(envelope.payload)
        manifest["files"] = {
            name: hashlib.sha256(data).hexdigest()
            for name, data in members.items()
            if name != "manifest.json"
        }
        payload = json.dumps(manifest).encode()
        members["manifest.json"] = sign_envelope(envelope.payload_type, payload, [signer])
    return to_zip(members)
