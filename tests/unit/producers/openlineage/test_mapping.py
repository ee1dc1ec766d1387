"""An OpenLineage event means what the specification says, and nothing of it is lost in silence.

What is promised: states, parents, versions, other names, statistics, checks, owners, code and
Airflow's human decisions arrive as ours; what somebody read counts although ``inputs`` omits it;
sloppiness is taken and noted; what cannot be an event is refused with a reason.
Source: docs/openlineage.md; the OpenLineage specification 2-0-2 and the facets' schemas.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.openlineage.events import (
    Json,
    bodies,
    data,
    document,
    facet,
    first_run,
    mapped,
    parameter,
    run_event,
    run_id,
    sender,
    uses,
    without,
)

from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.model import Kind


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("START", "START"),
        ("RUNNING", "RUNNING"),
        ("COMPLETE", "COMPLETE"),
        ("FAIL", "FAIL"),
        ("ABORT", "ABORT"),
        ("OTHER", "RUNNING"),
        ("complete", "COMPLETE"),
        (None, "RUNNING"),
    ],
)
def test_a_state_is_recorded_as_said(said: str | None, means: str) -> None:
    """OTHER, and none at all, say that the run went on."""
    assert first_run(run_event(state=said, inputs=[data("a")]))["state"] == means


def test_an_event_that_only_adds_facets_does_not_stretch_its_run() -> None:
    """Tests that are reported an hour later must not make the run overlap its readers."""
    late = run_event(state="OTHER", run_facets={"tags": facet(tags=[])})

    ((name, body),) = bodies(late)

    assert name == "registration"
    assert body["subject"]["name"] == "ns/etl"
    assert parameter(body, "openlineage.document") == document(late).digest


def test_versions_and_statistics_are_kept() -> None:
    """Of inputs as read, of outputs as written."""
    read = data("tx", v="7")
    read["inputFacets"] = {"inputStatistics": facet(rowCount=10, size=2048)}
    written = data("features", v="8")
    written["outputFacets"] = {"outputStatistics": facet(rowCount=9, size=1024)}

    body = first_run(run_event(inputs=[read], outputs=[written]))

    assert uses(body, "input") == [("tx", "7", None)]
    assert uses(body, "output") == [("features", "8", None)]
    assert (body["inputs"][0]["rows"], body["inputs"][0]["size_bytes"]) == (10, 2048)
    assert (body["outputs"][0]["rows"], body["outputs"][0]["size_bytes"]) == (9, 1024)


@pytest.mark.parametrize(
    ("said", "version", "reported"),
    [
        ("unknown", None, None),
        ("", None, None),
        ("a@b", "a%40b", None),
        ("sha256:" + "a" * 64, "sha256-" + "a" * 64, "sha256:" + "a" * 64),
        (42, "42", None),
    ],
)
def test_a_version_never_reads_as_something_else(
    said: Any, version: str | None, reported: str | None
) -> None:
    """A claimed digest is a version's name, and reported, never evidence."""
    body = first_run(run_event(inputs=[data("tx", version=facet(datasetVersion=said))]))

    use = body["inputs"][0]
    assert (use["artifact"]["version"], use["artifact"]["digest"]) == (version, None)
    assert use["reported_digest"] == reported


def test_who_knows_a_table_by_its_other_name_means_the_same() -> None:
    """Each symlink is used as well, in the same version."""
    links = facet(identifiers=[{"namespace": "hive://m", "name": "db.tx", "type": "TABLE"}])

    body = first_run(run_event(outputs=[data("warehouse/tx", v="3", symlinks=links)]))

    assert uses(body, "output") == [("warehouse/tx", "3", None), ("db.tx", "3", "symlink")]


