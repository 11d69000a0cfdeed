"""Models in files of users on the command line: what is explored, kept and replayed, and what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from page import without_times
from zabcheck.cli import main as cli
from zabcheck.cli.spec_file import PREFIX
from zabcheck.explorer.fast import workers

SPEC = '''
"""Processes wait for a lock."""

from dataclasses import dataclass
from enum import IntEnum

from zabcheck.explorer import assume, model_of
from zabspec.parts import Row, Sid, replace

class Phase(IntEnum):
    IDLE = 0
    WAITING = 1
    HOLDING = 2

@dataclass(frozen=True)
class State:
    phases: Row[Phase]

def process_waits(state: State, process: Sid) -> State | None:
    """A process asks for the lock."""
    if state.phases[process] != Phase.IDLE:
        return None
    return replace(state, phases=state.phases.put(process, Phase.WAITING))

def process_gets_lock(state: State, process: Sid) -> State | None:
    """A process that waits gets the lock."""
    if state.phases[process] != Phase.WAITING or Phase.HOLDING in tuple(state.phases):
        return None
    return replace(state, phases=state.phases.put(process, Phase.HOLDING))

def process_takes_lock(state: State, process: Sid) -> State | None:
    """A process that waits takes the lock, whoever holds it."""
    if state.phases[process] != Phase.WAITING:
        return None
    return replace(state, phases=state.phases.put(process, Phase.HOLDING))

def process_gives_back(state: State, process: Sid) -> State | None:
    """A process gives the lock back."""
    if state.phases[process] != Phase.HOLDING:
        return None
    return replace(state, phases=state.phases.put(process, Phase.IDLE))

def one_holder(state: State, one: Sid, other: Sid) -> bool:
    """Two processes never hold the lock."""
    return not (state.phases[one] == state.phases[other] == Phase.HOLDING)

def lock_is_held(state: State, process: Sid) -> bool:
    """A process holds the lock."""
    return state.phases[process] == Phase.HOLDING

def process_holds(state: State, process: Sid) -> bool:
    """A process that waits holds the lock in the end."""
    return state.phases[process] != Phase.WAITING

def model(processes: int = 3, greedy: bool = False, strong: str = "yes"):
    gets = process_takes_lock if greedy else process_gets_lock
    return model_of(
        "lock",
        State(Row([Phase.IDLE] * processes)),
        [process_waits, gets, process_gives_back],
        processes=processes,
        always=[one_holder],
        sometimes=[lock_is_held],
        eventually=[process_holds],
        fairness=assume(weak=[process_gives_back], strong=[gets] if strong == "yes" else []),
        symmetry=True,
    )

pair = model(2)
'''


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """What was printed, in one line."""
        return " ".join(self.out.split())


Zab = Callable[..., Ran]


@pytest.fixture
def zab(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zab]:
    """Runs the command in a folder with a spec in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "lock.py").write_text(SPEC, encoding="utf-8")

    def run(*arguments: str) -> Ran:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    yield run
    for name in [each for each in sys.modules if each.startswith(PREFIX)]:
        del sys.modules[name]


def test_a_model_in_a_file_is_explored(zab: Zab) -> None:
    done = zab("check", "lock.py")
    assert (done.code, done.err) == (0, "")
    assert done.words.startswith("PASSED: lock, 3 processes Every state within these bounds was explored: 7 ")
    assert "distinct states up to the names of the processes" in done.words
    assert "Held in every state: one_holder." in done.words


