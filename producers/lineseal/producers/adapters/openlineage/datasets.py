"""What a run read and wrote, from the data sets of an OpenLineage event and what else names some.

A data set is also every identifier in its ``symlinks`` facet: who knows the table by its catalogue
name and who knows it by its path must mean the same. What column lineage, the ``lineage`` facet
or a rename says was read counts as an input, although ``inputs`` does not list it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.reading import Facets, Node, Notes
from lineseal.producers.text import fit
from lineseal.schemas.model import Artifact, ArtifactUse, Kind

OWN_FACET = "lineseal"
"""Our facet of a data set: kind, digest, reportedDigest, role (docs/openlineage.md)."""
UNKNOWN = "unknown"
"""Stands for the namespace or name that a data set lacks."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

Kinds = Sequence[tuple[Kind, str]]
Name = tuple[Kind, str, str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set of an event.

    Attributes:
        artifact: Its own name, with version and digest where they are known.
        aliases: Its other names, from ``symlinks``.
        facets: Its facets, of any sort.
        direction: ``input``, ``output`` or ``dataset`` (an event about the data set itself).

    """

    artifact: Artifact
    aliases: tuple[Artifact, ...]
    facets: Facets
    direction: str


def read_datasets(event: Node, direction: str, kinds: Kinds) -> list[Dataset]:
    """Return the data sets under ``inputs`` or ``outputs``.

    What has no namespace or name is used as ``unknown``, and noted: left out, what was made from
    it could pass for made from nothing else.
    """
    found: list[Dataset] = []
    for node in event.nodes(f"{direction}s"):
        dataset = read_dataset(node, direction, kinds)
        if dataset is None:
            node.notes.add("data_set_without_name")
            said = {key: (node.text(key) or "").strip() for key in ("namespace", "name")}
            named = {key: text or UNKNOWN for key, text in said.items()}
            dataset = read_dataset(Node(node.value | named, node.notes), direction, kinds)
        if dataset is not None:
            found.append(dataset)
    return found


def read_dataset(node: Node, direction: str, kinds: Kinds) -> Dataset | None:
    """Return one data set; None when it has no namespace or no name."""
    facets = Facets(node, "facets", f"{direction}Facets")
    own = facets[OWN_FACET]
    digest = own.text("digest")
    artifact = _artifact(
        node,
        kinds,
        kind=_own_kind(own),
        version=names.version(facets["version"].text("datasetVersion"), node.notes),
        digest=digest if digest is not None and _DIGEST.fullmatch(digest) else None,
    )
    if artifact is None:
        return None
    aliases = dict.fromkeys(
        alias
        for link in facets["symlinks"].nodes("identifiers")
        if (alias := _alias(link, artifact, kinds)) is not None and alias != artifact
    )
    return Dataset(artifact, tuple(aliases), facets, direction)


def uses_of(datasets: Sequence[Dataset]) -> Iterator[ArtifactUse]:
    """Yield each data set as used, then its other names."""
    for dataset in datasets:
        rows, size = _statistics(dataset)
        own = dataset.facets[OWN_FACET]
        claimed = dataset.facets["version"].text("datasetVersion") or ""
        reported = own.text("reportedDigest")
        if reported is None and _DIGEST.fullmatch(claimed):
            reported = claimed
        location = dataset.facets["dataSource"].text("uri")
        yield ArtifactUse(
            artifact=dataset.artifact,
            rows=rows,
            size_bytes=size,
            role=names.identifier(own.text("role"), Notes()),
            reported_digest=None if reported is None else fit(reported),
            location=None if location is None else fit(location),
        )
        for alias in dataset.aliases:
            yield ArtifactUse(artifact=alias, role="symlink")


def implied_inputs(
    inputs: Sequence[Dataset], outputs: Sequence[Dataset], run: Facets, job: Facets, kinds: Kinds
) -> Iterator[ArtifactUse]:
    """Yield what facets say was read and ``inputs`` does not list."""
    known = {key for dataset in inputs for key in _keys(dataset)}
    for role, node in _sources(outputs, run, job):
        artifact = _artifact(node, kinds)
        if artifact is not None and name_of(artifact) not in known:
            known.add(name_of(artifact))
            yield ArtifactUse(artifact=artifact, role=role)


def implied_outputs(
    outputs: Sequence[Dataset], run: Facets, job: Facets, kinds: Kinds
) -> Iterator[ArtifactUse]:
    """Yield what the ``lineage`` facet of run or job says was written and ``outputs`` omits."""
    known = {key for dataset in outputs for key in _keys(dataset)}
    for facets in (run, job):
        for entry in facets["lineage"].nodes("entries"):
            artifact = None if entry.text("type") == "JOB" else _artifact(entry, kinds)
            if artifact is not None and name_of(artifact) not in known:
                known.add(name_of(artifact))
                yield ArtifactUse(artifact=artifact, role="lineage")


def name_of(artifact: Artifact) -> Name:
    """Return what stays the same over all versions."""
    return artifact.kind, artifact.namespace, artifact.name


def _sources(outputs: Sequence[Dataset], run: Facets, job: Facets) -> Iterator[tuple[str, Node]]:
    for dataset in outputs:
        column_lineage = dataset.facets["columnLineage"]
        for field in column_lineage.node("fields").children():
            yield from (("column_lineage", node) for node in field.nodes("inputFields"))
        yield from (("column_lineage", node) for node in column_lineage.nodes("dataset"))
        yield from (("lineage", node) for node in _lineage_inputs(dataset.facets["lineage"]))
        change = dataset.facets["lifecycleStateChange"]
        if change.text("lifecycleStateChange") == "RENAME":
            yield "renamed_from", change.node("previousIdentifier")
    for facets in (run, job):
        for entry in facets["lineage"].nodes("entries"):
            yield from (("lineage", node) for node in _lineage_inputs(entry))


def _lineage_inputs(entry: Node) -> Iterator[Node]:
    groups = [entry, *entry.node("fields").children()]
    for group in groups:
        yield from (node for node in group.nodes("inputs") if node.text("type") != "JOB")


def _keys(dataset: Dataset) -> Iterator[Name]:
    yield name_of(dataset.artifact)
    yield from map(name_of, dataset.aliases)


def _alias(link: Node, of: Artifact, kinds: Kinds) -> Artifact | None:
    return _artifact(link, kinds, version=of.version, digest=of.digest)


def _artifact(
    node: Node,
    kinds: Kinds,
    *,
    kind: Kind | None = None,
    version: str | None = None,
    digest: str | None = None,
) -> Artifact | None:
    namespace = names.identifier(node.text("namespace"), node.notes)
    name = names.identifier(node.text("name"), node.notes)
    if namespace is None or name is None:
        return None
    return Artifact(
        kind=kind or names.kind_of(namespace, name, kinds),
        namespace=namespace,
        name=name,
        version=version,
        digest=digest,
    )


def _own_kind(own: Node) -> Kind | None:
    text = own.text("kind")
    return Kind(text) if text is not None and text in Kind._value2member_map_ else None


def _statistics(dataset: Dataset) -> tuple[int | None, int | None]:
    """Return rows and bytes: as read or written, else as its quality metrics say."""
    facets = dataset.facets
    used = facets["outputStatistics" if dataset.direction == "output" else "inputStatistics"]
    metrics = facets["dataQualityMetrics"]
    rows, size = used.whole("rowCount"), used.whole("size")
    return (
        metrics.whole("rowCount") if rows is None else rows,
        metrics.whole("bytes") if size is None else size,
    )
