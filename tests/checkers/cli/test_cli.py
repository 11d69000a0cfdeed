"""The `zab` command, in this process: what it prints, where, and its exit code."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from zabcheck.cli import check, mutants
from zabcheck.cli import main as cli
from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Counts, Outcome, Verdict
from zabcheck.models.registry import MUTANTS, Instance, build, from_settings
from zabcheck.report import verdict as report
from zabcheck.report.progress import EVERY, in_words, progress, seconds
from zabcheck.traces.files import SUFFIX, load
from zabspec.paper.liveness import EVENTUALLY
from zabspec.paper.state import Role, State

SMALL = ("--servers", "2", "--transactions", "1", "--timeouts", "0")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def zab(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ran:
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def broken(instance: Instance) -> Model:
    """The model with a property that does not hold: no server ever leads."""

    def nobody_leads(state: State, server: int) -> bool:
        return state.servers[server].role != Role.LEADING

    model = build(replace(instance, properties=("leader_is_established",)))
    claim = replace(model.sometimes[0], name="nobody_leads", predicate=nobody_leads, sentence="Nobody leads.")
    return replace(model, always=(claim,), sometimes=())


def test_what_was_proved_is_told_with_bounds_and_counts(zab, tmp_path: Path) -> None:
    done = zab("check", *SMALL)
    assert done.code == 0
    lines = " ".join(done.out.split())
    assert lines.startswith("PASSED: paper, 2 servers, 1 transaction, no timeouts, no restarts")
    assert "distinct states up to the names of the servers" in lines
    assert "Held in every state: prefix_consistency" in lines
    assert "Held on every step: " in lines
    assert "Reached, so the properties had a chance to fail: " in lines
    assert "A violation would be drawn here" in lines
    assert list(tmp_path.iterdir()) == []


def test_the_counts_do_not_depend_on_the_way(zab) -> None:
    def states(*options: str) -> str:
        out = zab("check", *SMALL, *options).out
        return out[: out.index(" distinct states")].split()[-1]

    assert states() == states("--search", "dfs") == states("--workers", "2")
    assert int(states("--no-symmetry")) > int(states())


def test_only_the_properties_asked_for_are_checked(zab) -> None:
    done = zab("check", *SMALL, "--property", "agreement", "--property", "leader_is_established")
    assert done.code == 0
    assert "Held in every state: agreement.\n" in done.out
    assert "On every step" not in done.out


def test_a_violation_is_drawn_kept_and_told(zab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "build", broken)
    done = zab("check", *SMALL, "--traces", "kept")
    assert done.code == 1
    assert "nobody_leads is violated after 1 step, and no shorter run does it." in done.out
    assert "✗ nobody_leads is violated, at server 0\n  Nobody leads.\n" in done.out
    (path,) = (tmp_path / "kept").iterdir()
    assert path.name == f"paper-nobody_leads{SUFFIX}"
    assert f"kept as kept/{path.name}" in done.out


def test_a_sometimes_that_is_never_reached_is_vacuous(zab) -> None:
    done = zab("check", *SMALL, "--property", "epoch_is_refused")
    assert done.code == 1
    assert done.out.startswith("VACUOUS: paper, 2 servers")
    assert "but epoch_is_refused was never reached" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--max-states", "10"], "10 states"),
        (["--max-depth", "3"], "more than 3 steps"),
        (["--search", "dfs", "--max-states", "10"], "10 states"),
        (["--search", "walk", "--walks", "3", "--seed", "7"], "3 walks of seed 7 found nothing wrong"),
        (["--max-seconds", "1e-9"], "seconds"),
    ],
)
def test_a_budget_that_runs_out_is_no_pass(zab, options: list[str], reason: str) -> None:
    done = zab("check", "--servers", "2", *options)
    assert done.code == 2
    assert done.out.startswith("OUT OF BUDGET: paper, 2 servers")
    assert "Undecided: " in done.out
    assert reason in " ".join(done.out.split())


def test_an_interrupt_ends_with_the_counts_so_far(zab, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Verdict:
        return Verdict(Outcome.OUT_OF_BUDGET, Counts(1234, 5678, 9, 10), note="interrupted")

    monkeypatch.setattr(check, "search", interrupted)
    done = zab("check", *SMALL)
    assert done.code == 2
    assert "Undecided: interrupted." in done.out
    assert "1,234 distinct states found so far (5,678 generated, depth 9, 10 still to go)" in " ".join(
        done.out.split()
    )


@pytest.mark.parametrize(
    ("raised", "line"),
    [(KeyboardInterrupt(), "zab: interrupted\n"), (MemoryError(), "zab: out of memory")],
)
def test_what_ends_the_program_early_is_one_line(
    zab, monkeypatch: pytest.MonkeyPatch, raised: BaseException, line: str
) -> None:
    def stopped(*_: object) -> Verdict:
        raise raised

    monkeypatch.setattr(check, "search", stopped)
    done = zab("check", *SMALL)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(line)


@pytest.mark.parametrize(
    ("arguments", "named", "choices"),
    [
        ("chekc", "'chekc'", "did you mean check?"),
        ("check paxos", "'paxos'", "paper"),
        ("check --servrs 3", "'--servrs'", "did you mean --servers?"),
        ("check --servers 0", "--servers: '0'", "at least 1"),
        ("check --servers three", "--servers: 'three'", "at least 1"),
        ("check --servers 8", "8 servers", "at most 7"),
        ("check --timeouts=-1", "--timeouts: '-1'", "at least 0"),
        ("check --max-seconds 0", "--max-seconds: '0'", "number of seconds"),
        ("check --max-seconds nan", "--max-seconds: 'nan'", "number of seconds"),
        ("check --search astar", "'astar'", "one of bfs, dfs, walk"),
        ("check --property colour", "'colour'", "`zab properties paper` lists them"),
        ("check --property agreements", "'agreements'", "did you mean agreement?"),
        ("check --mutant colour", "'colour'", "zab check --help"),
        ("check --mutant phase-changed", "'phase-changed'", "did you mean phase-not-changed?"),
        ("check --reduce --search dfs", "--reduce", "bfs"),
        ("check --reduce --mutant own-history", "--reduce", "mutant own-history"),
        ("check zab --reduce", "--reduce", "zab"),
        ("check --seed 1", "--seed", "walk"),
        ("check --traces file/traces", "file/traces", "file is not a directory"),
        ("reach", "NAME", ""),
        ("reach colour", "'colour'", "`zab properties paper` lists them"),
        ("reach agreement", "no SOMETIMES 'agreement'", "everyone_delivers"),
        ("reach everyone_delivers --traces file/traces", "file/traces", "file is not a directory"),
        ("replay nothing", "nothing", "No such file"),
        ("replay file", "file: line 1", "not JSON"),
        ("properties paxos", "'paxos'", "paper"),
        ("mutants colour", "'colour'", "`zab mutants --list` lists them"),
        ("mutants own-histry", "'own-histry'", "did you mean own-history"),
        ("--nonsense", "'--nonsense'", "--help, --version"),
        ("watches now", "too many arguments: now", ""),
        ("liveness --property agreement", "'agreement'", "leader_gets_established"),
        ("liveness --bookkeeping", "--bookkeeping", "zab check"),
    ],
)
def test_what_is_asked_wrongly_is_told_in_one_line(
    zab, tmp_path: Path, arguments: str, named: str, choices: str
) -> None:
    (tmp_path / "file").write_text("not a trace")
    done = zab(*arguments.split())
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert done.err.startswith("zab")
    assert named in done.err
    assert choices in done.err
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "not a trace"


def test_a_sometimes_is_reached_drawn_kept_and_replayed(zab, tmp_path: Path) -> None:
    done = zab("reach", "leader_is_established", *SMALL)
    assert done.code == 0
    assert "✓ leader_is_established is reached" in done.out
    (path,) = (tmp_path / "traces").iterdir()
    again = zab("replay", str(path))
    assert again.code == 0
    assert again.out.endswith("as expected: leader_is_established is reached\n")
    assert again.out.split("\n\n")[:2] == done.out.split("\n\n")[:2]
    assert "┃" not in zab("replay", "--no-picture", str(path)).out
    narrow = zab("replay", "--width", "60", str(path)).out.splitlines()
    assert max(map(len, narrow[: narrow.index("✓ leader_is_established is reached, at server 0")])) <= 60
    assert load(path).trace.settings == build(from_settings(load(path).trace.settings)).settings


def test_a_sometimes_out_of_bounds_or_budget_is_not_reached(zab, tmp_path: Path) -> None:
    done = zab("reach", "everyone_delivers", "--servers", "2", "--transactions", "0")
    assert done.code == 1
    assert done.out.startswith("NEVER REACHED: paper, 2 servers")
    done = zab("reach", "everyone_delivers", "--max-states", "5")
    assert done.code == 2
    assert done.out.startswith("OUT OF BUDGET: paper, 3 servers")
    assert list(tmp_path.iterdir()) == []


def test_a_trace_that_ends_otherwise_is_told(zab, tmp_path: Path) -> None:
    zab("reach", "leader_is_established", *SMALL)
    (path,) = (tmp_path / "traces").iterdir()
    path.write_text(path.read_text().replace('"REACHED"', '"VIOLATED"'))
    done = zab("replay", str(path))
    assert done.code == 1
    assert done.out.endswith("not as expected: the file says that leader_is_established is violated\n")


def test_liveness_is_checked_and_told(zab, tmp_path: Path) -> None:
    done = zab("liveness", *SMALL)
    assert done.code == 0
    lines = " ".join(done.out.split())
    assert lines.startswith("PASSED: paper, 2 servers, 1 transaction, no timeouts, no restarts")
    assert "leader_gets_established, proposal_is_delivered_by_quorum" in lines
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mutant", "asked", "ending"),
    [
        ("no_ack", "proposal_is_delivered_by_quorum", "↺ and so it stays for ever"),
        ("named_server_follows_itself", "leader_gets_established", "↺ and again from step 3"),
    ],
)
def test_a_run_without_end_is_drawn_kept_and_replayed(
    zab, tmp_path: Path, mutant: str, asked: str, ending: str
) -> None:
    done = zab("liveness", "--mutant", mutant, "--property", asked)
    assert done.code == 1
    assert ending in done.out.splitlines()
    assert f"{asked} is violated by a fair run, with servers 0, 1 up" in " ".join(done.out.split())
    (path,) = (tmp_path / "traces").iterdir()
    assert path.name == f"paper-{mutant}-{asked}{SUFFIX}"
    again = zab("replay", str(path))
    assert again.code == 0
    assert f"going on for ever: {asked} is violated\n" in again.out
    assert again.out.endswith(f"as expected: {asked} is violated\n")


def test_liveness_may_be_vacuous_or_out_of_budget(zab) -> None:
    vacuous = zab("liveness", "--servers", "2", "--transactions", "0")
    assert vacuous.code == 1
    assert "proves nothing: its premise never holds" in vacuous.out
    unknown = zab("liveness", *SMALL, "--max-states", "5")
    assert unknown.code == 2
    assert unknown.out.startswith("OUT OF BUDGET: paper, 2 servers")


def test_mutants_are_run_and_listed_in_a_table(zab) -> None:
    done = zab("mutants", "phase-not-changed", "no_ack")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["mutant", "caught", "by", "steps", "states", "time"]
    assert lines[1].split()[:4] == ["phase-not-changed", "phase_is_expected", "6", "18"]
    assert " ".join(lines[2:4]).split()[:4] == ["no_ack", "proposal_is_delivered_by_quorum", "12", "259"]
    assert lines[-1] == "2 of 2 mutants caught"


def test_a_mutant_that_is_not_caught_fails_the_table(zab, monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = replace(MUTANTS["phase-not-changed"], caught_by="agreement")
    monkeypatch.setattr(mutants, "MUTANTS", {"harmless": harmless})
    done = zab("mutants")
    assert done.code == 1
    assert "NOT BY agreement" in done.out
    assert done.out.endswith("0 of 1 mutants caught\nnot caught: phase-not-changed\n")


def test_what_mutants_do_wrong_is_told(zab) -> None:
    out = zab("mutants", "--list").out
    for each in MUTANTS.values():
        assert f"{each.name}: caught by {each.caught_by}\n" in out
        assert each.story in " ".join(out.split())


def test_every_property_is_listed_with_its_sentence(zab) -> None:
    done = zab("properties")
    model = build(Instance())
    assert done.code == 0
    for each in (*model.always, *model.every_step, *model.sometimes, *EVENTUALLY):
        assert f"\n  {each.name}\n" in done.out
        assert " ".join(each.sentence.split("\n\n")[0].split()) in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_version_and_help_are_told(zab) -> None:
    assert zab("--version").out.startswith("zab ")
    assert zab("--version").code == 0
    done = zab("check", "--help")
    assert done.code == 0
    assert "--transactions N" in done.out


def test_no_word_may_be_cut_short(zab) -> None:
    assert "--server" in zab("check", "--server", "3").err


def test_a_stream_that_shows_ascii_only_gets_that(zab, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert cli.main(["reach", "leader_is_established", *SMALL]) == 0
    stream.seek(0)
    assert "+ leader_is_established is reached" in stream.read()


# Progress and words.


def test_progress_is_a_line_every_few_seconds_of_the_search() -> None:
    stream = io.StringIO()
    with progress(stream, "paper") as show:
        for tick in range(1, 13):
            show(Counts(tick * 1000, tick * 3000, tick, tick * 10, float(tick), 50_000_000))
    assert EVERY == 5
    assert stream.getvalue().splitlines() == [
        "paper:",
        "  5,000 states, 1,000 a second, depth 5, 50 to go, 50 MB, 5 s",
        "  10,000 states, 1,000 a second, depth 10, 100 to go, 50 MB, 10 s",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_live_on_a_terminal_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress(stream, "paper, 3 servers") as show:
        show(Counts(1234, 5678, 9, 10, 2.0, 50_000_000))
        during = stream.getvalue()
    for told in ("paper, 3 servers", "1,234", "617", "50 MB", "depth", "to go"):
        assert told in during
    assert stream.getvalue().startswith(during)
    assert "\x1b[2K" in stream.getvalue()[len(during) :]


@pytest.mark.parametrize(
    ("duration", "said"),
    [(0.0123, "0.012 s"), (9.96, "10 s"), (12.3, "12 s"), (200, "3 min 20 s"), (7512, "2 h 5 min")],
)
def test_durations_are_put_in_words(duration: float, said: str) -> None:
    assert seconds(duration) == said


def test_no_time_is_no_rate() -> None:
    assert in_words(Counts(5, 5, 1)) == "5 states, 0 a second, depth 1, 0 to go, 0 MB, 0 s"


def test_what_reductions_were_used_is_part_of_what_was_proved() -> None:
    model = build(Instance())
    verdict = Verdict(Outcome.PASSED, Counts(5, 5, 1))
    told = " ".join(
        " ".join(report.in_words(verdict, model, Options(symmetry=False, reduce=True), "paper")).split()
    )
    assert "5 distinct states up to the order of steps that commute, 5 generated" in told
