"""What an event of ours is as an OpenLineage event, with its digests and its seal. Pure.

Runs become run events, checks run events that add an assertion, registrations events about a data
set or job. OpenLineage has no approval, override or quarantine: those are not exported. Our own
facets are called ``lineseal``; their schemas stand in docs/openlineage. With what the run's or the
job's facet holds anybody can check the signature without us.

Source: https://openlineage.io/spec/2-0-2/OpenLineage.json.
"""

from __future__ import annotations

import datetime as dt
import urllib.parse
import uuid
from importlib.metadata import version
from typing import Any, Final

from lineseal.schemas.record import Record

Json = dict[str, Any]
BODIES: Final = ("run", "validation", "registration")
SPECIFICATION: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
FACETS: Final = "https://openlineage.io/spec/facets"
OWN_FACETS: Final = "urn:lineseal:openlineage:1-0-0"
_RUN_IDS: Final = uuid.UUID("4b0a9a5e-6a55-5c0f-9d3f-0f2c6d8f7a10")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NOT_PARAMETERS = "openlineage."


def to_openlineage(body: str, record: Record, seal: Json) -> Json | None:
    """Return one event as OpenLineage has it; None when it has no such thing.

    Args:
        body: Name of the event's body.
        record: The whole event.
        seal: What proves it: the fields of our facet about the seal.

    """
    said: Record = record["body"][body]
    if body == "run":
        return _run(record, said, seal)
    if body == "validation" and record["run_id"] is not None:
        return _validation(record, said, seal)
    if body == "registration":
        return _registration(record, said, seal)
    return None


def run_uuid(producer: str, run_id: str) -> str:
    """Return a run's id as the UUID that OpenLineage wants."""
    try:
        return str(uuid.UUID(run_id))
    except ValueError:
        return str(uuid.uuid5(_RUN_IDS, f"{producer}/{run_id}"))


def _run(record: Record, said: Record, seal: Json) -> Json:
    run_facets = {
        "lineseal": _own("RunFacet", **seal, metrics=_numbers(said["metrics"])),
        **_parent(record, said["parent"]),
    }
    given = [pair for pair in said["parameters"] if not pair["key"].startswith(_NOT_PARAMETERS)]
    if given:
        run_facets["executionParameters"] = _facet(
            "1-0-0/ExecutionParametersRunFacet",
            parameters=[{"key": pair["key"], "value": pair["value"]} for pair in given],
        )
    if said["message"] is not None:
        run_facets["errorMessage"] = _facet(
            "1-0-1/ErrorMessageRunFacet", message=said["message"], programmingLanguage="unknown"
        )
    environment = said["environment"] or {}
    if environment.get("python"):
        run_facets["processing_engine"] = _facet(
            "1-1-1/ProcessingEngineRunFacet", name="python", version=environment["python"]
        )
    return {
        **_event(record, "RunEvent"),
        "eventType": said["state"],
        "run": {"runId": run_uuid(record["producer"], record["run_id"]), "facets": run_facets},
        "job": _job(record, said["code"]),
        "inputs": [_use(use, "input") for use in said["inputs"]],
        "outputs": [_use(use, "output") for use in said["outputs"]],
    }


def _validation(record: Record, said: Record, seal: Json) -> Json:
    check = said["check"]
    assertion = {
        "assertion": check["name"],
        "name": check["name"],
        "success": said["outcome"] == "pass",
        "severity": "warn" if said["outcome"] == "warn" else "error",
    }
    dataset = _dataset(said["artifact"], {})
    dataset["inputFacets"] = {
        "dataQualityAssertions": _facet(
            "1-1-0/DataQualityAssertionsDatasetFacet", assertions=[assertion]
        )
    }
    run_id = run_uuid(record["producer"], record["run_id"])
    return {
        **_event(record, "RunEvent"),
        "eventType": "OTHER",
        "run": {"runId": run_id, "facets": {"lineseal": _own("RunFacet", **seal)}},
        "job": _job(record, None),
        "inputs": [dataset],
        "outputs": [],
    }


