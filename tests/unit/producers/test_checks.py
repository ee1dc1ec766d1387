"""What Cleanlab and Great Expectations found becomes validations: counts, scores, row numbers.

Evidence: Cleanlab itself on data with flipped labels; results of Great Expectations in the form
that its 1.24 documents (``to_json_dict``).
"""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lineseal.producers import Emitter
from lineseal.producers.adapters.checks import record_cleanlab, record_expectations
from lineseal.settings import Home

from .world import told_by

DATA = "dataset:lake/transactions@3"


def expectation(success: bool, count: int = 0, raised: bool = False) -> dict[str, Any]:
    """Return the result of one expectation."""
    return {
        "success": success,
        "expectation_config": {"type": "expect_column_values_to_not_be_null"},
        "result": {} if raised else {"element_count": 200, "unexpected_count": count},
        "exception_info": {"raised_exception": raised},
    }


def suite(*expectations: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a suite."""
    return {
        "success": all(each["success"] for each in expectations),
        "suite_name": "transactions",
        "results": list(expectations),
        "statistics": {"evaluated_expectations": len(expectations), "success_percent": None},
        "meta": {"great_expectations_version": "1.24.1"},
    }


def test_flipped_labels_that_cleanlab_finds_are_a_failed_validation(
    home: Home, emitter: Emitter
) -> None:
    """With the rows in a file of our own, named by its digest, and nobody else reads it."""
    cleanlab: Any = importlib.import_module("cleanlab.filter")
    labels = np.arange(100) % 2
    beliefs = np.where(labels[:, None] == [0, 1], 0.95, 0.05)
    labels[[7, 30]] = 1 - labels[[7, 30]]
    mask = cleanlab.find_label_issues(labels, beliefs)

    ids = record_cleanlab(emitter, DATA, mask, suspects="suspects.json", reviewed_by="alice")
    (told,) = told_by(emitter, home)

    listed = Path("suspects.json")
    assert ids == [told.event_id]
    assert told.body["check"]["tool"] == "cleanlab"
    assert (told.body["outcome"], told.body["rows_checked"]) == ("fail", 100)
    assert told.body["rows_rejected"] == 2
    assert json.loads(listed.read_text()) == {"label": [7, 30]}
    digest = hashlib.sha256(listed.read_bytes()).hexdigest()
    assert told.body["suspects"] == {"name": "suspects.json", "digest": f"sha256:{digest}"}
    assert listed.stat().st_mode & 0o777 == 0o600


def test_each_kind_of_issue_is_a_validation_of_its_own(home: Home, emitter: Emitter) -> None:
    """As ``Datalab.get_issues`` has them; a share that was agreed on is a warning."""
    issues = pd.DataFrame(
        {
            "is_label_issue": [True, False, False, False],
            "label_score": [0.0, 1.0, 1.0, 1.0],
            "is_outlier_issue": [False] * 4,
        }
    )

    record_cleanlab(emitter, DATA, issues, accepted_share=0.25)
    label, outlier = told_by(emitter, home)

    assert (label.body["check"]["name"], label.body["outcome"]) == ("label_issue", "warn")
    assert label.body["metrics"] == [{"name": "mean_label_score", "value": 0.75}]
    assert (outlier.body["check"]["name"], outlier.body["outcome"]) == ("outlier_issue", "pass")


@pytest.mark.parametrize(
    ("result", "outcome", "rejected"),
    [
        (suite(expectation(True), expectation(True)), "pass", 0),
        (suite(expectation(False, 3), expectation(False, 5)), "fail", 5),
        (suite(expectation(False, raised=True), expectation(True)), "error", 0),
        ({"run_results": {"id": suite(expectation(True, 1))}, "success": True}, "pass", 1),
    ],
)
def test_a_result_of_great_expectations_is_a_validation(
    home: Home, emitter: Emitter, result: dict[str, Any], outcome: str, rejected: int
) -> None:
    """Of its suite, with the tool's version and its statistics."""
    record_expectations(emitter, DATA, result)
    (told,) = told_by(emitter, home)

    assert (told.body["outcome"], told.body["rows_rejected"]) == (outcome, rejected)
    assert told.body["rows_checked"] == 200
    assert told.body["check"]["name"] == "transactions"
    assert told.body["check"]["version"] == "1.24.1"
    assert told.body["metrics"][0]["name"] == "evaluated_expectations"


@pytest.mark.parametrize("odd", [None, {}, [1, 2], pd.DataFrame({"a": [1]}), np.arange(3)])
def test_what_is_no_result_is_one_lost_fact(home: Home, emitter: Emitter, odd: Any) -> None:
    """And nothing is raised into the job."""
    recorded = [record_cleanlab(emitter, DATA, odd), record_expectations(emitter, DATA, odd)]

    assert recorded == [[], []]
    assert emitter.stats.dropped == 2