@pytest.mark.parametrize(
    ("options", "states"),
    [
        ((), 7),
        (("--symmetry",), 7),
        (("--no-symmetry",), 20),
        (("--search", "dfs"), 7),
        (("--workers", "2"), 7),
        (("--set", "processes=4"), 9),
        (("--property", "one_holder"), 7),
    ],
)
def test_options_are_those_of_our_own_specs(zab: Zab, options: tuple[str, ...], states: int) -> None:
    done = zab("check", "lock.py", *options)
    assert done.code == 0
    assert f"explored: {states} distinct states" in done.words


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--set", "greedy=true"), 1)])
def test_workers_explore_a_file_too(
    zab: Zab, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], code: int
) -> None:
    alone = zab("check", "lock.py", "--no-symmetry", *options)
    monkeypatch.setattr(workers, "FORK_FROM", 2)
    started: list[int] = []
    start = workers.started

    def noted(*arguments: Any) -> Any:
        started.append(arguments[-1])
        return start(*arguments)

    monkeypatch.setattr("zabcheck.explorer.fast.explore.started", noted)
    together = zab("check", "lock.py", "--no-symmetry", "--workers", "2", *options)
    assert (alone.code, together.code, started) == (code, code, [2])
    assert without_times(together.out) == without_times(alone.out)


def test_a_file_may_have_several_models(zab: Zab) -> None:
    done = zab("check", "lock.py:pair")
    assert (done.code, done.out.split("\n")[0]) == (0, "PASSED: lock, 2 processes")


def test_out_of_budget_is_no_pass(zab: Zab) -> None:
    done = zab("check", "lock.py", "--max-states", "3")
    assert done.code == 2
    assert done.out.startswith("OUT OF BUDGET: lock, 3 processes")


def test_random_walks_find_nothing(zab: Zab) -> None:
    assert zab("check", "lock.py", "--search", "walk", "--walks", "5", "--max-depth", "9").code == 2


def test_a_violation_is_drawn_kept_and_replayed(zab: Zab, tmp_path: Path) -> None:
    done = zab("check", "lock.py", "--set", "greedy=true")
    assert done.code == 1
    assert "   4  process_takes_lock(1)\n        phases[1]: WAITING → HOLDING\n" in done.out
    assert "✗ one_holder is violated, at process 0 and process 1\n" in done.out
    assert "VIOLATED: lock, 3 processes, greedy=true\n" in done.out
    assert "kept as traces/lock-one_holder.itf.json" in done.out
    again = zab("replay", "traces/lock-one_holder.itf.json")
    assert (again.code, again.err) == (0, "")
    assert "as expected: one_holder is violated" in again.out
    correct = SPEC.replace("greedy: bool = False", "greedy: bool = True").replace(
        "if greedy else", "if not greedy else"
    )
    (tmp_path / "lock.py").write_text(correct, encoding="utf-8")
    mended = zab("replay", "traces/lock-one_holder.itf.json")
    assert mended.code == 1
    assert "there is no action 'process_takes_lock' today" in mended.words


def test_a_sometimes_is_reached_and_replayed(zab: Zab) -> None:
    done = zab("reach", "lock_is_held", "lock.py", "--set", "processes=2")
    assert done.code == 0
    assert "REACHED: lock, 2 processes" in done.out
    again = zab("replay", "traces/lock-lock_is_held.itf.json")
    assert again.code == 0
    assert "as expected: lock_is_held is reached" in again.out


def test_liveness_is_checked_and_replayed(zab: Zab) -> None:
    assert zab("liveness", "lock.py").out.startswith("PASSED: lock, 3 processes")
    done = zab("liveness", "lock.py", "--set", "strong=no", "--property", "process_holds")
    assert done.code == 1
    assert "process_holds is violated by a fair run, with processes 0, 1, 2 up, for process 0" in done.words
    again = zab("replay", "traces/lock-process_holds.itf.json")
    assert again.code == 0
    assert "as expected: process_holds is violated" in again.out


def test_a_trace_says_which_file_is_missing(zab: Zab, tmp_path: Path) -> None:
    zab("check", "lock.py", "--set", "greedy=true")
    (tmp_path / "lock.py").unlink()
    done = zab("replay", "traces/lock-one_holder.itf.json")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "traces/lock-one_holder.itf.json: #meta.zabkit.settings: lock.py: no such file" in done.err


