"""What `zab` prints without a command, which commands there are, and names that are misspelt."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from zabcheck.cli import check, mutants
from zabcheck.cli import main as cli
from zabcheck.cli.overview import GROUPS, overview
from zabcheck.explorer import SpecError
from zabcheck.suggestions import unknown

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_every_command_is_in_one_group_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    named = [name for _, commands in GROUPS for name, _ in commands]
    assert sorted(named) == sorted(cli.COMMANDS)
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out == f"{overview()}\n"


def test_no_command_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert capsys.readouterr().out == f"{overview()}\n"


def test_the_overview_needs_nothing_but_python(root: Path, run_python: Run) -> None:
    roots = [str(root / each) for each in ("spec", "checkers", "impl")]
    code = f"import sys; sys.path[:0] = {roots!r}; sys.argv = ['zab', '--help']"
    done = run_python("-I", "-S", "-c", f"{code}; from zabcheck.cli.entry import main; sys.exit(main())")
    assert (done.returncode, done.stdout) == (0, f"{overview()}\n")


def test_a_command_loads_no_other_command(run_python: Run) -> None:
    code = (
        "import sys; from zabcheck.cli.main import main; main(['watches']); "
        "print([name for name in sys.modules if name.startswith('zabcheck.cli.')])"
    )
    loaded = run_python("-c", code).stdout.splitlines()[-1]
    assert "zabcheck.cli.watches" in loaded
    assert not any(f"zabcheck.cli.{name}" in loaded for name in cli.OURS if name != "watches")


def test_a_spec_that_cannot_be_explored_is_neither_violated_nor_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def search(*_: object) -> None:
        raise SpecError("action 'leader_acts' raised IndexError: out of range")

    for module in (check, mutants):
        monkeypatch.setattr(module, "search", search)
    for command in ("check", "mutants"):
        assert cli.main([command]) == 2
        err = capsys.readouterr().err
        assert err == f"zab {command}: action 'leader_acts' raised IndexError: out of range\n"


def test_an_error_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(*_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(check, "search", search)
    with pytest.raises(ValueError, match="ours"):
        cli.main(["check"])


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("papr", ["paper", "zab"], "no spec 'papr': did you mean paper?"),
        ("PAPER", ["paper", "zab"], "no spec 'PAPER': did you mean paper?"),
        ("xyz", ["paper", "zab"], "no spec 'xyz': one of paper, zab"),
        ("own", ["own-history", "own-history-twice"], "no spec 'own': did you mean own-history or "),
        ("xyz", map(str, range(100)), "no spec 'xyz': `zab list` lists them"),
        ("", ["paper"], "no spec '': one of paper"),
        ("x", [], "no spec 'x': there are none"),
    ],
)
def test_a_name_that_does_not_exist_is_answered_by_those_that_may_be_meant(
    name: str, known: list[str], said: str
) -> None:
    assert unknown("spec", name, known, "zab list").startswith(said)
