"""Runs are saved, loaded, replayed and shrunk; and the state of the spec that a run stands for."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import places
from zabcheck.cli import main as cli
from zabcheck.simulation import guarantees, reconfigurations
from zabcheck.simulation.events import ARGUMENTS, Event
from zabcheck.simulation.files import Expect, RunFile, load, save, to_text
from zabcheck.simulation.mistakes import planted
from zabcheck.simulation.replaying import replayed
from zabcheck.simulation.run import Run
from zabcheck.simulation.setting import Setting
from zabcheck.simulation.shrinking import shrunk
from zabspec.histories import Zxid
from zabspec.parts import Sid
from zabspec.phases import Phase
from zabspec.zab.state import Proposal, Role

FOLDER = places.TRACES / "ensemble"
ALONE = Setting(mistake="commits-alone")
STORY: tuple[Event, ...] = (
    ("calm", 20_000),
    ("connect", 0, 3),
    ("tick", 100),
    ("settle",),
    ("ask", 0, "set", 1),
    ("sync", 3),
    ("heal",),
)
"""Server 3 leads, and commits what only server 3 has on disk, if it makes the mistake."""


def test_a_run_is_saved_and_loaded(tmp_path: Path) -> None:
    file = RunFile(ALONE, "committed_is_kept", Expect.VIOLATED, STORY[:-1])
    path = save(file, tmp_path)
    assert path.name == "ensemble-commits-alone-committed_is_kept.run.json"
    assert load(path) == file
    assert save(file, tmp_path) == path
    other = save(replace(file, events=STORY[:3]), tmp_path)
    assert other.name.endswith("-2.run.json")
    assert load(path) == file


def test_a_run_is_replayed_and_shrunk() -> None:
    again = replayed(ALONE, STORY)
    assert again.violation is not None
    assert again.violation.property == "committed_is_kept"
    short = shrunk(ALONE, STORY)
    assert [event for event, _ in replayed(ALONE, short).events] == list(short)
    for left_out in range(len(short)):
        fewer = replayed(ALONE, (*short[:left_out], *short[left_out + 1 :])).violation
        assert fewer is None or fewer.property != "committed_is_kept"
    with pytest.raises(ValueError, match="violates no property"):
        shrunk(Setting(), STORY)


def test_a_mistake_ends_with_its_context() -> None:
    with pytest.raises(ValueError, match="no mistake is called 'none'"), planted("none"):
        pass
    assert replayed(ALONE, STORY).violation is not None
    assert replayed(Setting(), STORY).violation is None


def test_zab_replay_replays_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = save(RunFile(ALONE, "committed_is_kept", Expect.VIOLATED, STORY), tmp_path)
    assert cli.main(["replay", str(kept)]) == 0
    out = capsys.readouterr().out
    assert "ask 0 set 1" in out
    assert "committed_is_kept is violated" in out
    assert "as the file says" in out
    assert cli.main(["replay", "--no-picture", str(kept)]) == 0
    assert "ask 0 set 1" not in capsys.readouterr().out
    right = save(RunFile(Setting(), "committed_is_kept", Expect.VIOLATED, STORY), tmp_path)
    assert cli.main(["replay", str(right)]) == 1
    assert "NOT as the file says" in capsys.readouterr().out
    corrected = save(RunFile(Setting(), "traffic_ends", Expect.PASSED, STORY), tmp_path)
    assert cli.main(["replay", str(corrected)]) == 0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"version": 2}, "version 2"),
        ({"expect": "LOST"}, "expect"),
        ({"events": 1}, "events"),
        ({"events": [["explode"]]}, "events[0]: not one of"),
        ({"events": [["calm", 1], [["calm"]]]}, "events[1]: not one of"),
        ({"events": [["calm"]]}, "events[0]: calm takes number"),
        ({"events": [["crash", 4]]}, "events[0]: crash: 4 is no member"),
        ({"events": [["crash", True]]}, "crash: True is no member"),
        ({"events": [["calm", 10**9]]}, "is no number"),
        ({"events": [["ask", 0, "kill", 1]]}, "'kill' is no request"),
        ({"events": [["ask", 0, ["set"], 1]]}, "is no request"),
        ({"setting": {}}, "setting is not"),
        ({"setting": Setting(voters=0).as_json()}, "0 voters"),
        ({"setting": Setting(mistake="none").as_json()}, "no mistake is called 'none'"),
        ({"setting": {**Setting().as_json(), "history": "5"}}, "setting.history"),
        ({"more": 1}, "not an object of"),
    ],
)
def test_a_damaged_file_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], named: str
) -> None:
    document = json.loads(to_text(RunFile(Setting(), "x", Expect.PASSED, STORY)))
    path = tmp_path / "some.run.json"
    path.write_text(json.dumps(document | changes))
    assert cli.main(["replay", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert named in told.err
    assert str(path) in told.err


@pytest.mark.parametrize(("text", "named"), [("{", "not JSON"), (None, "No such file")])
def test_an_unreadable_file_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, named: str
) -> None:
    path = tmp_path / "some.run.json"
    if text is not None:
        path.write_text(text)
    assert cli.main(["replay", str(path)]) == 2
    assert named in capsys.readouterr().err


def test_every_event_is_a_method() -> None:
    assert all(callable(getattr(Run, name)) for name in ARGUMENTS)


# The mapping.


def begun() -> Run:
    run = Run(Setting())
    for event in STORY[:4]:
        run.do(event)
    return run


def test_the_state_of_the_spec_is_that_of_the_cores() -> None:
    run = begun()
    state = run.mapper.state
    leader, follower = state.servers[2], state.servers[0]
    assert (leader.role, leader.phase, leader.current_epoch) == (Role.LEADING, Phase.BROADCAST, 1)
    assert (follower.role, follower.phase, follower.leader) == (Role.FOLLOWING, Phase.BROADCAST, 2)
    assert [txn.zxid for txn in leader.tree] == [Zxid(1, 1)]
    assert all(server.tree == server.log == leader.tree for server in state.servers)
    assert all(message is None for row in state.network for message in [queue.head for queue in row])


def test_a_message_that_has_arrived_in_part_is_in_flight() -> None:
    run = begun()
    run.do(("ask", 0, "set", 1))
    head = run.mapper.state.network[2][0].head
    assert isinstance(head, Proposal)
    assert head.txn.zxid == Zxid(1, 2)
    run.do(("chunk", 3, 1, 7))
    assert run.mapper.state.network[2][0].head == head
    assert run.mapper.state.servers[0].unsynced == ()
    run.do(("chunk", 3, 1))
    assert run.mapper.state.network[2][0].head is None
    assert run.mapper.state.servers[0].unsynced == (head.txn,)


def test_unsynced_entries_are_lost_but_for_the_first_few() -> None:
    run = begun()
    run.do(("ask", 0, "set", 1))
    run.do(("ask", 0, "set", 2))
    assert len(run.mapper.state.servers[2].unsynced) == 2
    run.do(("crash", 3, 1))
    assert run.mapper.state.servers[2].unsynced == ()
    assert [txn.zxid for txn in run.mapper.state.servers[2].tree] == [Zxid(1, 1), Zxid(1, 2)]


def test_two_isolated_sides_are_a_cut() -> None:
    run = begun()
    run.do(("isolate", 2))
    assert run.mapper.state.cut == {Sid(1)}
    run.do(("block", 1, 3))
    assert run.mapper.state.cut == frozenset()


def test_random_runs_are_the_same_in_every_process(same_output: Callable[[str], str]) -> None:
    told = same_output(
        "from random import Random\n"
        "from zabcheck.simulation.choosing import setting, walk\n"
        "from zabcheck.simulation.run import Run\n"
        "random = Random(1)\n"
        "run = Run(setting(random))\n"
        "walk(run, random, 120)\n"
        "print(run.events, run.seen, run.mapper.state)\n"
    )
    assert "learner_gets" in told


# The properties of whole runs.


@pytest.mark.parametrize("module", [guarantees, reconfigurations], ids=lambda module: module.__name__)
def test_a_module_lists_the_properties_that_it_checks(module: ModuleType) -> None:
    listed = re.findall(r"^([a-z]+(?:_[a-z]+)+)  ", module.__doc__ or "", re.MULTILINE)
    checked = re.findall(r'(?:Violation|_check_quorums)\(\s*"(\w+)"', inspect.getsource(module))
    assert set(listed) == set(checked)
    assert len(listed) == len(set(listed))
