"""Events as the integrations of Airflow, dbt, Spark and Flink send them, written by hand.

Which event has which facets, and what is told in which event, follows their documentation and the
schemas; values are made up. Source: https://openlineage.io/docs/integrations.
"""

from __future__ import annotations

from typing import Any

from tests.openlineage.events import Json, data, facet, run_event, run_id

BASE = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration"
KAFKA = "kafka://broker:9092"


def parent(number: int, namespace: str, name: str, **more: Any) -> Json:
    """Make the facet that names the run that started this one."""
    return facet(run={"runId": run_id(number)}, job={"namespace": namespace, "name": name}, **more)


def _job_type(integration: str, kind: str, processing: str = "BATCH") -> Json:
    return facet(processingType=processing, integration=integration, jobType=kind)


def _of(namespace: str, name: str, **facets: Any) -> Json:
    return {"namespace": namespace, "name": name, "facets": facets}


def airflow() -> list[Json]:
    """Tell of a DAG with one task that copies a table; the task's facets are Airflow's own."""
    dag = _of("airflow", "daily", jobType=_job_type("AIRFLOW", "DAG"))
    task = _of(
        "airflow",
        "daily.copy",
        jobType=_job_type("AIRFLOW", "TASK"),
        ownership=facet(owners=[{"name": "data-team"}]),
        sql=facet(query="CREATE TABLE a_copy AS SELECT * FROM a"),
    )
    details = facet(
        dag={"dag_id": "daily", "schedule_interval": "@daily", "tags": "[]"},
        dagRun={"run_id": "scheduled__2026-01-01", "run_type": "scheduled", "conf": {}},
        task={"task_id": "copy", "operator_class": "SQLExecuteQueryOperator", "inlets": "[]"},
        taskInstance={"try_number": 1, "map_index": -1},
        taskUuid="x",
    )
    facets: Json = {
        "airflow": details,
        "parent": parent(1, "airflow", "daily", root={"run": {"runId": run_id(1)}}),
        "nominalTime": facet(nominalStartTime="2026-01-01T00:00:00+00:00", nominalEndTime=None),
        "processing_engine": facet(name="Airflow", version="3.3.2"),
    }
    lineage = facet(
        fields={"id": {"inputFields": [{"namespace": "pg://db", "name": "shop.a", "field": "id"}]}}
    )
    state = {"airflowState": facet(dagRunState="success", tasksState={"copy": "success"})}
    made_by = "https://github.com/apache/airflow/tree/providers-openlineage/2.20.3"
    return [
        run_event(1, "START", "2026-01-01T01:00:00.123456+00:00", producer=made_by, job=dag),
        run_event(2, "START", "2026-01-01T01:01:00+00:00", run_facets=facets, job=task),
        run_event(
            2,
            "COMPLETE",
            "2026-01-01T01:05:00+00:00",
            run_facets={**facets, "externalQuery": facet(externalQueryId="42", source="pg")},
            inputs=[data("shop.a", "pg://db", schema=facet(fields=[{"name": "id"}]))],
            outputs=[data("shop.a_copy", "pg://db", columnLineage=lineage)],
            job=task,
        ),
        run_event(1, "COMPLETE", "2026-01-01T01:06:00+00:00", run_facets=state, job=dag),
    ]