def test_what_column_lineage_names_was_read() -> None:
    """Also where inputs omits it; what inputs has is not said twice, by any of its names."""
    links = facet(identifiers=[{"namespace": "hive://m", "name": "db.a", "type": "TABLE"}])
    fields = [
        {"namespace": "s3://lake", "name": "b", "field": "x"},
        {"namespace": "hive://m", "name": "db.a", "field": "x"},
    ]
    whole = [{"namespace": "s3://lake", "name": "c", "field": "y"}]
    out = data("z", columnLineage=facet(fields={"x": {"inputFields": fields}}, dataset=whole))

    body = first_run(run_event(inputs=[data("a", symlinks=links)], outputs=[out]))

    assert uses(body, "input")[2:] == [("b", None, "column_lineage"), ("c", None, "column_lineage")]


def test_explicit_lineage_names_inputs_and_outputs() -> None:
    """The lineage facet of a job says what was read and written, jobs apart."""
    source = {"namespace": "s3://lake", "name": "a", "type": "DATASET"}
    job = {"namespace": "ns", "name": "j", "type": "JOB"}
    entry = {"namespace": "s3://lake", "name": "z", "type": "DATASET", "inputs": [source, job]}

    body = first_run(run_event(job_facets={"lineage": facet(entries=[entry])}))

    assert uses(body, "input") == [("a", None, "lineage")]
    assert uses(body, "output") == [("z", None, "lineage")]


def test_a_renamed_data_set_comes_from_its_old_name() -> None:
    """Else a suspect would shake off its past by a rename."""
    change = facet(
        lifecycleStateChange="RENAME", previousIdentifier={"namespace": "s3://lake", "name": "old"}
    )

    body = first_run(run_event(outputs=[data("new", lifecycleStateChange=change)]))

    assert uses(body, "input") == [("old", None, "renamed_from")]


@pytest.mark.parametrize("name", ["parent", "parentRun"])
def test_the_parent_run_is_known(name: str) -> None:
    """However the client's age spells the facet, and its UUID."""
    parent = {"run": {"runId": run_id(9).upper()}, "job": {"namespace": "ns", "name": "dag"}}

    body = first_run(run_event(run_facets={name: facet(**parent)}))

    assert body["parent"] == {"run_id": run_id(9), "job_namespace": "ns", "job_name": "dag"}


def test_code_engine_parameters_and_failure_are_recorded() -> None:
    """Secrets are taken out before anything is sealed."""
    body = first_run(
        run_event(
            state="FAIL",
            run_facets={
                "processing_engine": facet(name="spark", version="3.5.1"),
                "errorMessage": facet(message="table not found", programmingLanguage="JAVA"),
                "executionParameters": facet(
                    parameters=[{"key": "lr", "value": 0.1}, {"key": "password", "value": "s3cr3t"}]
                ),
                "airflow": facet(dagRun={"run_type": "scheduled"}),
            },
            job_facets={
                "sourceCodeLocation": facet(
                    type="git",
                    url="https://h/r/f.py",
                    repoUrl="https://h/r",
                    version="abc",
                    path="f.py",
                ),
                "sql": facet(query="SELECT 1"),
            },
        )
    )

    code = {"repository": "https://h/r", "commit": "abc", "dirty": None, "entry_point": "f.py"}
    assert body["code"] == code
    assert body["environment"]["platform"] == "spark 3.5.1"
    assert (body["message"], body["trigger"]) == ("table not found", "scheduled")
    assert (parameter(body, "lr"), parameter(body, "sql")) == ("0.1", "SELECT 1")
    assert parameter(body, "password") == "[redacted]"


def test_a_parameter_that_is_given_twice_is_recorded_as_first_given() -> None:
    """A map has a key once; and nobody writes our own keys."""
    values = [("lr", 0.1), ("lr", 9), ("openlineage.document", "forged")]
    parameters = [{"key": key, "value": value} for key, value in values]

    body = first_run(run_event(run_facets={"executionParameters": facet(parameters=parameters)}))

    keys = [pair["key"] for pair in body["parameters"]]
    assert len(set(keys)) == len(keys)
    assert parameter(body, "lr") == "0.1"
    assert parameter(body, "openlineage.document") != "forged"


