"""Checks the `zab` command on a machine with a plain `pip install zabkit` and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from zabcheck.cli import entry

Run = Callable[..., subprocess.CompletedProcess[str]]


def command(monkeypatch: pytest.MonkeyPatch, main: Callable[[], int]) -> None:
    """Replaces the command line interface with `main`."""
    stand_in = ModuleType("zabcheck.cli.main")
    monkeypatch.setattr(stand_in, "main", main, raising=False)
    monkeypatch.setitem(sys.modules, "zabcheck.cli.main", stand_in)


def fails_to_find(name: str) -> Callable[[], int]:
    def main() -> int:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return main


@pytest.mark.parametrize("name", sorted(entry.FROM_THE_EXTRA))
def test_missing_extra_is_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command(monkeypatch, fails_to_find(f"{name}.inner"))
    assert entry.main() == 2
    assert capsys.readouterr() == ("", f"zab: {name}.inner is missing: install zabkit[check]\n")


def test_our_own_missing_module_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, fails_to_find("zabcheck.gone"))
    with pytest.raises(ModuleNotFoundError, match="gone"):
        entry.main()


@pytest.mark.parametrize("code", [0, 1, 2])
def test_exit_code_is_that_of_the_command(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, lambda: code)
    assert entry.main() == code


def test_without_site_packages(root: Path, run_python: Run) -> None:
    """The real command, in a Python that sees only the standard library and our sources."""
    roots = [str(root / each) for each in ("spec", "checkers", "impl")]
    sources = f"import sys; sys.path[:0] = {roots!r}"
    arguments = "sys.argv = ['zab', 'check', 'paper']"
    code = f"{sources}; {arguments}; from zabcheck.cli.entry import main; sys.exit(main())"
    done = run_python("-I", "-S", "-c", code)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("zab: ")
    assert done.stderr.endswith(" is missing: install zabkit[check]\n")
    assert done.stderr.count("\n") == 1
