"""Verify a Lineseal evidence file without Lineseal: Python 3.11 and 'cryptography', nothing else.

    python verify.py case.zip --root KEYID [--checkpoint FILE]

KEYID is the id of a root key of the deployment, from somebody you trust, not from the file. FILE
holds checkpoints that were kept elsewhere (an export of a SIEM will do). Exit status: 0 all is
verified; 1 a problem, listed; 6 no problem, but something to verify by was not given.
"""

import argparse
import base64
import hashlib
import io
import json
import pathlib
import re
import struct
import sys
import zipfile

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key

NOTE = re.compile(r"(([^\s+=]+)\n(\d+)\n([A-Za-z0-9+/=]{44})\n)\n((?:\u2014 \S+ \S+\n)+)")


def sha256(data):
    return hashlib.sha256(data).digest()


def node(left, right):
    return sha256(b"\1" + left + right)


def merkle_root(leaves):
    while len(leaves) > 1:
        lone = leaves[len(leaves) & ~1 :]
        leaves = [node(*pair) for pair in zip(leaves[::2], leaves[1::2], strict=False)] + lone
    return leaves[0] if leaves else sha256(b"")


def rooted(leaf, index, size, path):  # RFC 6962, 2.1.1: the root that an inclusion proof leads to
    if size == 1:
        return leaf
    half, last = 1 << (size - 1).bit_length() - 1, path.pop()
    if index < half:
        return node(rooted(leaf, index, half, path), last)
    return node(last, rooted(leaf, index - half, size - half, path))


def grown(old, new, path, old_root=None):  # RFC 6962, 2.1.2: the roots that a proof leads to
    if old == new:
        root = old_root or path.pop(0)
        return root, root
    half, last = 1 << (new - 1).bit_length() - 1, path.pop()
    if old <= half:
        before, after = grown(old, half, path, old_root)
        return before, node(after, last)
    before, after = grown(old - half, new - half, path)
    return node(last, before), node(last, after)


def signed_by(der, signature, message):
    key = load_der_public_key(der)
    how = () if isinstance(key, ed25519.Ed25519PublicKey) else (ec.ECDSA(hashes.SHA256()),)
    try:
        return key.verify(signature, message, *how) is None
    except Exception:
        return False


def dsse(data):
    document = json.loads(data)
    kind, payload = document["payloadType"].encode(), base64.b64decode(document["payload"])
    signatures = [(s["keyid"], base64.b64decode(s["sig"])) for s in document["signatures"]]
    return kind, payload, signatures


