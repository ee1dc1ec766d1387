"""What leaves is valid by the published schemas, not by our reading of them.

What is promised: every document is a valid OCSF 1.8.0 event of its class; its ECS rendering uses
fields of ECS 9.4.0 only, with allowed values; its CEF rendering uses keys of the dictionary,
within their lengths, and comes back whole from a parser that is not ours.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from tests.siem.documents import ALERT, BODIES, accepted, alert, all_documents
from tests.siem.hostile import PIECES, hostile
from tests.siem.reference import reference_file
from tests.unit.schemas.strategies import models

from lineseal.consumers.forward.cef import to_cef
from lineseal.consumers.forward.decisions import KINDS
from lineseal.consumers.forward.ecs import to_ecs
from lineseal.consumers.forward.ocsf import stamped
from lineseal.consumers.forward.text import shortened

LINES = 3000
OWN = "lineseal"


@cache
def validator(class_uid: int) -> Draft202012Validator:
    """Return the strict validator of a class."""
    name = {2004: "detection_finding", 3004: "entity_management"}[class_uid]
    path = reference_file("ocsf", f"{name}.schema.json")
    return Draft202012Validator(json.loads(path.read_text("utf-8")))


def faults(document: dict[str, Any]) -> list[str]:
    """Return what the schema has against a document, and what its captions have."""
    found = [error.message for error in validator(document["class_uid"]).iter_errors(document)]
    captions = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
    if captions[document["severity_id"]] != document["severity"]:
        found.append("severity and severity_id say different things")
    return found


@given(text=hostile())
@settings(max_examples=15)
def test_every_document_is_valid_ocsf_whatever_a_supplier_wrote(text: str) -> None:
    """All kinds, whole and shortened."""
    for document in all_documents(text).values():
        assert faults(document) == []
        assert faults(shortened(document, 4096)) == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_value_of_a_body_has_a_valid_document(kind: str) -> None:
    """Each decision, state and action, with and without what is optional."""
    reference_file("ocsf", "entity_management.schema.json")

    kinds: type = type(BODIES[kind])

    @given(body=models(kinds))
    @settings(max_examples=25)
    def check(body: Any) -> None:
        assert faults(stamped(accepted(kind, body), "feed", 1)) == []

    check()


@pytest.mark.parametrize("activity", ["open", "update", "close"])
@pytest.mark.parametrize("severity", ["info", "low", "medium", "high", "critical"])
def test_an_alert_is_valid_in_every_state(activity: str, severity: str) -> None:
    """Opened, updated and closed, acknowledged or not, without techniques, runbook and reasons."""
    status = {"open": "open", "update": "acknowledged", "close": "closed"}[activity]
    bare: dict[str, Any] = {"techniques": (), "runbook": "", "reasons": (), "evidence": ()}

    for fields in ({}, bare):
        document = stamped(
            alert(activity=activity, status=status, severity=severity, revision=2, **fields), "f", 1
        )

        assert faults(document) == []
        assert document["finding_info"]["uid"] == ALERT.alert_id


def test_ecs_uses_its_own_fields_and_allowed_values_only() -> None:
    """Every path is in the field list, apart from the one object of ours."""
    fields = ecs_fields()

    for document in all_documents().values():
        for path, value in leaves(to_ecs(document)):
            if path.split(".")[0] == OWN:
                continue
            assert path in fields, path
            allowed = [each["name"] for each in fields[path].get("allowed_values", [])]
            assert not allowed or value in allowed, f"{path} = {value}"


@cache
def ecs_fields() -> dict[str, Any]:
    """Return the flat field list."""
    text = reference_file("ecs", "ecs_flat.yml").read_text("utf-8")
    return cast("dict[str, Any]", yaml.load(text, Loader=yaml.CSafeLoader))


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return every path with its value; items of a list have the list's path."""
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value).items()
        return [leaf for key, item in entries for leaf in leaves(item, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item, path)]
    return [(path, value)]


@given(text=hostile())
@settings(max_examples=30)
def test_cef_uses_keys_of_the_dictionary_within_their_lengths(text: str) -> None:
    """Each value, unescaped, is no longer than its key allows."""
    keys = cef_keys()

    for document in all_documents(text * 300).values():
        for key, value in parsed(to_cef(document)).items():
            assert key in keys, key
            assert len(value) <= keys[key].get("length", 1 << 30), key


@cache
def cef_keys() -> dict[str, dict[str, Any]]:
    """Return the keys a producer may set."""
    table = yaml.safe_load(reference_file("cef", "extensions.yaml").read_text("utf-8"))
    return {each["key"]: each for each in table["extensions"] if each["audience"] != "consumer"}


def parsed(line: str) -> dict[str, str]:
    """Take the extension of a CEF line apart: a key starts behind a blank, ends before ``=``."""
    escaped = line.split("| ", 1)[1].replace("\\\\", "\x00").replace("\\=", "\x01")
    parts = escaped.split("=")
    keys = [part.rpartition(" ")[2] for part in parts[:-1]]
    values = [part.rpartition(" ")[0] for part in parts[1:-1]] + [parts[-1]]
    return {
        key: value.replace("\x00", "\\").replace("\x01", "=")
        for key, value in zip(keys, values, strict=True)
    }


def test_cef_comes_back_whole_from_another_parser(tmp_path: Path) -> None:
    """Three thousand hostile lines through liblognorm: the same fields, the same values."""
    if shutil.which("lognormalizer") is None:
        pytest.skip("no lognormalizer (Debian: liblognorm-utils)")
    dice = random.Random(5)  # noqa: S311 - the same texts every time
    texts = ["".join(dice.choices(PIECES, k=dice.randint(1, 8))) for _ in range(LINES)]
    kinds = [*KINDS, "alert"]
    documents = [
        stamped(alert(text=text) if kind == "alert" else accepted(kind, text=text), "feed", seq)
        for seq, text in enumerate(texts, 1)
        for kind in [kinds[seq % len(kinds)]]
    ]
    lines = [to_cef(document) for document in documents]
    rules = tmp_path / "cef.rb"
    rules.write_text("version=2\nrule=:%f:cef%\n")

    found = subprocess.run(
        ["lognormalizer", "-r", str(rules), "-e", "json"],
        input="".join(f"{line}\n" for line in lines).encode(),
        capture_output=True,
        check=True,
    ).stdout.decode()

    answers = [json.loads(line)["f"] for line in found.splitlines()]
    assert len(answers) == LINES
    for document, line, answer in zip(documents, lines, answers, strict=True):
        assert answer["Extensions"] == parsed(line)
        assert answer["Extensions"]["externalId"] == document["metadata"]["uid"]
        assert answer["Severity"] == line.split("|")[6] or "\\|" in line.split("| ")[0]
