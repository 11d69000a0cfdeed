"""Specs in files of users with a mistake: one line says what is wrong, and the exit code is 2."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zabcheck.cli import main as cli
from zabcheck.cli.spec_file import PREFIX

PAGE = Path(__file__).parents[3] / "docs" / "check-your-own.md"

SPEC = '''
from dataclasses import dataclass
from typing import Any

from zabcheck.explorer import assume, model_of
from zabspec.parts import Row, Sid, replace

@dataclass(frozen=True)
class State:
    holder: Sid | None
    waiting: Row[bool]

def process_waits(state: State, process: Sid) -> State | None:
    if state.waiting[process]:
        return None
    return replace(state, waiting=state.waiting.put(process, True))

def process_gets_lock(state: State, process: Sid) -> State | None:
    if state.holder is not None or not state.waiting[process]:
        return None
    return replace(state, holder=process)

def holder_waits(state: State, process: Sid) -> bool:
    """The holder of the lock has asked for it."""
    return state.holder != process or state.waiting[process]

def lock_is_held(state: State) -> bool:
    """Some process holds the lock."""
    return state.holder is not None

calls: list[int] = []

def model(symmetry: bool = True):
    return model_of(
        "lock",
        State(None, Row([False] * 3)),
        [process_waits, process_gets_lock],
        processes=3,
        always=[holder_waits],
        eventually=[lock_is_held],
        fairness=assume(weak=[process_waits, process_gets_lock]),
        symmetry=symmetry,
    )
'''

GETS = "    return replace(state, holder=process)\n"
HOLDS = "    return state.holder != process or state.waiting[process]\n"

MISTAKES = {
    "an action raises": (
        GETS,
        "    return replace(state, holder=process, owner=process)\n",
        "spec.py: line 21: action process_gets_lock(0) raised TypeError: ",
    ),
    "an action looks at a process that there is not": (
        GETS,
        "    return replace(state, holder=process) if state.waiting[process + 1] else None\n",
        "spec.py: line 21: action process_gets_lock(2) raised IndexError: tuple index out of range",
    ),
    "an action changes the state in place": (
        GETS,
        "    state.holder = process\n    return state\n",
        "spec.py: line 21: action process_gets_lock(0) raised FrozenInstanceError: cannot assign to field",
    ),
    "an action returns no state": (
        GETS,
        "    return True\n",
        "action process_gets_lock(0) returned True, which is neither a State nor None",
    ),
    "an action makes a list": (
        GETS,
        "    return replace(state, holder=[process])\n",
        "action process_gets_lock(0) returned a state in which holder is [0], a list: a state is made of",
    ),
    "an action makes a list of a row": (
        GETS,
        "    return replace(state, holder=process, waiting=list(state.waiting))\n",
        "action process_gets_lock(0) returned a state in which waiting is [True, False, False], a list",
    ),
    "a state is not frozen": (
        "@dataclass(frozen=True)",
        "@dataclass",
        "the state is a State, which is not frozen: write @dataclass(frozen=True)",
    ),
    "a state has a list": (
        "Row([False] * 3)",
        "[False] * 3",
        "waiting is [False, False, False], a list: a state is made of",
    ),
    "a state has a set": (
        "State(None, Row",
        "State({0}, Row",
        "holder is {0}, a set: a state is made of",
    ),
    "an action counts its calls": (
        GETS,
        "    calls.append(process)\n    return replace(state, holder=process) if len(calls) % 5 else None\n",
        "action process_gets_lock(",
    ),
    "an action does something else each time": (
        GETS,
        "    calls.append(process)\n    return replace(state, holder=Sid(len(calls) % 3))\n",
        "action process_gets_lock(",
    ),
    "a property returns no bool": (
        HOLDS,
        "    return state.holder\n",
        "property holder_waits(0) returned None, which is not a bool",
    ),
    "a property raises": (
        HOLDS,
        "    return state.holder.name\n",
        "spec.py: line 25: property holder_waits(0) raised AttributeError: ",
    ),
}

NUMBERS = {
    "an action has a favourite": (
        GETS,
        "    return replace(state, holder=process) if process == 0 else None\n",
        "action process_gets_lock(",
    ),
    "an action orders ids": (
        "    if state.holder is not None or not state.waiting[process]:",
        "    if state.holder is not None or any(not state.waiting[each] for each in range(process + 1)):",
        "action process_gets_lock(",
    ),
    "an action counts with ids": (
        GETS,
        "    return replace(state, holder=Sid((process + 1) % 3))\n",
        "action process_gets_lock(",
    ),
    "a property has a favourite": (
        HOLDS,
        "    return state.holder != process or process < 2\n",
        "property holder_waits(",
    ),
}

Refusal = Callable[..., str]


@pytest.fixture
def refusal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Refusal]:
    """Runs a command on the spec with one text in it replaced; returns the one line that it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(before: str, after: str, command: str, *options: str) -> str:
        assert SPEC.count(before) == 1
        (tmp_path / "spec.py").write_text(SPEC.replace(before, after), encoding="utf-8")
        assert cli.main([command, "spec.py", *options]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert captured.err.startswith(f"zab {command}: ")
        assert not (tmp_path / "traces").exists()
        return captured.err

    yield run
    sys.modules.pop(f"{PREFIX}spec", None)


@pytest.mark.parametrize(
    "options", [(), ("--set", "symmetry=false"), ("--search", "dfs"), ("--workers", "2")]
)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_told_in_one_line(refusal: Refusal, mistake: str, options: tuple[str, ...]) -> None:
    before, after, said = MISTAKES[mistake]
    assert said in refusal(before, after, "check", *options)


@pytest.mark.parametrize("options", [(), ("--search", "dfs")])
@pytest.mark.parametrize("row", ["3", "Row([True])", "Row([True] * 5)"])
def test_what_is_no_row_is_told_in_one_line(refusal: Refusal, row: str, options: tuple[str, ...]) -> None:
    after = GETS.replace("holder=process", f"holder=process, waiting={row}")
    assert "Row" in refusal(GETS, after, "check", *options)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_liveness_tells_an_action_s_mistake_too(refusal: Refusal, mistake: str) -> None:
    before, after, said = MISTAKES[mistake]
    if "property" not in said:  # those of `check` are not asked
        assert said in refusal(before, after, "liveness")


@pytest.mark.parametrize("mistake", ["an action counts its calls", "an action does something else each time"])
def test_what_is_no_function_is_named(refusal: Refusal, mistake: str) -> None:
    before, after, _ = MISTAKES[mistake]
    said = refusal(before, after, "check", "--no-symmetry")
    assert "is not a function of the state and its arguments" in said


@pytest.mark.parametrize("search", ["bfs", "dfs"])
@pytest.mark.parametrize("mistake", NUMBERS)
def test_ids_as_numbers_are_refused_under_symmetry(refusal: Refusal, mistake: str, search: str) -> None:
    before, after, name = NUMBERS[mistake]
    said = refusal(before, after, "check", "--search", search)
    assert f"{name}" in said
    assert "treats process ids as more than names" in said


def test_page_says_what_is_said(refusal: Refusal) -> None:
    """The phrases in the page's table of what is refused."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## What is refused\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [^|]+ \| (.+) \|$", section, flags=re.MULTILINE)[1:]
    phrases = [phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row)]
    assert len(rows) == 5
    said = [
        refusal(before, after, "check", *options)
        for before, after, _ in (MISTAKES | NUMBERS).values()
        for options in ((), ("--no-symmetry",))
        if not options or (before, after) not in [each[:2] for each in NUMBERS.values()]
    ]
    assert [phrase for phrase in phrases if not any(phrase in line for line in said)] == []


def test_spec_without_the_mistakes_passes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.py").write_text(SPEC, encoding="utf-8")
    assert cli.main(["check", "spec.py"]) == 0
    assert cli.main(["liveness", "spec.py"]) == 0
    assert capsys.readouterr().err == ""
