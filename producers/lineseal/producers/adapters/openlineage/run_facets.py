"""What the facets of a run and its job say about how it ran: code, engine, parent, parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.reading import Facets, Node, Notes
from lineseal.producers.text import fit, to_text
from lineseal.schemas.model import Code, Environment, Metric, Pair, ParentRun

_STAGE_TAGS = ("lineseal.stage", "stage")
_OLD_ENGINES = (
    ("spark_version", "spark", "spark-version"),
    ("airflow_version", "Airflow", "airflowVersion"),
    ("dbt_version", "dbt", "version"),
)


def code_of(job: Facets) -> Code | None:
    """Return where the job's source lies."""
    location = job["sourceCodeLocation"]
    repository = location.text("repoUrl") or location.text("url")
    path = location.text("path") or location.text("url")
    commit = names.identifier(location.text("version"), location.notes)
    if repository is None and commit is None:
        return None
    return Code(repository=_fit(repository), commit=commit, dirty=None, entry_point=_fit(path))


def environment_of(run: Facets) -> Environment | None:
    """Return the engine that ran it; before the facet for that each had one of its own."""
    engine = run["processing_engine"]
    said = [text for key in ("name", "version") if (text := engine.text(key)) is not None]
    for facet, name, key in _OLD_ENGINES:
        version = run[facet].text(key)
        if not said and version is not None:
            said = [name, version]
    return Environment(platform=fit(" ".join(said))) if said else None


def parent_of(run: Facets) -> ParentRun | None:
    """Return the run that started this one; ``parentRun`` is what old clients call it."""
    facet = run["parent"] or run["parentRun"]
    run_id = names.run_id(facet.node("run").text("runId"), facet.notes)
    if run_id is None:
        return None
    job = facet.node("job")
    return ParentRun(
        run_id=run_id,
        job_namespace=names.identifier(job.text("namespace"), job.notes),
        job_name=names.identifier(job.text("name"), job.notes),
    )


def trigger_of(run: Facets) -> str | None:
    """Return what started it, where Airflow says so: scheduled, manual, backfill, ..."""
    for name in ("airflow", "airflowDagRun"):
        kind = run[name].node("dagRun").text("run_type")
        if kind is not None:
            return fit(kind)
    return None


def message_of(run: Facets) -> str | None:
    """Return why it failed."""
    return _fit(run["errorMessage"].text("message"))


def stage_of(run: Facets, job: Facets) -> str | None:
    """Return the stage of the pipeline: the tag ``stage`` of the job, else of the run."""
    for wanted in _STAGE_TAGS:
        for facets in (job, run):
            for tag in facets["tags"].nodes("tags"):
                if tag.text("key") == wanted:
                    return names.identifier(tag.text("value"), Notes())
    return None


def parameters_of(run: Facets, job: Facets) -> Iterator[Pair]:
    """Yield what the run was given; values of parameters named like secrets are redacted later."""
    for item in run["executionParameters"].nodes("parameters"):
        key = names.identifier(item.text("key") or item.text("name"), item.notes)
        if key is not None:
            yield Pair(key=key, value=to_text(item.value.get("value")))
    for item in run["environmentVariables"].nodes("environmentVariables"):
        key = names.identifier(item.text("name"), item.notes)
        if key is not None:
            yield Pair(key=f"env.{key}"[:1000], value=to_text(item.value.get("value")))
    nominal = run["nominalTime"].text("nominalStartTime")
    if nominal is not None:
        yield Pair(key="nominal_start_time", value=fit(nominal))
    query = job["sql"].text("query")
    if query is not None:
        yield Pair(key="sql", value=fit(query))


def metrics_of(run: Facets) -> tuple[Metric, ...]:
    """Return how many tests of the run ended how, where they name no data set."""
    ends = Counter(str(test.text("status")).lower() for test in run["test"].nodes("tests"))
    return tuple(
        Metric(name=f"tests.{end}", value=float(ends[end]))
        for end in ("pass", "fail", "skip")
        if ends[end]
    )


def owner_of(facet: Node) -> str | None:
    """Return who owns it: the first one whose type says owner, else the first one."""
    owners = facet.nodes("owners")
    owners.sort(key=lambda owner: "OWNER" not in (owner.text("type") or "").upper())
    for owner in owners:
        name = names.identifier(owner.text("name"), owner.notes)
        if name is not None:
            return name
    return None


def _fit(text: str | None) -> str | None:
    return None if text is None else fit(text)
