"""What people write becomes exactly the model, or an error that names the field.

What is promised: a value that is already right is kept; a friendly form gives the same as the
long one; numbers of other libraries are numbers; what cannot be turned is an ``InvalidEvent`` (or
``InvalidReference``) that says where. Source: ``lineseal.producers.friendly``.

Evidence: pairs of a friendly and a long form, and the message of each kind of mistake.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy
import pytest

from lineseal.producers import artifact, dataset
from lineseal.producers.friendly import build
from lineseal.schemas import model
from lineseal.schemas.errors import InvalidEvent, InvalidReference
from lineseal.schemas.model import Artifact, Evidence, Kind, Metric, Subject

DIGEST = "sha256:" + "1" * 64
TX = Artifact(kind=Kind.DATASET, namespace="lake", name="tx", version="3")
CHECK = model.Check(tool="t", name="n")


def validation(**fields: Any) -> model.Validation:
    """Build a validation from friendly values on top of a minimal one."""
    return build(model.Validation, {"artifact": TX, "check": CHECK, "outcome": "pass", **fields})


@pytest.mark.parametrize(
    "written",
    [
        TX,
        "dataset:lake/tx@3",
        dataset("lake", "tx", version=3),
        artifact("dataset:lake/tx@3"),
        {"kind": "dataset", "namespace": "lake", "name": "tx", "version": "3"},
        '{"kind": "dataset", "namespace": "lake", "name": "tx", "version": "3"}',
        model.ArtifactUse(artifact=TX, rows=3),
    ],
)
def test_an_artifact_can_be_written_in_many_ways(written: Any) -> None:
    """REF, spec, fields, JSON, or what it is."""
    assert validation(artifact=written).artifact == TX


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("dataset:lake/tx@3", Subject(type="artifact", artifact=TX)),
        (dataset("lake", "tx", version="3"), Subject(type="artifact", artifact=TX)),
        ("source:partner-feed", Subject(type="source", name="partner-feed")),
        ("stage:train", Subject(type="stage", name="train")),
        ("feedback_channel:app:store", Subject(type="feedback_channel", name="app:store")),
        (Subject(type="job", name="a/b"), Subject(type="job", name="a/b")),
        ({"type": "key", "name": "k"}, Subject(type="key", name="k")),
    ],
)
def test_a_subject_is_a_ref_or_a_named_thing(written: Any, expected: Subject) -> None:
    """The kind of an artifact and the type of another subject never clash."""
    assert build(model.Registration, {"subject": written}).subject == expected


def test_lists_come_from_mappings_sequences_single_items_and_text() -> None:
    """Each gives the same tuple."""
    expected = (Metric(name="auc", value=0.5), Metric(name="n", value=2.0))

    assert validation(metrics={"auc": 0.5, "n": 2}).metrics == expected
    assert validation(metrics=["auc=0.5", "n=2"]).metrics == expected
    assert validation(metrics=list(expected)).metrics == expected
    assert validation(metrics='[{"name": "auc", "value": 0.5}, "n=2"]').metrics == expected
    assert validation(metrics="auc=0.5").metrics == expected[:1]


def test_slices_flips_counts_and_evidence_have_short_forms() -> None:
    """Those that a person types most."""
    evaluation = build(
        model.Evaluation,
        {
            "model": "model:r/m@1",
            "suite": {"name": "s", "kind": "holdout"},
            "phase": "release",
            "outcome": "pass",
            "slices": {"class 3": {"n": 40, "recall": 0.9}, "b": {"n": 1, "metrics": {"f": 1}}},
        },
    )
    review = build(
        model.LabelReview,
        {
            "label_set": "label_set:l/x",
            "method": "human",
            "flips": ["fraud=ok=7"],
            "items_reference": f"report.html@{DIGEST}",
        },
    )
    profile = build(model.Profile, {"rows": 5, "label_counts": {"a=b": 2}, "source_counts": "x=3"})

    assert evaluation.slices == (
        model.Slice(name="class 3", n=40, metrics=(Metric(name="recall", value=0.9),)),
        model.Slice(name="b", n=1, metrics=(Metric(name="f", value=1.0),)),
    )
    assert review.flips == (model.Flip(from_label="fraud", to_label="ok", count=7),)
    assert review.items_reference == Evidence(name="report.html", digest=DIGEST)
    assert profile.label_counts == (model.Count(name="a=b", count=2),)
    assert profile.source_counts == (model.Count(name="x", count=3),)


def test_a_text_stands_for_the_main_field_of_a_record() -> None:
    """A source is its URI, a supplier its name, an acquisition its method."""
    registration = build(
        model.Registration,
        {
            "subject": "source:feed",
            "source": "https://h/feed",
            "supplier": "partner",
            "acquisition": "partner",
            "attributes": {"rows": 3, "open": True, "tags": ["a"], "path": Path("x/y")},
        },
    )

    assert registration.source == model.Source(uri="https://h/feed")
    assert registration.supplier == model.Supplier(name="partner")
    assert registration.acquisition == model.Acquisition(method=model.AcquisitionMethod.PARTNER)
    assert [pair.value for pair in registration.attributes] == ["3", "true", '["a"]', "x/y"]


@pytest.mark.parametrize(
    "written",
    [
        1_767_225_600_000_000,
        "1767225600000000",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T01:00:00+01:00",
        datetime(2026, 1, 1, tzinfo=UTC),
    ],
)
def test_times_are_microseconds_however_they_are_written(written: Any) -> None:
    """ISO 8601 with a zone, a datetime with one, or the number itself."""
    registration = build(model.Registration, {"subject": "source:x", "collected_at": written})

    assert registration.collected_at == 1_767_225_600_000_000


def test_numbers_of_other_libraries_are_numbers() -> None:
    """NumPy's integers are no ``int`` and its float32 no ``float``."""
    built = validation(rows_checked=numpy.int64(5), metrics={"auc": numpy.float32(0.5)})

    assert (built.rows_checked, type(built.rows_checked)) == (5, int)
    assert (built.metrics[0].value, type(built.metrics[0].value)) == (0.5, float)


