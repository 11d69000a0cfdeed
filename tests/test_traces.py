"""Every file below traces/ replays with the spec and the cores of today, and ends as it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zabcheck.models.zab.catalogue.bugs import BUGS
from zabcheck.report.picture import picture
from zabcheck.simulation import files, replaying
from zabcheck.simulation.mistakes import MISTAKES
from zabcheck.traces.files import SUFFIX, Expect, TraceFile, load, to_text
from zabcheck.traces.replay import ending, marks, replay, words
from zabspec.service.seen import Run
from zabspec.service.witnesses import SOMETIMES

FOLDER = Path(__file__).parent.parent / "traces"
FILES = sorted(FOLDER.rglob(f"*{SUFFIX}"))
RUNS = sorted(FOLDER.rglob(f"*{files.SUFFIX}"))


def test_there_are_files_to_replay() -> None:
    assert FILES, f"no *{SUFFIX} in {FOLDER}"


def test_there_are_no_other_files() -> None:
    others = {path for path in FOLDER.rglob("*") if path.is_file()} - set(FILES) - set(RUNS)
    assert others == {FOLDER / "README.md"}


def test_every_mistake_in_the_cores_is_among_the_runs() -> None:
    kept = [files.load(path) for path in RUNS]
    assert {each.setting.mistake for each in kept if each.expect == files.Expect.VIOLATED} == set(MISTAKES)
    assert {each.setting.mistake for each in kept if each.expect == files.Expect.PASSED} == {""}


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name.removesuffix(files.SUFFIX))
def test_a_run_of_cores_ends_as_it_says(path: Path) -> None:
    file = files.load(path)
    result = replaying.replayed(file.setting, file.events)
    assert replaying.is_as_expected(file, result), "\n".join(replaying.words(file, result))
    assert path.read_text(encoding="utf-8") == files.to_text(file)
    if file.expect == files.Expect.VIOLATED:
        sound = replaying.replayed(replace(file.setting, mistake=""), file.events)
        assert sound.violation is None, "the cores are wrong without the mistake too"


def test_every_historical_bug_has_a_trace_with_its_property() -> None:
    found = [load(path).trace for path in (FOLDER / "zookeeper").iterdir()]
    shown = {trace.settings["mutant"]: trace.property for trace in found}
    assert shown == {bug.name: bug.caught_by for bug in BUGS}
    assert len(shown) == len(found)


def test_there_are_failures_and_demonstrations() -> None:
    assert {load(path).expect for path in FILES} == set(Expect)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(SUFFIX))
def test_a_file_replays_and_ends_as_it_says(path: Path) -> None:
    file = load(path)
    result = replay(file.model, file.trace, file.expect)
    assert result.is_as_expected, "\n".join(words(result))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(SUFFIX))
def test_a_file_is_as_it_would_be_written_today(path: Path) -> None:
    file = load(path)
    assert path.read_text(encoding="utf-8") == to_text(file.trace, file.expect)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(SUFFIX))
def test_no_line_of_a_picture_is_longer_than_the_page_is_wide(path: Path, width: int) -> None:
    file = load(path)
    result = replay(file.model, file.trace, file.expect)
    drawn = picture(file.trace, ending(result), marks=marks(result), width=width).splitlines()
    assert max(map(len, drawn)) <= width
    is_too_wide = columns(file) > 5 and width == 60
    assert drawn[0].endswith("here are the steps alone") is is_too_wide


def columns(file: TraceFile) -> int:
    """Returns the number of columns of a picture: one for each server, and for each client."""
    protocol = file.model.initial.protocol
    if isinstance(protocol, Run):
        return len(protocol.service.servers) + len(protocol.service.clients)
    return file.model.size


def test_every_sometimes_of_the_service_is_shown() -> None:
    shown = [load(path).trace.property for path in (FOLDER / "service").iterdir()]
    assert sorted(shown) == sorted(each.__name__ for each in SOMETIMES)