def test_a_file_imports_its_neighbours(zab: Zab, tmp_path: Path) -> None:
    (tmp_path / "lock.py").rename(tmp_path / "shared_lock.py")
    (tmp_path / "other.py").write_text("from shared_lock import model\n", encoding="utf-8")
    assert zab("check", "other.py").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("check nowhere.py", "nowhere.py: no such file"),
        ("check no/where", "no/where: no such file"),
        ("check ./", ".: not a file"),
        ("reach lock_is_held nowhere.py", "nowhere.py: no such file"),
        ("liveness nowhere.py", "nowhere.py: no such file"),
        ("check ./lock.txt", "lock.txt: not a Python file: its name must end in .py"),
        (
            "check lock.py:colour",
            "lock.py: defines no 'colour': write a Model, or a function that returns one",
        ),
        ("check lock.py:colour", "of this name; it has pair"),
        ("check lock.py:Phase", "lock.py: defines no 'Phase'"),
        ("check lock.py:one_holder --set state=1 --set one=1 --set other=2", "lock.py: line "),
        ("check lock.py --set processes", "--set processes: not of the form NAME=VALUE"),
        ("check lock.py --set processes=two", "lock.py: --set processes=two: not a whole number"),
        ("check lock.py --set greedy=yes", "lock.py: --set greedy=yes: not true or false"),
        ("check lock.py --set greedy=true --set greedy=false", "--set greedy: given twice"),
        (
            "check lock.py --set size=3",
            "lock.py: no parameter 'size' to set: the model is model(processes, greedy, strong)",
        ),
        ("check lock.py:pair --set processes=3", "lock.py: pair is not a function"),
        ("check lock.py --set processes=0", "lock: 0 processes: at least 1 is needed"),
        ("check lock.py --set processes=8", "8 processes: at most 7 with symmetry; add --no-symmetry"),
        ("check lock.py --servers 3", "--servers is not for a model in a file: use --set NAME=VALUE"),
        ("check lock.py --mutant phase-not-changed", "--mutant is not for a model in a file"),
        ("check lock.py --reduce", "--reduce: it is not known which steps commute in lock"),
        ("check lock.py --property colour", "no property 'colour' of lock: one of one_holder, lock_is_held"),
        ("check paper --set servers=3", "--set is for a model in a file, not for the spec 'paper'"),
        ("reach one_holder lock.py", "no SOMETIMES 'one_holder': one of lock_is_held"),
        ("liveness lock.py --property one_holder", "no property 'one_holder' of lock: one of process_holds"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(
    zab: Zab, tmp_path: Path, arguments: str, said: str
) -> None:
    (tmp_path / "lock.txt").write_text(SPEC, encoding="utf-8")
    done = zab(*arguments.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert done.err.startswith("zab")
    assert said in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def model(:\n", "spec.py: line 1: invalid syntax"),
        ("\n\nimport nothing_of_this_name\n", "spec.py: line 3: ModuleNotFoundError: No module named"),
        ("def f():\n    raise OSError\n\nf()\n", "spec.py: line 2: OSError"),
        ("raise SystemExit(3)\n", "spec.py: line 1: SystemExit: 3"),
        ("def model():\n    return 1 // 0\n", "spec.py: line 2: ZeroDivisionError: integer division"),
        ("def model():\n    return None\n", "spec.py: model() returns a NoneType, and not a Model"),
        ("def model(size):\n    return None\n", "spec.py: model(size) has no default for 'size'"),
        ("def model(size=1.5):\n    return None\n", "'size' is neither a whole number, a bool nor a text"),
        ("def model():\n    raise ValueError('one\\ntwo')\n", "spec.py: line 2: ValueError: one two"),
        ("", "spec.py: defines no 'model'"),
        ("model = 3\n", "spec.py: defines no 'model'"),
        ("\0", "spec.py: "),
        (
            "from zabcheck.explorer import model_of\nmodel = model_of('m', 0, [], processes=1)\n",
            "spec.py: line 2: m: no action can be taken",
        ),
    ],
)
def test_a_file_with_a_mistake_is_told_in_one_line(zab: Zab, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "spec.py").write_text(text, encoding="utf-8")
    done = zab("check", "spec.py")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert said in done.err
