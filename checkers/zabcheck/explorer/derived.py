"""Functions of a state whose values the explorer keeps."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def derived(function: Callable[..., Any]) -> Callable[..., Any]:
    """Lets the explorer keep the values of a function of a state, and of plain arguments, as a column.

    This pays off for what a property works out from much of the state with few different results. The
    function is called with a whole state, never with a part or a changed copy of one. Outside of the
    explorer's fast search, the function does what it did without this decorator.
    """

    @wraps(function)
    def call(state: Any, *arguments: Any) -> Any:
        derive = getattr(
            type(state), "explorer_derives", None
        )  # stand-ins alone have it: see `fast.recording`
        return function(state, *arguments) if derive is None else derive(state, function, arguments)

    return call
