"""What is a question that both a command and a running service can answer? Name, parameters, code.

A command builds the parameters and calls ``cli.common.ask``; a service finds the question by its
name through the entry-point group ``lineseal.queries`` and runs the same code. So a new command
that asks needs one ``Question`` and one line in ``pyproject.toml``, and no plumbing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from types import UnionType
from typing import Any, Generic, TypeVar

import duckdb

from lineseal.commandline.output import Answer
from lineseal.schemas import errors
from lineseal.schemas.errors import LinesealError, NotFound, QueryError

QUESTION_GROUP = "lineseal.queries"
P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[P]):
    """Name a question and what answers it.

    Attributes:
        name: As in its entry point and in the address of the API.
        params: A frozen dataclass of text, numbers, booleans, None and lists of text.
        run: Answers on an open store; it only reads, and may be called from any thread.

    """

    name: str
    params: type[P]
    run: Callable[[duckdb.DuckDBPyConnection, P], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Hold an answer, and up to where the store had read the log when it was given."""

    answer: Answer
    positions: dict[str, int]


def answer_on(connection: duckdb.DuckDBPyConnection, question: Question[P], params: P) -> Told:
    """Answer on an open store, as of one moment, while others may write."""
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        answer = question.run(connection, params)
        rows = connection.execute("SELECT stream, next_position FROM position").fetchall()
    finally:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
    return Told(answer=answer, positions=dict(rows))


@lru_cache(maxsize=256)
def find_question(name: str) -> Question[Any] | None:
    """Load the question of that name, or None when there is none.

    Looked up once: reading what is installed takes longer than answering.
    """
    for entry in entry_points(group=QUESTION_GROUP, name=name):
        found: Question[Any] = entry.load()
        return found
    return None


def question_names() -> list[str]:
    """Return the names of all registered questions, sorted."""
    return sorted(entry.name for entry in entry_points(group=QUESTION_GROUP))


def params_to_json(params: Any) -> dict[str, Any]:
    """Return parameters as a JSON object."""
    return dataclasses.asdict(params)


def params_from_json(cls: type[P], data: object) -> P:
    """Make parameters of a JSON object that anybody may have written.

    Raises:
        QueryError: A name is unknown or missing, or a value has another type.

    """
    if not isinstance(data, dict):
        raise QueryError("parameters must be a JSON object")
    values = typing.cast("dict[str, Any]", data)
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise QueryError(f"there is no parameter {unknown[0]!r}")
    for name, value in values.items():
        if not _fits(value, hints[name]):
            raise QueryError(f"parameter {name!r} has the wrong type")
    try:
        return cls(**values)
    except TypeError as error:
        raise QueryError("a parameter is missing") from error


def _fits(value: object, hint: Any) -> bool:
    if typing.get_origin(hint) is list:
        # Lists are of text; an exact type here too.
        return type(value) is list and all(type(item) is str for item in typing.cast("Any", value))
    kinds: tuple[type, ...] = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if float in kinds and type(value) is int:
        return True
    # Exactly: True is an int to isinstance.
    return type(value) in kinds


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as the API carries it: every field by its name."""
    return {field.name: getattr(answer, field.name) for field in dataclasses.fields(answer)}


def answer_from_json(data: Mapping[str, Any]) -> Answer:
    """Make the answer again."""
    return Answer(**data)


def error_to_json(error: LinesealError) -> dict[str, Any]:
    """Return an error of ours as the API carries it."""
    candidates = list(error.candidates) if isinstance(error, NotFound) else []
    return {"code": error.code, "message": str(error), "candidates": candidates}


def error_from_json(data: Mapping[str, Any]) -> LinesealError:
    """Make the error again; one that this version does not know becomes a ``QueryError``."""
    cls = _errors().get(data["code"], QueryError)
    if issubclass(cls, NotFound):
        return cls(data["message"], tuple(data["candidates"]))
    return cls(data["message"])


def _errors() -> dict[str, type[LinesealError]]:
    """Return every error that a message alone can make, by its code."""
    return {
        cls.code: cls
        for cls in vars(errors).values()
        if isinstance(cls, type)
        and issubclass(cls, LinesealError)
        and not issubclass(cls, errors.LogGap)
    }
