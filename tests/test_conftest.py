"""The tools that other tests rely on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SAMPLE = """
import pytest

@pytest.mark.spec
def test_shallow(): pass

@pytest.mark.spec
@pytest.mark.deep
def test_deep(): pass

def test_plain(): pass
"""


@pytest.mark.parametrize(
    ("expression", "run"),
    [
        ("", ["test_shallow", "test_plain"]),
        ("spec", ["test_shallow"]),
        ("not spec", ["test_plain"]),
        ("deep", ["test_deep"]),
        ("spec and deep", ["test_deep"]),
        ("spec or deep", ["test_shallow", "test_deep"]),
        ("not deep", ["test_shallow", "test_plain"]),
    ],
)
def test_deep_tests_run_only_where_they_are_named(
    expression: str,
    run: list[str],
    root: Path,
    tmp_path: Path,
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    shutil.copy(root / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_sample.py").write_text(SAMPLE, encoding="utf-8")
    configured = ("-c", str(root / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:cacheprovider")
    done = run_python("-m", "pytest", *configured, "-v", "-m", expression, str(tmp_path))
    passed = [line.split()[0].split("::")[1] for line in done.stdout.splitlines() if " PASSED " in line]
    assert passed == run, done.stdout + done.stderr


def test_unknown_marker_is_an_error(
    root: Path, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "test_sample.py").write_text(SAMPLE.replace("mark.spec", "mark.spek"), encoding="utf-8")
    configured = ("-c", str(root / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:cacheprovider")
    done = run_python("-m", "pytest", *configured, str(tmp_path))
    assert "'spek' not found in `markers`" in done.stdout


def test_same_output_returns_what_was_printed(same_output: Callable[[str], str]) -> None:
    assert same_output("print(sorted({'a', 'b'}))") == "['a', 'b']\n"


def test_same_output_sees_the_order_of_a_set(same_output: Callable[[str], str]) -> None:
    with pytest.raises(AssertionError):
        same_output("print(list(map(str, {str(number) for number in range(100)})))")


def test_same_output_sees_a_failure(same_output: Callable[[str], str]) -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        same_output("1 / 0")


REPORTING = """
from zabcheck.explorer.verdicts import Counts

def test_search(progress, proved):
    for second in range(25):
        progress(Counts(1000 * second, 0, 7, 12, float(second), 3 << 20))
    proved("everything, at these bounds")
"""


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["here", "apart"])
def test_progress_is_seen_while_a_test_runs_and_results_at_the_end(
    root: Path,
    tmp_path: Path,
    run_python: Callable[..., subprocess.CompletedProcess[str]],
    processes: list[str],
) -> None:
    if processes:
        pytest.importorskip("xdist", reason="no pytest-xdist (pip install pytest-xdist)")
    shutil.copy(root / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_search.py").write_text(REPORTING, encoding="utf-8")
    configured = ("-c", str(root / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:cacheprovider")
    done = run_python("-m", "pytest", *configured, "-v", *processes, str(tmp_path))
    lines = [*done.stderr.splitlines(), *done.stdout.splitlines()] if processes else done.stdout.splitlines()
    shown = [line.strip() for line in lines if line.startswith("  test_search: ")]
    assert shown[0] == "test_search: 10,000 states, 1,000 a second, depth 7, 12 to do, 3 MB"
    assert shown[1].startswith("test_search: 20,000 states, 1,000 a second, depth 7, 12 to do, 3 MB")
    assert len(shown) == 2
    assert lines.index("everything, at these bounds") > lines.index(next(x for x in lines if "20,000" in x))


FOUND_APART = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_search(progress, proved, number):
    proved(f"{__name__}: {number}")
"""


def test_results_come_in_one_order_from_several_processes(
    root: Path, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    pytest.importorskip("xdist", reason="no pytest-xdist (pip install pytest-xdist)")
    shutil.copy(root / "tests" / "conftest.py", tmp_path)
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(FOUND_APART, encoding="utf-8")
    configured = ("-c", str(root / "pyproject.toml"), f"--rootdir={tmp_path}", "-p", "no:cacheprovider")
    done = run_python("-m", "pytest", *configured, "-n", "2", "--dist", "loadfile", str(tmp_path))
    lines = [line for line in done.stdout.splitlines() if line.startswith("test_")]
    assert lines == [f"test_{name}: {number}" for name in ("one", "two") for number in range(3)], done.stdout