def _registration(record: Record, said: Record, seal: Json) -> Json | None:
    subject = said["subject"]
    facets: Json = {}
    if said["owner"] is not None:
        owners = [{"name": said["owner"], "type": "OWNER"}]
        kind = "Dataset" if subject["type"] == "artifact" else "Job"
        facets["ownership"] = _facet(f"1-0-1/Ownership{kind}Facet", owners=owners)
    if subject["type"] == "artifact":
        if said["source"] is not None:
            uri = urllib.parse.quote(said["source"]["uri"], safe=":/?#[]@!$&'()*+,;=%~")
            facets["dataSource"] = _facet("1-0-1/DatasourceDatasetFacet", uri=uri)
        dataset = _dataset(subject["artifact"], facets)
        dataset["facets"]["lineseal_seal"] = _own("SealDatasetFacet", **seal)
        return {**_event(record, "DatasetEvent"), "dataset": dataset}
    if subject["type"] == "job":
        namespace, _, name = str(subject["name"]).rpartition("/")
        facets["lineseal"] = _own("JobFacet", **seal)
        job = {"namespace": namespace or "default", "name": name, "facets": facets}
        return {**_event(record, "JobEvent"), "job": job}
    return None


def _event(record: Record, kind: str) -> Json:
    moment = _EPOCH + dt.timedelta(microseconds=record["event_time"])
    return {
        "eventTime": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "producer": _producer(),
        "schemaURL": f"{SPECIFICATION}#/$defs/{kind}",
    }


def _job(record: Record, code: Record | None) -> Json:
    job = record["job"] or {"namespace": "default", "name": record["stage"] or record["producer"]}
    facets: Json = {
        "jobType": _facet(
            "2-0-4/JobTypeJobFacet",
            processingType="BATCH",
            integration="LINESEAL",
            jobType=record["stage"] or "JOB",
        )
    }
    if code is not None and code["repository"] is not None:
        repository = str(code["repository"])
        location = {
            "type": "git",
            "url": repository if "://" in repository else f"git:{urllib.parse.quote(repository)}",
            "repoUrl": repository,
            "version": code["commit"],
            "path": code["entry_point"],
        }
        location["url"] = urllib.parse.quote(str(location["url"]), safe=":/?#[]@!$&'()*+,;=%~")
        given = {key: value for key, value in location.items() if value is not None}
        facets["sourceCodeLocation"] = _facet("1-1-0/SourceCodeLocationJobFacet", **given)
    return {"namespace": job["namespace"], "name": job["name"], "facets": facets}


def _parent(record: Record, parent: Record | None) -> Json:
    if parent is None or parent["job_namespace"] is None or parent["job_name"] is None:
        return {}
    run = {"runId": run_uuid(record["producer"], parent["run_id"])}
    job = {"namespace": parent["job_namespace"], "name": parent["job_name"]}
    return {"parent": _facet("1-2-0/ParentRunFacet", run=run, job=job)}


def _use(use: Record, direction: str) -> Json:
    own = {"role": use["role"], "reportedDigest": use["reported_digest"]}
    dataset = _dataset(use["artifact"], {}, **own)
    counts = {"rowCount": use["rows"], "size": use["size_bytes"]}
    known = {key: value for key, value in counts.items() if value is not None}
    kind = "Input" if direction == "input" else "Output"
    if known:
        name = f"1-0-{'0' if direction == 'input' else '2'}/{kind}Statistics{kind}DatasetFacet"
        dataset[f"{direction}Facets"] = {f"{direction}Statistics": _facet(name, **known)}
    return dataset


def _dataset(artifact: Record, facets: Json, **own: Any) -> Json:
    said = {"kind": artifact["kind"], "digest": artifact["digest"], **own}
    known = {key: value for key, value in said.items() if value is not None}
    all_facets = {**facets, "lineseal": _own("DatasetFacet", **known)}
    label = artifact["version"]
    if label is not None:
        all_facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=label)
    if artifact["kind"] != "dataset":
        kind = str(artifact["kind"]).upper()
        all_facets["datasetType"] = _facet("1-0-1/DatasetTypeDatasetFacet", datasetType=kind)
    return {"namespace": artifact["namespace"], "name": artifact["name"], "facets": all_facets}


def _facet(schema: str, /, **fields: Any) -> Json:
    kind = schema.rpartition("/")[2]
    url = f"{FACETS}/{schema}.json#/$defs/{kind}"
    return {"_producer": _producer(), "_schemaURL": url, **fields}


def _own(kind: str, /, **fields: Any) -> Json:
    url = f"{OWN_FACETS}:Lineseal{kind}.json#/$defs/Lineseal{kind}"
    return {"_producer": _producer(), "_schemaURL": url, **fields}


def _producer() -> str:
    return f"urn:lineseal:{version('lineseal')}"


def _numbers(metrics: list[Record]) -> dict[str, float]:
    return {metric["name"]: metric["value"] for metric in metrics}
