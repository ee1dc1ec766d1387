"""Wraps a function so that each call is a run."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from lineseal.producers.run import Run
from lineseal.schemas.errors import ConfigurationError

P = ParamSpec("P")
R = TypeVar("R")


def in_run(open_run: Callable[[], Run], function: Callable[P, R]) -> Callable[P, R]:
    """Return *function* so that each call runs inside a run of its own.

    Coroutine functions and generators are in their run until they end, not only until the call
    returns.

    Raises:
        ConfigurationError: It is an asynchronous generator; open the run inside it.

    """
    if inspect.isasyncgenfunction(function):
        raise ConfigurationError("a step cannot be an asynchronous generator; use emitter.run")
    work = cast("Callable[..., Any]", function)

    async def call_coroutine(*args: Any, **kwargs: Any) -> Any:
        with open_run():
            return await work(*args, **kwargs)

    def call_generator(*args: Any, **kwargs: Any) -> Any:
        with open_run():
            return (yield from work(*args, **kwargs))

    def call(*args: Any, **kwargs: Any) -> Any:
        with open_run():
            return work(*args, **kwargs)

    wrapped: Callable[..., Any] = call
    if inspect.iscoroutinefunction(function):
        wrapped = call_coroutine
    elif inspect.isgeneratorfunction(function):
        wrapped = call_generator
    return cast("Callable[P, R]", functools.wraps(function)(wrapped))
