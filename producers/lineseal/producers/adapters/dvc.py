"""What a ``dvc.lock`` means: one run for each stage, as it was last reproduced. Pure.

DVC identifies data by MD5 (or an object store's etag): that names a version, and is kept as
``reported_digest``, but proves nothing. A stage that is reproduced with other inputs has another
entry, hence another run; the same entry is always the same run.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.datasets import Kinds
from lineseal.producers.adapters.openlineage.reading import Node, Notes
from lineseal.producers.capture.command_line import redact_command
from lineseal.producers.capture.secret_text import redact_text
from lineseal.producers.text import fit, to_text
from lineseal.schemas.errors import InvalidDocument
from lineseal.schemas.model import Artifact, ArtifactUse, Code, Job, Pair, RunEvent, RunState

_HASHES = ("md5", "etag", "checksum")
_RUNS = uuid.UUID("9b1fa1de-3c5e-5d1e-8a55-0f4f6f1d4d56")


@dataclass(frozen=True, slots=True)
class Stage:
    """Hold one stage of a lock file as a run.

    Attributes:
        name: Its name.
        text: Its entry, as canonical JSON: what makes it the same run.
        job: Its job.
        run_id: A UUID that follows from the entry.
        event: What it read and wrote.

    """

    name: str
    text: bytes
    job: Job
    run_id: str
    event: RunEvent


def read_stages(
    data: bytes, *, namespace: str, kinds: Kinds = (), code: Code | None = None
) -> list[Stage]:
    """Read a lock file.

    Args:
        data: Its bytes, YAML.
        namespace: Namespace of its jobs and of its data.
        kinds: Which names are no data sets.
        code: The code it lies with.

    Raises:
        InvalidDocument: It is no lock file.

    """
    try:
        loaded: Any = yaml.load(data, Loader=_Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidDocument(f"not YAML: {type(error).__name__}") from error
    if not isinstance(loaded, dict):
        raise InvalidDocument("a dvc.lock is a mapping of stages")
    top: dict[Any, Any] = loaded
    stages: Any = top.get("stages", {}) if "schema" in top else top
    if not isinstance(stages, dict):
        raise InvalidDocument("'stages' is not a mapping")
    entries: dict[Any, Any] = stages
    return [
        _stage(str(name), cast("dict[str, Any]", entry), namespace, kinds, code)
        for name, entry in entries.items()
        if isinstance(entry, dict)
    ]


class _Loader(yaml.SafeLoader):
    """Builds plain values, and no aliases: ten nested ones are a gigabyte."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse an alias; DVC writes none."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def _stage(
    name: str, entry: dict[str, Any], namespace: str, kinds: Kinds, code: Code | None
) -> Stage:
    notes = Notes()
    job_name = names.identifier(name, notes)
    job_namespace = names.identifier(namespace, notes)
    if job_name is None or job_namespace is None:
        raise InvalidDocument("a stage has no name, or the namespace is empty")
    text = json.dumps([namespace, name, entry], sort_keys=True, default=str).encode()
    node = Node(entry, notes)
    command = _command(entry.get("cmd"))
    event = RunEvent(
        state=RunState.COMPLETE,
        inputs=tuple(_uses(node, "deps", job_namespace, kinds)),
        outputs=tuple(_uses(node, "outs", job_namespace, kinds)),
        parameters=names.once(_parameters(node.node("params"))),
        code=_with_command(code, command),
    )
    run_id = uuid.uuid5(_RUNS, hashlib.sha256(text).hexdigest())
    return Stage(name, text, Job(namespace=job_namespace, name=job_name), str(run_id), event)


def _uses(stage: Node, key: str, namespace: str, kinds: Kinds) -> Iterator[ArtifactUse]:
    for item in stage.nodes(key):
        name = names.identifier(item.text("path"), item.notes)
        if name is None:
            continue
        algorithm = next((each for each in _HASHES if item.text(each) is not None), None)
        value = None if algorithm is None else item.text(algorithm)
        yield ArtifactUse(
            artifact=Artifact(
                kind=names.kind_of(namespace, name, kinds),
                namespace=namespace,
                name=name,
                version=names.version(value, item.notes),
            ),
            size_bytes=item.whole("size"),
            reported_digest=None if value is None else fit(f"{algorithm}:{value}"),
        )


def _parameters(params: Node) -> Iterator[Pair]:
    for file, values in sorted(params.value.items()):
        if isinstance(values, Mapping):
            for key, value in sorted(cast("Mapping[str, Any]", values).items(), key=str):
                name = names.identifier(f"{file}:{key}", params.notes)
                if name is not None:
                    yield Pair(key=name, value=to_text(value))


def _command(command: Any) -> str | None:
    """Return what the stage runs, without secrets; a list is run one after the other."""
    parts: list[Any] = command if isinstance(command, list) else [command]
    shown = [_redacted(part) for part in parts if isinstance(part, str)]
    return fit(" && ".join(shown)) if shown else None


def _redacted(command: str) -> str:
    try:
        return redact_command(shlex.split(command))
    except ValueError:  # no closing quotation
        return redact_text(command)


def _with_command(code: Code | None, command: str | None) -> Code | None:
    if code is None:
        return None if command is None else Code(entry_point=command)
    return Code(
        repository=code.repository, commit=code.commit, dirty=code.dirty, entry_point=command
    )
