from __future__ import annotations

import io
from dataclasses import dataclass, replace

import pytest

from golden import assert_golden
from places import TRACES
from trace_samples import STORY, no_restart_forgets, run, story_model
from zabcheck.explorer.verdicts import Trace, TraceStep
from zabcheck.models.paper import model as paper
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.paper.words import Words
from zabcheck.report.ending import Ending
from zabcheck.report.glyphs import is_ascii_only
from zabcheck.report.happenings import happenings
from zabcheck.report.picture import picture
from zabcheck.traces.files import Expect, load
from zabcheck.traces.replay import ending, marks, replay
from zabspec.histories import Txn, Zxid
from zabspec.paper.state import AckLeader, CEpoch

ENDING = Ending("no_restart_forgets is violated", no_restart_forgets.__doc__ or "", (1,))


def story_of(size: int) -> Trace:
    bounds = Bounds(servers=size)
    return run(paper.model(bounds), STORY[:3])


def test_a_run_is_drawn_as_it_always_was() -> None:
    assert_golden("spacetime.txt", picture(run(story_model()), ENDING))


def test_a_run_is_drawn_with_ascii_characters_alone() -> None:
    drawn = picture(run(story_model()), ENDING, ascii_only=True)
    assert drawn.isascii()
    assert_golden("spacetime-ascii.txt", drawn)


def test_a_run_of_the_service_has_columns_for_clients_and_servers() -> None:
    file = load(TRACES / "service/service-stale_read_after_sync.itf.json")
    result = replay(file.model, file.trace, file.expect)
    assert_golden("spacetime-service.txt", picture(result.trace, ending(result)))


def test_what_is_violated_on_the_way_is_marked_below_its_step() -> None:
    model = story_model()
    result = replay(model, run(model, asked="no_restart_forgets"), Expect.VIOLATED)
    assert marks(result) == {16: ["nothing_delivered_at_two is violated"]}
    lines = picture(result.trace, ending(result), marks=marks(result)).splitlines()
    (place,) = (index for index, line in enumerate(lines) if line.startswith("  16 "))
    assert lines[place + 1].startswith("   ✗ ╌ nothing_delivered_at_two is violated ╌╌╌")
    assert "✗ no_restart_forgets is violated, at server 1" in lines


def test_a_loop_is_marked_at_both_ends() -> None:
    lines = picture(replace(run(story_model()), loop=9)).splitlines()
    assert lines[-1] == "↺ and again from step 10"
    assert lines[lines.index("↺ from here on, for ever") + 1].startswith("  10 ")


@pytest.mark.parametrize(("size", "width"), [(2, 40), (3, 40), (3, 80), (5, 60), (5, 80), (7, 80), (7, 120)])
def test_no_line_is_longer_than_the_page_is_wide(size: int, width: int) -> None:
    trace = run(story_model()) if size == 3 else story_of(size)
    drawn = picture(trace, ENDING if size == 3 else None, width=width)
    assert max(map(len, drawn.splitlines())) <= width
    assert f"server {size - 1}" in drawn


def test_too_many_servers_for_the_width_are_listed_and_the_width_they_need_is_told() -> None:
    drawn = picture(story_of(6), width=60).splitlines()
    assert drawn[0] == "6 columns need a width of 65; here are the steps alone"
    assert drawn[2] == "   0  the initial world"
    assert max(map(len, drawn)) <= 60
    assert "server 5" in picture(story_of(6), width=65)


def test_a_word_longer_than_its_column_is_abbreviated_and_explained() -> None:
    drawn = picture(story_of(7), width=80).splitlines()
    assert drawn[1].startswith("conne. = connects  disco. = discovery  follo. = following")
    assert any("│ conne." in line or "● conne." in line for line in drawn)
    assert not any("connects" in line for line in drawn[2:])


