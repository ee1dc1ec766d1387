"""``lineseal import access`` records accesses from audit logs once each, as what they are.

What is promised: CloudTrail, the Kubernetes audit log and mapped CSV or JSON become ``access`` rows
with origin ``import``; importing twice, or in another form, changes nothing; what is refused is
named with its line, kept apart and ends in status 6. Source: docs/import.md; the samples follow
the vendors' documentation that the readers name.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.integration.receiving import lineseal, make_receiving_home

ROLE = "arn:aws:iam::123456789012:role/etl"


def cloudtrail(number: int, name: str, **changes: Any) -> dict[str, Any]:
    """Make a record of CloudTrail, version 1.11."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAIDPPEZS35WEXAMPLE:i-0123",
            "arn": "arn:aws:sts::123456789012:assumed-role/etl/i-0123",
            "accountId": "123456789012",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE, "userName": "etl"}},
        },
        "eventTime": f"2026-01-02T03:04:{number:02}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.7",
        "requestParameters": {"bucketName": "lake", "key": "raw/part-0.parquet"},
        "responseElements": None,
        "eventID": f"c6f1b1d2-0000-4000-8000-{number:012}",
        "readOnly": name.startswith("Get"),
        "eventType": "AwsApiCall",
        "recipientAccountId": "123456789012",
        **changes,
    }


def kubernetes(number: int, verb: str, **changes: Any) -> dict[str, Any]:
    """Make an event of audit.k8s.io/v1."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request",
        "auditID": f"11111111-0000-4000-8000-{number:012}",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/ml/persistentvolumeclaims/train",
        "verb": verb,
        "user": {"username": "alice@example.com", "groups": ["system:authenticated"]},
        "sourceIPs": ["192.0.2.9"],
        "objectRef": {
            "resource": "persistentvolumeclaims",
            "namespace": "ml",
            "name": "train",
            "apiVersion": "v1",
        },
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": f"2026-01-02T03:05:{number:02}.000001Z",
        "stageTimestamp": f"2026-01-02T03:05:{number:02}.100001Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
        **changes,
    }


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Make a home that receives."""
    return make_receiving_home(tmp_path / "home")


def counts(printed: bytes) -> list[tuple[int, int, int, int]]:
    """Read what became of each file's records."""
    keys = ("recorded", "repeated", "left_out", "refused")
    return [tuple(row[key] for key in keys) for row in json.loads(printed)["rows"]]


def stored(home: Path) -> list[dict[str, Any]]:
    """Materialise and return every access."""
    lineseal(home, "materialise")
    question = "SELECT * FROM access ORDER BY event_time, granted_to"
    printed = lineseal(home, "sql", question, "--output", "ndjson")
    return [json.loads(line) for line in printed.splitlines()]


def test_cloudtrail_in_any_form_is_recorded_once(home: Path, tmp_path: Path) -> None:
    """A gzipped log file of a trail, its records as lines and two files joined: one access each."""
    records = [
        cloudtrail(1, "GetObject"),
        cloudtrail(2, "PutObject", errorCode="AccessDenied", errorMessage="Access Denied"),
        cloudtrail(3, "GetObject", errorCode="NoSuchKey"),
        cloudtrail(4, "ConsoleLogin", eventSource="signin.amazonaws.com"),
    ]
    folder = tmp_path / "AWSLogs" / "eu-west-1"
    folder.mkdir(parents=True)
    wrapped = json.dumps({"Records": records}).encode()
    (folder / "trail.json.gz").write_bytes(gzip.compress(wrapped))
    beside = {"digestS3Bucket": "trail", "logFiles": [], "digestEndTime": "2026-01-02T04:00:00Z"}
    (folder / "digest.json").write_text(json.dumps(beside))
    rename = ("--dataset", "dataset:lake/raw=s3://lake/raw/*", "--json")

    first = lineseal(home, "import", "access", str(folder.parent), *rename)
    lines = "".join(json.dumps(record, indent=1) + "\n" for record in records).encode()
    again = lineseal(home, "import", "access", "-", *rename, stdin=lines)
    joined = lineseal(home, "import", "access", "-", *rename, stdin=wrapped + b"\n" + wrapped)

    assert counts(first) == [(0, 0, 1, 0), (2, 0, 2, 0)]
    assert counts(again) == [(0, 2, 2, 0)]
    assert counts(joined) == [(0, 4, 4, 0)]
    read, written = stored(home)
    assert (read["principal"], read["action"], read["outcome"]) == (ROLE, "read", "allowed")
    assert (written["action"], written["outcome"]) == ("write", "denied")
    assert read["resource"]["artifact"]["namespace"] == "lake"
    assert read["resource"]["artifact"]["name"] == "raw"
    assert read["origin"] == "import"
    assert "c6f1b1d2-0000-4000-8000-000000000001" in read["reason"]


