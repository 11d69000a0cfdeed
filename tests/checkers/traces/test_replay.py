from __future__ import annotations

from dataclasses import replace

from places import TRACES
from trace_samples import STORY, run, story_model
from zabcheck.explorer.loops import broken_by
from zabcheck.explorer.model import Model
from zabcheck.explorer.verdicts import Trace
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import Instance, build
from zabcheck.traces.differences import Difference, differences, shown
from zabcheck.traces.files import Expect, load
from zabcheck.traces.replay import ending, replay, words
from zabspec.histories import Txn, Zxid
from zabspec.paper.state import Propose, Role
from zabspec.parts import Row, Sid

PROPOSED = (*STORY[:9], *(step for step in STORY[10:14] if step[0] != "follower_connects"))
"""Until server 1 has logged what server 0 proposed."""


def without(model: Model, action: str) -> Model:
    """Returns a model whose spec has lost an action."""
    return replace(model, steps=tuple(step for step in model.steps if step.action != action))


def never(model: Model, action: str) -> Model:
    """Returns a model in whose spec an action is never enabled."""
    steps = tuple(
        replace(step, apply=lambda *_: None) if step.action == action else step for step in model.steps
    )
    return replace(model, steps=steps)


def forgetful(model: Model) -> Model:
    """Returns a model in whose spec a follower that logs a proposal forgets which epoch it promised."""

    def apply(step):
        def applied(world, *arguments):
            after = step.apply(world, *arguments)
            if after is None or step.action != "follower_processes_proposal":
                return after
            sid = arguments[0]
            server = replace(after.protocol.servers[sid], accepted_epoch=0)
            servers = after.protocol.servers.put(sid, server)
            return replace(after, protocol=replace(after.protocol, servers=servers))

        return applied

    steps = tuple(replace(step, apply=apply(step)) for step in model.steps)
    return replace(model, steps=steps)


def test_a_run_of_todays_spec_is_confirmed_and_told() -> None:
    model = story_model()
    result = replay(model, run(model, asked="no_restart_forgets"), Expect.VIOLATED)
    assert result.is_as_expected
    assert words(result) == [
        "step 15, leader_processes_ack(0, 1): someone_delivers is reached",
        "step 16, follower_processes_commit(1, 0): nothing_delivered_at_two is violated",
        "step 22, server_restarts(1): no_restart_forgets is violated at server 1",
        "all 22 steps are the same with today's spec",
        "as expected: no_restart_forgets is violated",
    ]


def test_a_sometimes_is_reached_on_the_way() -> None:
    model = story_model()
    assert replay(model, run(model, asked="someone_delivers"), Expect.REACHED).is_as_expected
    assert not replay(model, run(model, STORY[:14], "someone_delivers"), Expect.REACHED).is_as_expected


def test_a_property_that_holds_at_the_end_is_not_as_expected() -> None:
    model = story_model()
    result = replay(model, run(model, asked="nothing_delivered_at_two"), Expect.VIOLATED)
    assert result.departure is None
    assert not result.is_as_expected
    assert words(result)[-1] == "not as expected: the file says that nothing_delivered_at_two is violated"


def test_an_action_that_is_not_enabled_today_is_where_it_differs() -> None:
    trace = run(story_model(), asked="no_restart_forgets")
    result = replay(never(story_model(), "leader_processes_ack"), trace, Expect.VIOLATED)
    assert result.departure is not None
    assert result.departure.index == 15
    assert "first differs at step 15, leader_processes_ack(0, 1): the action is not enabled today" in words(
        result
    )


def test_an_action_that_there_is_no_more_is_where_it_differs() -> None:
    trace = run(story_model(), asked="no_restart_forgets")
    result = replay(without(story_model(), "server_restarts"), trace, Expect.VIOLATED)
    assert result.departure is not None
    assert (result.departure.index, result.departure.reason) == (
        22,
        "there is no action 'server_restarts' today",
    )


def test_arguments_that_an_action_does_not_take_are_where_it_differs() -> None:
    trace = run(story_model())
    steps = (*trace.steps[:-1], replace(trace.steps[-1], arguments=(3,)))
    result = replay(story_model(), replace(trace, steps=steps), Expect.VIOLATED)
    assert result.departure is not None
    assert result.departure.reason == "server_restarts does not take these arguments today"


def test_another_world_is_told_by_the_variables_that_differ() -> None:
    trace = run(story_model(), asked="no_restart_forgets")
    result = replay(forgetful(story_model()), trace, Expect.VIOLATED)
    assert result.departure is not None
    assert result.departure.index == 14
    assert result.departure.variables == (Difference("servers[1].accepted_epoch", 1, 0),)
    assert "  servers[1].accepted_epoch was 1, is 0" in words(result)


