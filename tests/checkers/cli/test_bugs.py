"""`zab bugs`, and runs of ZAB 1.0 as they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from golden import assert_golden
from places import TRACES
from zabcheck.cli import bugs, check
from zabcheck.cli import main as cli
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome, TraceStep, Verdict
from zabcheck.models.registry import Instance, build
from zabcheck.models.zab.catalogue.bugs import BUGS, BY_NAME
from zabcheck.models.zab.catalogue.published import NJU, PUBLISHED, REMIX
from zabcheck.models.zab.words import ZabWords
from zabcheck.report.happenings import happenings
from zabcheck.report.picture import picture
from zabcheck.traces.files import load
from zabcheck.traces.replay import ending, replay
from zabspec.histories import ZERO, Txn, Zxid
from zabspec.zab.state import (
    Ack,
    AckEpoch,
    Commit,
    Diff,
    FollowerInfo,
    LeaderInfo,
    Message,
    NewLeader,
    Proposal,
    Snap,
    Trunc,
    UpToDate,
)

KEPT = TRACES / "zookeeper"
EASY = "ZOOKEEPER-3911"

CLOSING = {
    "follower_notices",
    "follower_times_out",
    "follower_processes_leaderinfo",
    "leader_drops_follower",
    "leader_gives_up",
    "leader_notices",
    "leader_processes_ackepoch",
    "server_restarts",
}

Zab = Callable[..., tuple[int, str, str]]


@pytest.fixture
def zab(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zab:
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def nothing_found(outcome: Outcome, note: str = "") -> Callable[..., Verdict]:
    def found(*_: object) -> Verdict:
        return Verdict(outcome, Counts(12, 34, 5), note=note)

    return found


def test_every_bug_is_listed_with_its_story_and_what_catches_it(zab: Zab) -> None:
    code, out, _ = zab("bugs")
    assert code == 0
    told = " ".join(out.split())
    for bug in BUGS:
        assert f"{bug.name}: caught by {bug.caught_by} {bug.story}" in told


def test_a_bug_is_found_told_drawn_and_set_beside_what_is_published(zab: Zab, tmp_path: Path) -> None:
    code, out, _ = zab("bugs", EASY)
    assert code == 0
    assert " ".join(BY_NAME[EASY].story.split()) in " ".join(out.split())
    assert "NEWLEADER: writes the" in out
    assert "✗ committed_is_kept is violated, at server 0" in out
    assert f"FOUND: {EASY}; zab, 3 servers, 2 transactions, no timeouts, 1 restart" in out
    assert "committed_is_kept is violated after 15 steps, and no shorter run does it" in out
    assert "published for TLC: 42 s, 286,286 states, depth 14, leaderLogCompleteness" in out
    assert list(tmp_path.iterdir()) == []


def test_a_bug_is_found_by_the_number_of_its_issue(zab: Zab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bugs, "search", nothing_found(Outcome.PASSED))
    for name in ("3911", "zookeeper-3911", EASY):
        assert zab("bugs", name)[1].startswith(f"{EASY}\n")


def test_what_is_found_is_what_is_kept(zab: Zab, tmp_path: Path) -> None:
    code, out, _ = zab("bugs", EASY, "--traces", "found")
    assert code == 0
    [path] = (tmp_path / "found").iterdir()
    assert f"kept as found/{path.name}" in out
    assert path.read_bytes() == (KEPT / path.name).read_bytes()


def test_all_are_found_in_one_table(zab: Zab, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = tuple(BY_NAME[name] for name in (EASY, "ZOOKEEPER-4685"))
    monkeypatch.setattr(bugs, "BUGS", quick)
    code, out, _ = zab("bugs", "--all")
    assert code == 0
    heading, *rows, _, last = out.splitlines()
    assert heading.split() == ["bug", "found", "by", "steps", "states", "time", "TLC's", "time"]
    assert f"{EASY} committed_is_kept 15 " in " ".join(out.split())
    assert "ZOOKEEPER-4685 first_acknowledgement_is_of_newleader 14 " in " ".join(out.split())
    assert rows[-1].endswith("  10 s")
    assert last == "2 of 2 bugs found"


@pytest.mark.parametrize(
    ("outcome", "code", "heading"),
    [(Outcome.PASSED, 1, "NOT FOUND"), (Outcome.OUT_OF_BUDGET, 2, "OUT OF BUDGET")],
)
@pytest.mark.parametrize("all_of_them", [False, True])
def test_a_bug_that_is_not_found_is_no_success(
    zab: Zab, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, code: int, heading: str, all_of_them: bool
) -> None:
    monkeypatch.setattr(bugs, "search", nothing_found(outcome, "interrupted"))
    ended, out, _ = zab("bugs", "--all" if all_of_them else EASY)
    assert ended == code
    if all_of_them:
        assert f"0 of {len(BUGS)} bugs found" in out
        assert out.count("NOT BY") == (len(BUGS) if code == 1 else 0)
        assert (f"INTERRUPTED: {len(BUGS)} of {len(BUGS)} bugs not run" in out) is (code == 2)
    else:
        assert f"{heading}: {EASY}; zab, 3 servers" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "zab bugs: no bug 'nothing': `zab bugs` lists them"),
        (["3912"], "zab bugs: no bug 'ZOOKEEPER-3912': did you mean ZOOKEEPER-3911?"),
        (["335"], "zab bugs: ZOOKEEPER-335 is found as a mutant: see `zab mutants promise-lost`"),
        (["ZOOKEEPER-582"], "zab bugs: ZOOKEEPER-582 is not found here: see `zab bugs --history`"),
        ([EASY, "--all"], f"zab bugs: --all, or {EASY}, but not both"),
        ([EASY, "--traces", "/dev/null/here"], "/dev/null/here: a trace cannot be written there"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(zab: Zab, arguments: list[str], said: str) -> None:
    code, out, err = zab("bugs", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_figures_are_of_bugs_that_there_are() -> None:
    assert set(PUBLISHED) <= set(BY_NAME)
    for figures in PUBLISHED.values():
        sources = [each.source for each in figures]
        assert sources == sorted(set(sources), key=[NJU, REMIX].index)


def test_a_kept_run_of_a_bug_is_replayed(zab: Zab) -> None:
    code, out, _ = zab("replay", str(KEPT / f"zab-{EASY}-committed_is_kept.itf.json"), "--no-picture")
    assert code == 0
    assert "all 15 steps are the same with today's spec" in out
    assert "as expected: committed_is_kept is violated" in out


def test_zab_is_checked_within_bounds_that_are_told(zab: Zab) -> None:
    code, out, _ = zab("check", "zab", "--servers", "2", "--transactions", "1", "--timeouts", "0")
    assert code == 0
    assert out.startswith("PASSED: zab, 2 servers, 1 transaction, no timeouts, no restarts, 3 epochs")


def test_a_bug_put_in_brings_its_bounds(zab: Zab) -> None:
    code, out, _ = zab("check", "zab", "--mutant", EASY, "--property", "committed_is_kept")
    assert code == 1
    bounds = "3 servers, 2 transactions, no timeouts, 1 restart, 3 epochs"
    assert f"VIOLATED: zab, {bounds}, mutant {EASY}" in " ".join(out.split())


def test_a_bug_of_one_spec_is_none_of_another(zab: Zab) -> None:
    code, _, err = zab("check", "paper", "--mutant", EASY)
    assert code == 2
    assert f"no mutant '{EASY}'" in err


# Drawing.


def test_a_run_of_zab_is_drawn_as_it_always_was() -> None:
    instance = Instance("zab", BY_NAME[EASY].bounds, mutant=EASY, properties=("committed_is_kept",))
    model = build(instance)
    trace = search(model, Options()).trace
    assert trace is not None
    result = replay(model, trace, check.Expect.VIOLATED)
    assert_golden("spacetime-zab.txt", picture(trace, ending(result)))
    assert picture(trace, ascii_only=True).replace("->", "").isascii()


@pytest.mark.parametrize("path", sorted(KEPT.iterdir()), ids=lambda path: path.name)
def test_what_is_taken_is_an_arrow_and_only_a_connection_that_closes_loses(
    path: Path,
) -> None:
    trace = load(path).trace
    happened, _ = happenings(trace, ZabWords())
    assert [each.step.action for each in happened if each.lost and each.step.action not in CLOSING] == []
    drawn = picture(trace)
    assert drawn.count("▶●") + drawn.count("●◀") == sum(each.received is not None for each in happened)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (FollowerInfo(1), "FOLLOWERINFO 1"),
        (LeaderInfo(2), "LEADERINFO 2"),
        (AckEpoch(1, Zxid(1, 2)), "ACKEPOCH 1, 1.2"),
        (AckEpoch(None, ZERO), "ACKEPOCH again, 0.0"),
        (Diff(), "DIFF"),
        (Trunc(Zxid(1, 1)), "TRUNC 1.1"),
        (Snap((Txn(Zxid(1, 1), 0),), Zxid(1, 1)), "SNAP 1.1"),
        (Proposal(Txn(Zxid(1, 2), 0)), "PROPOSAL 1.2"),
        (Commit(Zxid(1, 2)), "COMMIT 1.2"),
        (NewLeader(2), "NEWLEADER 2"),
        (UpToDate(), "UPTODATE"),
        (Ack(Zxid(1, 2)), "ACK 1.2"),
        (Ack(Zxid(2, 0)), "ACK of NEWLEADER 2"),
    ],
)
def test_messages_have_their_names_in_zookeeper(message: Message, words: str) -> None:
    assert ZabWords().message(message) == words


@pytest.mark.parametrize(
    ("step", "is_seen", "words"),
    [
        (TraceStep("server_restarts", (1, 0), None), False, ["crashes and restarts"]),
        (TraceStep("server_restarts", (1, 2), None), False, ["crashes, keeps 2 that waited"]),
        (TraceStep("follower_notices", (1, 0), None), True, ["notices: 0 has closed"]),
        (TraceStep("leader_processes_ack", (0, 1), None), True, []),
        (TraceStep("leader_gives_up", (0,), None), False, ["gives up"]),
        (TraceStep("server_is_elected", (0,), None), False, ["server is elected"]),
    ],
)
def test_deeds_are_told_where_they_are_not_seen(step: TraceStep, is_seen: bool, words: list[str]) -> None:
    assert ZabWords().deed(step, is_seen=is_seen) == words
