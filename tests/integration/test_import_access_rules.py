"""What an audit log says raises the rules that watch access: DP-036 and DP-037.

What is promised: a principal whom only CloudTrail knows, a grant that only a bucket policy makes,
and a burst of rejected rows are put together. Source: docs/import.md.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.integration.receiving import lineseal
from tests.integration.test_import_access import ROLE, cloudtrail, home

__all__ = ["home"]

MALLORY = "arn:aws:iam::123456789012:user/mallory"


def moment(hours_ago: float) -> str:
    """Return a time as CloudTrail writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - hours_ago * 3600))


def test_a_newcomer_of_the_bucket_and_a_burst_are_one_story(home: Path, tmp_path: Path) -> None:
    """The job's own role may write; whoever its policy let in may not."""
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": MALLORY}}]}
    granted = cloudtrail(
        1,
        "PutBucketPolicy",
        eventTime=moment(3),
        requestParameters={"bucketName": "lake", "bucketPolicy": policy},
    )
    identity = {"type": "IAMUser", "arn": MALLORY, "userName": "mallory"}
    written = cloudtrail(2, "PutObject", eventTime=moment(2), userIdentity=identity)
    usual = [cloudtrail(n, "PutObject", eventTime=moment(100 + n)) for n in (3, 4)]
    log = tmp_path / "trail.json"
    log.write_text(json.dumps({"Records": [granted, written, *usual]}))
    with (home / "lineseal.toml").open("a") as file:
        file.write(f'\n[policy]\ndata_writers = ["{ROLE}=*"]\n')
    rename = ("--dataset", "dataset:lake/raw=s3://lake/*")

    lineseal(home, "import", "access", str(log), *rename)
    burst = ("--outcome", "fail", "--rows-checked", "1000", "--rows-rejected", "400")
    check = ("--artifact", "dataset:lake/raw@2", "--check.tool", "gx", "--check.name", "schema")
    lineseal(home, "emit", "validation", *check, *burst)
    lineseal(home, "materialise")
    lineseal(home, "detect", "--once")

    alerts = json.loads(lineseal(home, "alerts", "--json", status=1))["rows"]
    found = {(alert["rule"], alert["subject"]) for alert in alerts}
    mallory = f"person:{MALLORY.lower()}"
    assert ("DP-036", mallory) in found
    assert ("DP-037", f"{mallory} at dataset:lake/raw") in found
    assert not [alert for alert in alerts if "role/etl" in alert["subject"]]
    assert "DP-004" not in {alert["rule"] for alert in alerts}