class Avro:
    def __init__(self, data, named=None):
        self.data, self.at, self.named = data, 0, named or {}

    def learn(self, schema):
        if schema.get("type") in ("record", "enum"):
            self.named[f"lineseal.{schema['name']}"] = schema
        return schema

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise ValueError("cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def long(self):
        number, shift, byte = 0, 0, 128
        while byte > 127:
            byte = self.take(1)[0]
            number, shift = number | (byte & 127) << shift, shift + 7
        return (number >> 1) ^ -(number & 1)

    def bytes(self):
        return self.take(self.long())

    def items(self, read):
        found = []
        while count := self.long():
            found += [read() for _ in range(count)]
        return found

    def value(self, schema):
        if isinstance(schema, list):
            return self.value(schema[self.long()])
        schema = self.named.get(schema, schema) if isinstance(schema, str) else schema
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind == "record":
            return {field["name"]: self.value(field["type"]) for field in schema["fields"]}
        if kind == "enum":
            return schema["symbols"][self.long()]
        if kind == "array":
            return self.items(lambda: self.value(schema["items"]))
        read = {"double": lambda: struct.unpack("<d", self.take(8))[0], "long": self.long}
        read |= {"boolean": lambda: self.take(1) == b"\1", "null": lambda: None}
        return self.bytes().decode() if kind == "string" else read[kind]()


class Case:
    def __init__(self, data, options):
        self.problems, self.missing, self.events, self.log = [], [], {}, {}
        self.roots, self.rings, self.keys = set(options.root), [(0, None)], {}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self.files = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(again := io.BytesIO(), "w") as archive:
            for name in sorted(self.files):
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.create_system, info.external_attr = 3, 0o100644 << 16
                archive.writestr(info, self.files[name])
        self.require(again.getvalue() == data, "ARCHIVE", "it is not the zip we write")
        self.each("keyrings/", self.keyring)
        self.each("manifest.json", self.manifest)
        self.each("consistency.json", self.checkpoints, options.checkpoint)
        self.each("entries/", self.entry)
        for name in self.files:
            logged = name in self.log or not name.startswith(("alert", "batch", "find", "keyring"))
            self.require(logged, "NOT_IN_LOG", f"{name} is in no entry of the log")
        bare = [b'"evidence":[]' in self.files[n] for n in self.files if n.startswith("alerts/")]
        if not (bare and all(bare)) or any(name.startswith("batches/") for name in self.files):
            self.each("batches/", self.batch)  # an alert about what was refused rests on no event
        self.each("decisions.json", self.decisions)

    def require(self, good, code, what):
        if not good:
            self.problems.append(f"{code}: {what}")

    def each(self, start, check, *more):
        names = sorted(name for name in self.files if name.startswith(start))
        self.require(names, "CHANGED", f"{start} is missing")
        for name in names:
            try:
                check(name, *more)
            except Exception as error:
                self.problems.append(f"UNREADABLE: {name}: {error!r}")

    def signers(self, kind, payload, signatures, keys):
        message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        return {k for k, sig in signatures if k in keys and signed_by(keys[k], sig, message)}

    def keyring(self, name):
        kind, payload, signatures = dsse(self.files[name])
        ring = json.loads(payload)
        keys = {sha256(bytes.fromhex(key)).hex(): bytes.fromhex(key) for key in ring["roots"]}
        signed = self.signers(kind, payload, signatures, keys) & self.roots
        self.require(signed, "KEYRING_INVALID", f"{name} is not signed by the root keys")
        before = (ring["version"] - 1, ring["prev_sha256"])
        good = before[0] > self.rings[-1][0] or before == self.rings[-1]
        self.require(good, "KEYRING_ROLLBACK", f"{name} is no successor")
        self.rings.append((ring["version"], sha256(payload).hex()))
        for entry in ring["entries"]:
            der = bytes.fromhex(entry["public"])
            self.require(sha256(der).hex() == entry["keyid"], "KEYRING_INVALID", f"{name}: key id")
            self.keys[entry["keyid"]] = {**entry, "der": der}

    def logs(self):
        return {keyid: key["der"] for keyid, key in self.keys.items() if "log" in key["roles"]}

    def manifest(self, name):
        kind, payload, signatures = dsse(self.files[name])
        self.about = json.loads(payload)
        good = self.signers(kind, payload, signatures, self.logs()) and b".evidence.v1+" in kind
        self.require(good, "BAD_SIGNATURE", "manifest.json is not signed by a key with role log")
        listed = self.about["files"]
        for other in sorted((listed.keys() | self.files.keys()) - {name}):
            digest = sha256(self.files[other]).hex() if other in self.files else "missing"
            self.require(listed.get(other) == digest, "CHANGED", f"{other} is not what was signed")

    def note(self, text):
        signed, origin, size, root, lines = NOTE.fullmatch(text).groups()
        for name, signature in (line[2:].split(" ") for line in lines.splitlines()):
            keys = self.logs().values() if name == origin else ()
            if any(signed_by(k, base64.b64decode(signature)[4:], signed.encode()) for k in keys):
                return origin, int(size), base64.b64decode(root)
        raise ValueError("no key with role log signed this checkpoint")

    def checkpoints(self, name, copies):
        proofs = json.loads(self.files[name])
        notes = {each: self.note(self.files[each].decode()) for each in proofs}
        self.newest = max(notes.values(), key=lambda note: note[1])
        for each, (origin, size, root) in notes.items():
            path = [bytes.fromhex(text) for text in proofs[each]]
            good = grown(size, self.newest[1], path, root) == (root, self.newest[2]) and not path
            good = good and origin == self.newest[0] == self.about["origin"]
            self.require(good, "SPLIT_VIEW", f"{each} is not a beginning of the newest")
        text = "\n".join(pathlib.Path(file).read_text("utf-8") for file in copies)
        plain = {"u2014": "\u2014", "/": "/", "=": "="}  # escapes of JSON, CEF and our records
        text = re.sub(r'\\+(u2014|u000a|n|[/=])|"', lambda found: plain.get(found[1], "\n"), text)
        kept = [self.note(match[0]) for match in NOTE.finditer(text)]
        if not kept:
            self.missing.append("MISSING: a --checkpoint kept elsewhere: the log may have forked")
        for copy in kept:
            if not any(note[:2] == copy[:2] for note in notes.values()) and copy[0] == origin:
                self.missing.append(f"MISSING: a proof for the checkpoint of {copy[1]} entries")
            elif copy not in notes.values():
                self.require(False, "SPLIT_VIEW", f"a checkpoint kept elsewhere: {copy[1]} entries")

    def entry(self, name):
        proof = json.loads(self.files[name])
        leaf = sha256(b"\0" + proof["entry"].encode())
        path = list(map(bytes.fromhex, proof["path"]))
        root = rooted(leaf, proof["index"], self.newest[1], path)
        self.require(root == self.newest[2] and not path, "NOT_IN_LOG", f"{name} is not in the log")
        self.log[proof["file"]] = entry = json.loads(proof["entry"])
        good = sha256(self.files[proof["file"]]).hex() == entry["value_sha256"]
        self.require(good, "CHANGED", f"{proof['file']} is not what {name} says")

    def may(self, key, producer, entry):
        seen, refused = entry["detail"]["first_seen"], key["revoked_at"] or key["compromised_since"]
        over = [end for end in (refused, key["not_after"]) if end is not None and seen >= end]
        alive = not over and key["not_before"] <= entry["ingest_time"]
        return alive and key["producer"] == producer and set(key["roles"]) - {"detect", "log"}

    def batch(self, name):
        frame = Avro(self.files[name])
        magic, kind, data = frame.take(2), frame.bytes(), frame.bytes()
        signatures = frame.items(lambda: (frame.bytes().decode(), frame.bytes()))
        events = frame.items(frame.bytes)
        avro, entry, digest = Avro(data), self.log[name], sha256(data).hex()
        self.require((magic, avro.long()) == (b"\x4c\x31", 1), "MALFORMED", f"{name} is no batch")
        deployment, producer, _ = (avro.value("string") for _ in range(3))
        _, _, count = (avro.long() for _ in range(3))
        _, root, wanted = (avro.value("string") for _ in range(3))
        good = (entry["detail"]["header_sha256"], deployment) == (digest, self.about["deployment"])
        self.require(good, "CHANGED", f"{name}: another header or deployment")
        leaves = [sha256(b"\0" + event) for event in events]
        good = len(events) == count and merkle_root(leaves).hex() == root
        self.require(good, "ROOT_MISMATCH", f"{name}: its events are not those sealed")
        keys = {k: e["der"] for k, e in self.keys.items() if self.may(e, producer, entry)}
        signers = self.signers(kind, data, signatures, keys)
        self.require(signers, "BAD_SIGNATURE", f"{name}: no valid key of {producer!r} signed it")
        same = dsse(self.files[f"envelopes/{digest}.json"]) == (kind, data, signatures)
        self.require(same, "CHANGED", f"envelopes/{digest}.json is not {name}")
        schema = self.files[f"schemas/{wanted}.avsc"]
        self.require(sha256(schema).hex() == wanted, "UNKNOWN_SCHEMA", f"{name}: another schema")
        schema = json.loads(schema, object_hook=avro.learn)
        for leaf, event in zip(leaves, events, strict=True):
            reader = Avro(event, avro.named)
            self.events[leaf.hex()] = (reader.value(schema), sorted(signers))
            self.require(reader.at == len(event), "TRAILING_BYTES", name)

    def decisions(self, name):
        ids = {record["event_id"] for record, _ in self.events.values()}
        for file in ("result.json", name):
            for event_id in re.findall(r'"event_id": ?"([^"]*)"', self.files[file].decode()):
                self.require(event_id in ids, "UNPROVEN", f"{file} rests on {event_id}: not here")
        for said in json.loads(self.files[name]):
            record, signers = self.events[said["leaf_sha256"]]
            good = (record["body"][said["body"]], record["actor"]) == (said["says"], said["actor"])
            self.require(good, "CHANGED", f"decision {said['event_id']} says something else")
            own = any(self.keys[k]["actor"] == record["actor"]["id"] for k in signers)
            own = own or not said["actor_verified"]
            self.require(own, "ASSERTED", f"decision {said['event_id']}: not under its own key")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("case")
    parser.add_argument("--root", action="append", required=True, help="id of a root key")
    parser.add_argument("--checkpoint", action="append", default=[], help="file of checkpoints")
    options = parser.parse_args()
    try:
        case = Case(pathlib.Path(options.case).read_bytes(), options)
    except Exception as error:
        sys.exit(f"ARCHIVE: it cannot be read: {error!a}")
    counts = f"{len(case.events)} events, {len(case.log)} entries: {len(case.problems)} problems"
    print(*map(ascii, case.problems + case.missing), counts, sep="\n")
    return 1 if case.problems else 6 if case.missing else 0


if __name__ == "__main__":
    sys.exit(main())