def dbt() -> list[Json]:
    """Tell of a build of one model and one test of it, as dbt-ol does after the fact."""
    facets: Json = {
        "parent": parent(11, "dbt", "dbt-run-shop"),
        "dbt_version": facet(version="1.9.1"),
        "dbt_run": facet(invocation_id="i", project_name="shop", profile_name="prod"),
    }
    model = _of("dbt", "db.shop.features.build.run", jobType=_job_type("DBT", "MODEL"))
    test = _of("dbt", "db.shop.features.build.test", jobType=_job_type("DBT", "TEST"))
    features = data("shop.features", "pg://db", documentation=facet(description=""))
    checked = data("shop.features", "pg://db")
    checked["inputFacets"] = {
        "dataQualityAssertions": facet(
            assertions=[{"assertion": "not_null", "success": True, "column": "id"}]
        )
    }
    source = data("shop.a_copy", "pg://db")
    return [
        run_event(11, "START", "2026-01-01T02:00:00Z", job="dbt-run-shop"),
        run_event(12, "START", "2026-01-01T02:00:01.5Z", run_facets=facets, job=model),
        run_event(
            12, "COMPLETE", "2026-01-01T02:00:09.5Z", run_facets=facets, inputs=[source],
            outputs=[features], job=model,
        ),
        run_event(13, "START", "2026-01-01T02:00:10Z", run_facets=facets, job=test),
        run_event(
            13, "COMPLETE", "2026-01-01T02:00:12Z", run_facets=facets, inputs=[checked],
            job=test,
        ),
        run_event(11, "COMPLETE", "2026-01-01T02:00:13Z", job="dbt-run-shop"),
    ]  # fmt: skip


def spark() -> list[Json]:
    """Tell of an application that merges into a Delta table: its version comes at the end."""
    facets: Json = {
        "parent": parent(21, "spark", "train_app"),
        "processing_engine": facet(
            name="spark", version="3.5.1", openlineageAdapterVersion="1.54.0"
        ),
        "spark_properties": facet(properties={"spark.master": "yarn"}),
        "spark.logicalPlan": facet(plan=[{"class": "org.apache.spark.sql.Merge"}]),
        "environment-properties": {"environment-properties": {}},
    }
    sql = _of(
        "spark", "train_app.execute_merge_into_command", jobType=_job_type("SPARK", "SQL_JOB")
    )
    link = facet(identifiers=[{"namespace": "hive://m", "name": "ml.train", "type": "TABLE"}])
    features = data("shop.features", "pg://db", dataSource=facet(name="pg", uri="jdbc:pg://db"))
    before = data("warehouse/train", v="4", symlinks=link)
    target = data("warehouse/train", symlinks=link)
    after = data("warehouse/train", v="5", symlinks=link)
    after["outputFacets"] = {"outputStatistics": facet(rowCount=10, size=2048, fileCount=1)}
    app: Json = {"processing_engine": facets["processing_engine"], "spark_applicationDetails": {}}
    return [
        run_event(21, "START", "2026-01-01T03:00:00.001Z", job="train_app", run_facets=app),
        run_event(
            22, "START", "2026-01-01T03:00:05.001Z", run_facets=facets, inputs=[features, before],
            outputs=[target], job=sql,
        ),
        run_event(
            22, "RUNNING", "2026-01-01T03:00:06Z", run_facets=facets, outputs=[target],
            job=sql,
        ),
        run_event(
            22, "COMPLETE", "2026-01-01T03:00:09Z", run_facets=facets, inputs=[features, before],
            outputs=[after], job=sql,
        ),
        run_event(21, "COMPLETE", "2026-01-01T03:00:10Z", job="train_app", run_facets=app),
    ]  # fmt: skip


def flink() -> list[Json]:
    """Tell of a job that streams: data sets at the start alone, checkpoints, and no end."""
    facets: Json = {
        "processing_engine": facet(name="flink", version="2.0.0"),
        "flink_job": facet(jobId="j"),
    }
    job = _of("flink", "scores", jobType=_job_type("FLINK", "JOB", "STREAMING"))
    name = facet(identifiers=[{"namespace": KAFKA, "name": "cat.db.scores", "type": "TABLE"}])
    checkpoints = facet(completed=3, failed=0, in_progress=0, restored=0, total=3)
    return [
        run_event(
            31, "START", "2026-01-01T04:00:00Z", run_facets=facets,
            inputs=[data("ml.train", "hive://m", v="5")],
            outputs=[data("scores", KAFKA, symlinks=name)], job=job,
        ),
        run_event(
            31, "RUNNING", "2026-01-01T04:10:00Z",
            run_facets={**facets, "checkpoints": checkpoints}, inputs=[], outputs=[],
            job=job,
        ),
    ]  # fmt: skip


def everything() -> list[Json]:
    """Tell all of it, in the order in which it happened."""
    return [*airflow(), *dbt(), *spark(), *flink()]