def test_kubernetes_stages_are_one_access_and_a_binding_names_whom(
    home: Path, tmp_path: Path
) -> None:
    """A request is told at several stages; a role binding grants to each of its subjects."""
    binding = kubernetes(
        2,
        "create",
        requestURI="/apis/rbac.authorization.k8s.io/v1/namespaces/ml/rolebindings",
        objectRef={"resource": "rolebindings", "namespace": "ml", "name": "writers"},
        responseStatus={"code": 201},
        requestObject={
            "subjects": [
                {"kind": "User", "name": "mallory"},
                {"kind": "ServiceAccount", "name": "etl", "namespace": "ml"},
            ]
        },
    )
    events = [
        kubernetes(1, "get", stage="RequestReceived", responseStatus=None),
        kubernetes(1, "get", stage="ResponseStarted"),
        kubernetes(1, "get"),
        binding,
        kubernetes(3, "delete", responseStatus={"code": 403}),
        kubernetes(4, "get", objectRef={"resource": "leases", "name": "x"}),
    ]
    file = tmp_path / "audit.log"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    whole = json.dumps(
        {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events},
        indent=2,
    ).encode()

    first = lineseal(home, "import", "access", str(file), "--cluster", "prod", "--json")
    again = lineseal(home, "import", "access", "-", "--cluster", "prod", "--json", stdin=whole)

    assert counts(first) == [(3, 1, 2, 0)]
    assert counts(again) == [(0, 4, 2, 0)]
    rows = stored(home)
    said = [(row["principal"], row["action"], row["outcome"], row["granted_to"]) for row in rows]
    assert said == [
        ("alice@example.com", "read", "allowed", None),
        ("alice@example.com", "grant", "allowed", "mallory"),
        ("alice@example.com", "grant", "allowed", "system:serviceaccount:ml:etl"),
        ("alice@example.com", "write", "denied", None),
    ]
    assert rows[0]["resource"]["artifact"]["namespace"] == "k8s://prod"


MAPPING = """\
[fields]
time = "when"
principal = "who"
action = "verb"
resource = "table"
granted_to = "to"
[constants]
namespace = "warehouse"
[values.action]
SELECT = "read"
INSERT = "write"
GRANT = "grant"
"""


def test_a_mapped_csv_is_recorded_and_its_bad_rows_are_kept_apart(
    home: Path, tmp_path: Path
) -> None:
    """Each refused row is named with its line; the others are recorded; the status is 6."""
    (tmp_path / "map.toml").write_text(MAPPING)
    file = tmp_path / "log.csv"
    file.write_bytes(
        b"\xef\xbb\xbfwhen,who,verb,table,to\n"
        b'2026-01-02T03:04:05Z,"bob\x1b[31m\nSELECT",SELECT,orders,\n'  # one row of two lines
        b"2026-01-02T03:04:06Z,bob,VACUUM,orders,\n"
        b"yesterday,bob,INSERT,orders,\n"
        b"2026-01-02T03:04:07Z,bob\xff,INSERT,orders,\n"
        b"2026-01-02T03:04:08Z,bob,INSERT\n"
        b"1767323049,carol,grant,orders,dave\n"
    )
    apart = tmp_path / "refused.ndjson"
    command = ("import", "access", str(file), "--mapping", str(tmp_path / "map.toml"), "--json")

    printed = lineseal(home, *command, "--refused", str(apart), status=6)
    again = lineseal(home, *command, status=6)

    assert counts(printed) == [(2, 0, 1, 3)]
    assert counts(again) == [(0, 2, 1, 3)]
    lines = [json.loads(line)["where"] for line in apart.read_text().splitlines()]
    assert lines == [f"{file}:{number}" for number in (5, 6, 7)]
    assert apart.stat().st_mode & 0o077 == 0
    answer = json.loads(printed)
    assert not answer["complete"]
    assert answer["notes"] == ["name_rewritten", "time_as_number"]
    first, second = stored(home)
    assert first["principal"].startswith("bob%1B[31m%0ASELECT~")
    assert (second["action"], second["granted_to"]) == ("grant", "dave")


def test_a_broken_record_in_an_array_does_not_take_the_others_along(
    home: Path, tmp_path: Path
) -> None:
    """One item is no JSON, one no record; what follows is read, until the text ends too early."""
    good = [json.dumps(cloudtrail(number, "GetObject")) for number in (1, 2)]
    file = tmp_path / "trail.json"
    file.write_text(f'{{"Records":[\n{good[0]},\n{{"a": }},\n{{"b": 1}},\n{good[1]},\n{{"eventID"')

    printed = lineseal(home, "import", "access", str(file), "--json", status=6)

    assert counts(printed) == [(2, 0, 0, 3)]
    warnings = json.loads(printed)["warnings"]
    assert [each.partition(f"{file}:")[2][:2] for each in warnings] == ["3:", "4:", "6:"]


def test_a_reused_record_id_does_not_hide_another_access(home: Path) -> None:
    """Somebody who plants a record with an id cannot make the true one a repetition."""
    planted = cloudtrail(1, "GetObject")
    true = cloudtrail(1, "DeleteObject")
    lines = f"{json.dumps(planted)}\n{json.dumps(true)}\n".encode()

    printed = lineseal(home, "import", "access", "-", "--json", stdin=lines)

    assert counts(printed) == [(2, 0, 0, 0)]