def test_what_does_not_fit_an_arrow_stands_beside_the_receiver() -> None:
    trace = run(story_model())
    wide, narrow = (picture(trace, width=width).splitlines() for width in (99, 60))
    assert any("── ACK-E 0, empty @5 ──" in line for line in wide)
    [place] = (index for index, line in enumerate(narrow) if line.startswith("   6  ●◀───── @5 ──"))
    assert narrow[place + 1].startswith("      ┃ ← 1: ACK-E 0,")


def test_what_was_sent_received_and_lost_is_read_off_the_channels() -> None:
    happened, left = happenings(run(story_model()), Words())
    connects, hears = happened[11], happened[16]
    assert [(each.receiver, each.message) for each in connects.sent] == [(0, CEpoch(0))]
    assert connects.received is None
    assert hears.received == connects.sent[0]
    assert hears.received is not None
    assert hears.received.sent == 12
    loses = happened[20]
    assert [each.message for each in loses.lost] == [AckLeader(Zxid(1, 1))]
    assert loses.received is None
    assert left == ()


def test_what_is_still_on_its_way_is_shown_at_the_end() -> None:
    trace = run(story_model(), STORY[:13])
    drawn = picture(trace, width=99)
    assert "to come: PROPOSE 1.1 @13" in drawn
    assert "to come: CEPOCH 0 @12" in drawn


def test_values_are_shown_only_where_they_differ() -> None:
    trace = run(story_model())
    assert "log [1.1]" in picture(trace)
    last = trace.steps[-1].world
    server = replace(last.protocol.servers[2], history=(Txn(Zxid(1, 1), 7),))
    protocol = replace(last.protocol, servers=last.protocol.servers.put(2, server))
    other = TraceStep("server_restarts", (1,), replace(last, protocol=protocol))
    drawn = picture(replace(trace, steps=(*trace.steps[:-1], other)))
    assert "log [1.1=0]" in drawn
    assert "log 1.1=7" in drawn


def test_a_delivery_of_what_is_not_there_is_a_question_mark() -> None:
    trace = run(story_model(), STORY[:3])
    last = trace.steps[-1].world
    server = replace(last.protocol.servers[2], committed=2)
    protocol = replace(last.protocol, servers=last.protocol.servers.put(2, server))
    other = TraceStep("conjures", (2,), replace(last, protocol=protocol))
    drawn = picture(replace(trace, steps=(*trace.steps, other)))
    assert "log [? ?]" in drawn
    assert "● conjures" in drawn


@dataclass(frozen=True, slots=True)
class Counter:
    count: int


@dataclass(frozen=True, slots=True)
class CounterWorld:
    protocol: Counter


def test_a_run_of_another_spec_is_a_list_of_changes() -> None:
    steps = (
        TraceStep("", (), CounterWorld(Counter(0))),
        TraceStep("server_counts", (1,), CounterWorld(Counter(1))),
    )
    assert picture(Trace({}, steps, loop=0), Ending("it ends is violated")).splitlines() == [
        "   0  the initial world",
        "↺ from here on, for ever",
        "   1  server_counts(1)",
        "        count: 0 → 1",
        "↺ and again from step 1",
        "",
        "✗ it ends is violated",
    ]


def test_a_list_of_changes_is_numbered_once_for_each_step_and_marks_what_is_violated() -> None:
    steps = (
        TraceStep("", (), CounterWorld(Counter(0))),
        TraceStep("server_counts_what_clients_have_asked_for", (1, 2), CounterWorld(Counter(1))),
    )
    trace = Trace({}, steps)
    assert picture(trace, marks={1: ["it_is_small is violated"]}, width=40).splitlines() == [
        "   0  the initial world",
        "   1  server_counts_what_clients_have_as",
        "        ked_for(1, 2)",
        "        count: 0 → 1",
        "      ✗ it_is_small is violated",
    ]


@pytest.mark.parametrize(
    ("encoding", "ascii_only"), [("utf-8", False), ("ascii", True), ("latin-1", True), ("cp437", True)]
)
def test_what_a_stream_can_show_depends_on_its_encoding(encoding: str, ascii_only: bool) -> None:
    assert is_ascii_only(io.TextIOWrapper(io.BytesIO(), encoding=encoding)) is ascii_only