def test_each_assertion_is_a_validation() -> None:
    """With the outcome that its severity makes of a failure, wherever the facet stands."""
    read = data("tx", v="7", dataQualityMetrics=facet(rowCount=5, columnMetrics={}))
    read["inputFacets"] = {
        "dataQualityAssertions": facet(
            assertions=[
                {"assertion": "not_null", "success": True, "column": "id"},
                {"assertion": "unique", "success": False, "name": "unique_id"},
                {"assertion": "fresh", "success": False, "severity": "warn"},
                {"assertion": "odd"},
            ]
        )
    }

    checks = [body for name, body in bodies(run_event(inputs=[read])) if name == "validation"]

    assert [(c["check"]["name"], c["outcome"]) for c in checks] == [
        ("not_null(id)", "pass"), ("unique_id", "fail"), ("fresh", "warn"), ("odd", "error"),
    ]  # fmt: skip
    assert {(c["artifact"]["version"], c["check"]["tool"]) for c in checks} == {("7", "spark")}
    assert {c["rows_checked"] for c in checks} == {5}


def test_owners_are_registered() -> None:
    """Of data sets and jobs; of what the sender may not write its word does not count."""
    owners = facet(owners=[{"name": "x", "type": "STEWARD"}, {"name": "team:a", "type": "OWNER"}])
    event = run_event(
        inputs=[data("tx", ownership=owners)],
        job_facets={"ownership": facet(owners=[{"name": "b"}])},
    )

    found = [body for name, body in bodies(event) if name == "registration"]
    trusted = [name for name, _ in bodies(event, sender(writes=("s3://other/*",)))]

    assert [(r["subject"]["type"], r["owner"]) for r in found] == [
        ("job", "b"), ("artifact", "team:a"),
    ]  # fmt: skip
    assert trusted == ["run", "registration"]


def hitl(**summary: Any) -> list[tuple[str, Json]]:
    """Give the approvals of an event with a human-in-the-loop summary."""
    task = {"task_id": "approve", "hitl_summary": {"subject": "Ship it?", **summary}}
    event = run_event(run_facets={"airflow": facet(task=task)})
    return [(name, body) for name, body in bodies(event) if name == "approval"]


@pytest.mark.parametrize(
    ("summary", "decision", "approver", "mode"),
    [
        ({"approved": True, "responded_by_user": {"id": "1", "name": "alice"}}, "approve", "alice",
         "explicit"),
        ({"approved": False, "responded_by_user": {"id": "1"}}, "reject", "1", "explicit"),
        ({"approved": True, "chosen_options": ["Approve"], "responded_by_user": None}, "approve",
         "nobody", "default"),
        ({"chosen_options": ["Reject"], "responded_by_user": None}, "reject", "nobody", "default"),
        ({"error_type": "timeout"}, "reject", "nobody", "timeout"),
    ],
)  # fmt: skip
def test_a_human_in_the_loop_is_an_approval(
    summary: Json, decision: str, approver: str, mode: str
) -> None:
    """By default when nobody responded: no gate takes that for a decision."""
    ((_, body),) = hitl(**summary)

    assert (body["decision"], body["approver"], body["mode"]) == (decision, approver, mode)
    assert body["reason"] == "Ship it?"


def test_a_question_without_an_answer_is_no_approval() -> None:
    """Nor is an answer that is neither yes nor no."""
    assert hitl(options=["Approve", "Reject"]) == []
    assert hitl(chosen_options=["blue"], responded_by_user={"id": "1"}) == []


