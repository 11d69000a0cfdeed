"""What every test may use, and how the deep ones are kept for those who ask for them by name.

Nothing is put on the path here: the packages are installed (`make test` does it), or named in PYTHONPATH.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # so that what is not installed is said in one line, below
    from zabcheck.explorer.verdicts import Counts

ROOT = Path(__file__).parent.parent
OURS = ("zabspec", "zabcheck", "zabserver")
PROVED = "proved"


class Findings:
    """What tests said through `proved`, from whichever process they ran in: reports carry it here."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes it from the last report of each test, which is made when all of it was said."""
        if report.when == "teardown":
            file = report.nodeid.partition("::")[0]
            self.lines += [(file, str(line)) for name, line in report.user_properties if name == PROVED]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Ends the run with it, in the order of one process, whose files come sorted."""
        if self.lines:
            terminalreporter.section("what was found")
            for _, line in sorted(self.lines, key=itemgetter(0)):
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    """Ends the run in one line where the packages are not installed."""
    missing = [name for name in OURS if importlib.util.find_spec(name) is None]
    if missing:
        raise pytest.UsageError(
            f"{', '.join(missing)} not installed: make test, or pip install -e '.[check,test]'"
        )
    config.pluginmanager.register(Findings())
    _let_hypothesis_take_its_time()


def _let_hypothesis_take_its_time() -> None:
    """No example fails for being slow: how fast this machine is says nothing of what is tested."""
    from hypothesis import HealthCheck, settings  # noqa: PLC0415 - it comes with an extra

    settings.register_profile(
        "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )
    settings.load_profile("any machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the deep tests unless `-m` speaks of them: `-m spec` is not `-m "spec and deep"`."""
    if re.search(r"\bdeep\b", config.getoption("markexpr")):
        return
    deep = [item for item in items if item.get_closest_marker("deep")]
    if deep:
        items[:] = [item for item in items if not item.get_closest_marker("deep")]
        config.hook.pytest_deselected(items=deep)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python ARGUMENTS` as a process of its own: `run_python("-c", code, PYTHONHASHSEED="1")`."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def same_output(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[[str], str]:
    """Runs a snippet under two PYTHONHASHSEEDs, asserts that it prints the same, and returns that.

    Under these two seeds, sets of strings are iterated in different orders.
    """

    def run(snippet: str) -> str:
        outputs = []
        for seed in ("1", "2"):
            done = run_python("-c", snippet, PYTHONHASHSEED=seed)
            assert done.returncode == 0, done.stderr
            outputs.append(done.stdout)
        assert outputs[0] == outputs[1]
        return outputs[0]

    return run


@pytest.fixture
def proved(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line, or several, to be shown when all tests have run: what was checked, and at what bounds."""
    return partial(record_property, PROVED)


@pytest.fixture
def progress(request: pytest.FixtureRequest) -> Callable[[Counts], None]:
    """Shows how far a search has come, while it runs: pass it to the search.

    On a terminal it keeps one line up to date; elsewhere, and where tests run in several
    processes, it writes one every ten seconds.
    """
    plugins = request.config.pluginmanager
    terminal, capture = plugins.getplugin("terminalreporter"), plugins.getplugin("capturemanager")
    assert terminal is not None
    is_one_of_several = hasattr(
        request.config, "workerinput"
    )  # what that writes on its terminal, nobody sees
    told = 0

    def show(counts: Counts) -> None:
        nonlocal told
        rate = counts.distinct / max(counts.seconds, 0.001)
        line = (
            f"{request.node.name}: {counts.distinct:,} states, {rate:,.0f} a second, depth {counts.depth}, "
            f"{counts.frontier:,} to do, {counts.memory >> 20:,} MB "
        )
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            if terminal.isatty:
                terminal.rewrite(line, erase=True)
                terminal.flush()
            elif counts.seconds // 10 > told:
                told = int(counts.seconds // 10)
                if is_one_of_several:
                    print(f"\n  {line}", end="", file=sys.__stderr__, flush=True)
                else:
                    terminal.write(f"\n  {line}", flush=True)

    return show
