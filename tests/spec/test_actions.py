"""How actions are written in every spec: guards first, in the order of the paper, helpers named otherwise."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from zabspec import broadcast, fast_election, paper, service, zab, zab_elected

Action = Callable[..., Any]

SPECS = {
    "broadcast": broadcast.NEXT,
    "paper": paper.NEXT,
    "zab": (
        *zab.NEXT_LIVE,
        zab.server_is_elected_late,
        zab.server_leads_unelected,
        zab.learner_adopts_history,
    ),
    "fast_election": fast_election.NEXT,
    "zab_elected": zab_elected.NEXT,
    "service": service.NEXT,
}
ACTIONS = {f"{spec}.{action.__name__}": action for spec, actions in SPECS.items() for action in actions}

IN_ORDER = ("election", "discovery", "synchronization", "broadcast", "network", "faults", "partitions")
"""The modules of ZAB in the order of its phases, then what goes wrong."""

WHO = {action.__name__.partition("_")[0] for action in ACTIONS.values()} - {"earlier"}


def late_guards(source: str) -> list[str]:
    """Returns the lines of a function at which it is not enabled after it has changed the state."""
    [function] = ast.parse(dedent(source)).body
    changes = [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and any(isinstance(each, ast.Name) and each.id == "state" for each in node.targets)
    ]
    return [
        f"line {node.lineno}"
        for node in ast.walk(function)
        if isinstance(node, ast.Return)
        and isinstance(node.value, ast.Constant)
        and node.value.value is None
        and changes
        and node.lineno > min(changes)
    ]


@pytest.mark.parametrize("name", ACTIONS)
def test_guards_come_before_effects(name: str) -> None:
    assert late_guards(inspect.getsource(inspect.unwrap(ACTIONS[name]))) == []


def test_a_guard_after_an_effect_is_noticed() -> None:
    guard, effect = "    if state.x:\n        return None\n", "    state = changed(state)\n"
    assert late_guards(f"def act(state):\n{effect}{guard}    return state\n") == ["line 4"]
    assert not late_guards(f"def act(state):\n{guard}{effect}    return state\n")


@pytest.mark.parametrize("spec", ["paper", "zab"])
def test_next_is_in_the_order_of_the_paper(spec: str) -> None:
    actions = {"paper": paper.NEXT, "zab": zab.NEXT}[spec]
    places = [IN_ORDER.index(action.__module__.rpartition(".")[2]) for action in actions]
    assert places == sorted(places)


def helpers() -> Iterator[str]:
    """Yields the functions of the specs that give a state and are no actions."""
    actions = {action.__name__ for action in ACTIONS.values()}
    root = Path(paper.__file__).parent.parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or node.name in actions or node.returns is None:
                continue
            if re.search(r"\bState\b", ast.unparse(node.returns)):
                yield node.name


def test_helpers_are_not_named_like_actions() -> None:
    named = list(helpers())
    assert "with_server" in named
    assert [name for name in named if name.partition("_")[0] in WHO] == []