def test_an_event_about_a_data_set_or_a_job_is_a_registration() -> None:
    """There is no run; a dropped data set is retired."""
    change = facet(lifecycleStateChange="DROP")
    about = without(run_event(), "run", "job", "inputs", "outputs", "eventType")
    about_data = {**about, "dataset": data("tx", lifecycleStateChange=change)}
    about_job = {**without(run_event(), "eventType"), "run": None}  # as Java writes it

    ((kind, body),) = bodies(about_data)
    ((job_kind, job_body),) = bodies(about_job)

    assert (kind, body["subject"]["artifact"]["name"], body["state"]) == (
        "registration", "tx", "retired",
    )  # fmt: skip
    assert (job_kind, job_body["subject"]["type"]) == ("registration", "job")


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"eventTime": "2026-01-01T10:00:00"}, "time_without_zone"),
        ({"eventTime": "2026-01-01T10:00:00.123456789Z"}, "time_finer_than_microseconds"),
        ({"eventTime": 1767261600}, "time_as_number"),
        ({"schemaURL": None}, "schema_url_missing"),
        ({"producer": None}, "producer_missing"),
        ({"eventType": "PAUSED"}, "event_type_unknown"),
        ({"inputs": [data("a", schema={"_deleted": None})]}, "deleted_is_null"),
        ({"inputs": [data("a", schema=[])]}, "facet_not_an_object"),
        ({"inputs": [{"namespace": "s3://lake"}]}, "data_set_without_name"),
        ({"inputs": [data("a\u202eb")]}, "name_rewritten"),
        ({"run": {"runId": "manual__1"}}, "run_id_is_no_uuid"),
    ],
)
def test_sloppiness_is_taken_and_noted(changes: Json, note: str) -> None:
    """The event counts, and says what was wrong with it."""
    event = {**run_event(inputs=[data("z")]), **changes}

    body = first_run({key: value for key, value in event.items() if value is not None})

    assert note in (parameter(body, "openlineage.notes") or "").split(",")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T10:00:00Z", 0),
        ("2026-01-01T10:00Z", 0),
        ("2026-01-01 10:00:00", 0),
        ("2026-01-01T12:00:00.5+02:00", 500_000),
        ("2026-01-01T12:00:00+0200", 0),
        ("2026-01-01T10:00:00.000000999Z", 0),
        ("2026-01-01T11:00:00+01:00[Europe/Berlin]", 0),
    ],
)
def test_times_are_read_as_real_clients_write_them(text: str, moment: int) -> None:
    """In microseconds; a time without a zone is UTC."""
    assert mapped(run_event(at=text)).event_time - 1_767_261_600_000_000 == moment


@pytest.mark.parametrize(
    "event",
    [
        run_event(eventTime=None),
        run_event(eventTime="yesterday"),
        run_event(eventTime="1969-12-31T23:59:59Z"),
        run_event(eventTime="2026-02-30T00:00:00Z"),
        run_event(run={}),
        without(run_event(), "job"),
        without(run_event(), "run", "job"),
        {},
    ],
)
def test_what_is_no_event_is_refused(event: Json) -> None:
    """With a reason, by a stable code."""
    with pytest.raises(InvalidDocument) as refused:
        mapped(event)
    assert refused.value.code == "INVALID_DOCUMENT"


def test_a_deleted_facet_says_nothing() -> None:
    """Although its other fields are still there."""
    gone = facet(datasetVersion="3", _deleted=True)

    assert uses(first_run(run_event(inputs=[data("a", version=gone)])), "input") == [
        ("a", None, None)
    ]


def test_facets_that_nothing_understands_are_named_and_in_the_document() -> None:
    """The sealed digest is that of the text as it came."""
    event = run_event(run_facets={"spark_unknown": facet(x=1)})

    body = first_run(event)

    assert parameter(body, "openlineage.facets") == "spark_unknown"
    assert parameter(body, "openlineage.document") == document(event).digest
    assert json.loads(document(event).text) == event


def test_names_say_what_is_no_data_set() -> None:
    """A pattern of the name alone, so that every reader means the same."""
    by = sender(kinds=[(Kind.MODEL, "mlflow*"), (Kind.FEATURE_SET, "*/features/*")])
    event = run_event(inputs=[data("a/features/b")], outputs=[data("fraud", "mlflow://h")])

    body = first_run(event, by)

    assert body["inputs"][0]["artifact"]["kind"] == "feature_set"
    assert body["outputs"][0]["artifact"]["kind"] == "model"


def test_a_run_with_thousands_of_inputs_is_split() -> None:
    """Into parts of one state, none lost."""
    names = [f"part-{number:05}" for number in range(3000)]
    found = bodies(run_event(inputs=[data(name) for name in names]))

    assert {body["part"] for _, body in found} == set(range(len(found)))
    assert [name for _, body in found for name, _, _ in uses(body, "input")] == names