def test_none_means_not_given() -> None:
    """So that callers may pass on what they do not know."""
    assert validation(rows_checked=None, metrics=None) == validation()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"outcome": "passed"}, r"Validation\.outcome must be one of pass, warn, .* not 'passed'"),
        ({"outcome": None}, r"Validation\.outcome is missing"),
        ({"rows_check": 1}, r"no field 'rows_check'; did you mean 'rows_checked'\?"),
        ({"rows_checked": 1.5}, r"Validation\.rows_checked is not a whole number but float"),
        ({"rows_checked": "many"}, r"rows_checked is not a whole number"),
        ({"rows_checked": datetime(2026, 1, 1, tzinfo=UTC)}, "not a whole number"),
        ({"metrics": {"auc": "high"}}, r"Validation\.metrics\[0\]\.value is not a number but str"),
        ({"metrics": ["auc"]}, r"Validation\.metrics\[0\] is written NAME=VALUE"),
        ({"metrics": "[1"}, "starts like JSON"),
        ({"check": {"tool": "t"}}, r"Validation\.check\.name is missing"),
        ({"check": "cleanlab"}, r"Validation\.check is not a Check; give its fields"),
        ({"check": 5}, r"Validation\.check is not a Check but int"),
        ({"artifact": 5}, r"Validation\.artifact is not an artifact but int"),
        ({"reviewed_by": ["a"]}, r"Validation\.reviewed_by is not text but list"),
    ],
)
def test_a_mistake_is_named_with_its_field(fields: dict[str, Any], message: str) -> None:
    """The message is enough to put it right, and holds no more of the value than need be."""
    with pytest.raises(InvalidEvent, match=message):
        validation(**fields)


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        ("2026-01-01T00:00:00", "no time zone"),
        (datetime(2026, 1, 1), "no time zone"),  # noqa: DTZ001 - the mistake itself
        ("yesterday", "neither microseconds nor an ISO 8601 time"),
        (1.5, "neither microseconds nor an ISO 8601 time"),
    ],
)
def test_a_time_without_a_zone_is_refused(moment: Any, message: str) -> None:
    """Its meaning would depend on the machine."""
    with pytest.raises(InvalidEvent, match=message):
        build(model.Registration, {"subject": "source:x", "collected_at": moment})


@pytest.mark.parametrize(
    "reference", ["lake/tx", "dataset:", "dataset:a/b@", "dataset:a@sha256:12"]
)
def test_a_wrong_ref_says_so(reference: str) -> None:
    """In the words of the REF parser."""
    with pytest.raises(InvalidReference):
        validation(artifact=reference)