def test_another_initial_world_is_told_as_well() -> None:
    trace = run(story_model())
    model = story_model()
    protocol = replace(model.initial.protocol, oracle=Sid(2))
    other = replace(model, initial=replace(model.initial, protocol=protocol))
    result = replay(other, trace, Expect.VIOLATED)
    assert result.departure is not None
    assert result.departure.index == 0
    assert "  oracle was None, is 2" in words(result)


def lasso(loop: int) -> Trace:
    """Returns a run in which server 0 is chosen, with a loop that goes back to a state."""
    return replace(run(story_model(), STORY[:1]), loop=loop)


def test_a_loop_must_close() -> None:
    result = replay(story_model(), lasso(0), Expect.VIOLATED)
    assert result.departure is not None
    assert result.departure.reason == "no step leads back to state 0 today"
    assert replay(story_model(), lasso(1), Expect.VIOLATED).departure is None


def live_model(mutant: str | None = None) -> Model:
    bounds = Bounds(servers=2, transactions=1, timeouts=1, give_up=True)
    return build(Instance(bounds=bounds, mutant=mutant))


def test_a_loop_that_is_fair_breaks_a_liveness_property() -> None:
    trace = replace(run(live_model("no_ack"), PROPOSED), loop=12, property="proposal_is_delivered_by_quorum")
    assert [each.property.name for each in broken_by(live_model("no_ack"), trace)] == [
        "proposal_is_delivered_by_quorum",
        "proposal_is_delivered_by_follower",
    ]
    result = replay(live_model("no_ack"), trace, Expect.VIOLATED)
    assert result.is_as_expected
    assert "going on for ever: proposal_is_delivered_by_quorum is violated" in words(result)


def test_a_loop_that_denies_a_server_its_turn_breaks_nothing() -> None:
    """With the spec as it is the follower has acknowledged, and the leader may process that."""
    trace = replace(run(live_model(), PROPOSED), loop=12, property="proposal_is_delivered_by_quorum")
    assert broken_by(live_model(), trace) == ()
    assert not replay(live_model(), trace, Expect.VIOLATED).is_as_expected


def test_a_loop_breaks_nothing_if_a_fair_step_leads_out_of_it() -> None:
    story = (("server_becomes_oracle_choice", 0), ("server_becomes_oracle_choice", 1))
    trace = replace(run(live_model(), story), loop=2)
    leads_on = broken_by(live_model("leader_never_gives_up"), trace)
    assert [each.property.name for each in leads_on] == ["leader_gets_established"]
    assert broken_by(live_model(), trace) == ()  # there, a leader that nobody follows gives up


def test_a_step_that_refines_nothing_is_explained_once_where_the_run_is_drawn() -> None:
    file = load(TRACES / "zookeeper/zab-ZOOKEEPER-4643-refines_broadcast.itf.json")
    result = replay(file.model, file.trace, file.expect)
    assert result.confirmation is not None
    told = words(result)
    place = told.index("step 15, follower_persists_epoch(1, 0): refines_broadcast is violated")
    assert told[place + 1] == "  In terms of the spec broadcast, the step leads from"
    assert told[place + 5 : place + 8] == [
        "  No step of broadcast makes such a change:",
        "    log 1.1, instead of log 1.1 1.2",
        "    outstanding 1.2, instead of outstanding nothing",
    ]
    assert ending(result).reasons == result.confirmation.reasons
    drawn = words(result, is_drawn=True)
    assert drawn == [line for line in told if not line.startswith("  ")]


def test_differences_name_variables() -> None:
    model = story_model(bookkeeping=True)
    last = run(model).steps[-1].world
    places = [each.place for each in differences(model.initial, last)]
    assert places[:3] == ["servers[0].accepted_epoch", "servers[0].current_epoch", "servers[0].history"]
    assert "oracle" in places
    assert "budget.timeouts" in places
    assert "ledger.label" in places
    assert differences(last, last) == ()


def test_rows_of_other_lengths_differ_as_a_whole() -> None:
    assert differences(Row([1]), Row([1, 2])) == (Difference("", Row([1]), Row([1, 2])),)


def test_values_are_shown_in_short() -> None:
    assert shown(Propose(Txn(Zxid(1, 2), 0))) == "Propose(Txn(Zxid(1, 2), 0))"
    assert shown((Role.LEADING, None, frozenset({Sid(2), Sid(1)}))) == "(LEADING, None, {1, 2})"
