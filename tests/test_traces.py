"""Every file in traces/ and below runs again with today's spec, and ends with what it is kept for."""

from __future__ import annotations

from pathlib import Path

import pytest

from zabcheck.model.zab_bugs import BUGS
from zabcheck.replay import replay, words
from zabcheck.report.picture import picture
from zabcheck.traces import SUFFIX, Expect, TraceFile, load, to_text
from zabspec.service.seen import Run
from zabspec.service.witnesses import SOMETIMES

FOLDER = Path(__file__).parent.parent / "traces"
FILES = sorted(FOLDER.rglob(f"*{SUFFIX}"))


def test_there_are_files_to_replay() -> None:
    assert FILES, f"no *{SUFFIX} in {FOLDER}"


def test_nothing_else_is_kept_there() -> None:
    others = {path for path in FOLDER.rglob("*") if path.is_file()} - set(FILES)
    assert others == {FOLDER / "README.md"}


def test_every_historical_bug_is_among_them_found_as_it_is_said_to_be() -> None:
    found = [load(path).trace for path in (FOLDER / "zookeeper").iterdir()]
    shown = {trace.settings["mutant"]: trace.property for trace in found}
    assert shown == {bug.name: bug.caught_by for bug in BUGS}
    assert len(shown) == len(found)


def test_failures_and_demonstrations_are_among_them() -> None:
    assert {load(path).expect for path in FILES} == set(Expect)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(SUFFIX))
def test_a_file_runs_again_and_ends_as_it_says(path: Path) -> None:
    file = load(path)
    result = replay(file.model, file.trace, file.expect)
    assert result.is_as_expected, "\n".join(words(result))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(SUFFIX))
def test_a_file_is_as_it_would_be_written_today_and_can_be_drawn(path: Path) -> None:
    file = load(path)
    assert path.read_text(encoding="utf-8") == to_text(file.trace, file.expect)
    drawn = picture(file.trace).splitlines()
    assert max(map(len, drawn)) <= 99 + 31 * max(0, columns(file) - 3)


def columns(file: TraceFile) -> int:
    """How many a picture has: one for each server, and one for each client where there are any."""
    protocol = file.model.initial.protocol
    if isinstance(protocol, Run):
        return len(protocol.service.servers) + len(protocol.service.clients)
    return file.model.size


def test_everything_that_is_less_than_one_may_think_is_shown() -> None:
    shown = [load(path).trace.property for path in (FOLDER / "service").iterdir()]
    assert sorted(shown) == sorted(each.__name__ for each in SOMETIMES)
