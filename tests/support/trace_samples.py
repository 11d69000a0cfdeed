"""Runs of the paper's ZAB that the tests of trace files, replay and diagrams share."""

from __future__ import annotations

from dataclasses import replace

from zabcheck.explorer.model import Model, Property
from zabcheck.explorer.verdicts import Trace, TraceStep
from zabcheck.models.paper import model as paper
from zabcheck.models.paper import zab_tla
from zabcheck.models.paper.bounds import Bounds
from zabspec.paper.state import State

SETTINGS = {"spec": "paper", "servers": 3}

# Server 0 leads server 1, and both deliver what server 0 has logged. Server 2 joins them and loses its
# connection; then server 1 restarts.
STORY = (
    ("server_becomes_oracle_choice", 0),
    ("server_follows_oracle", 1),
    ("follower_connects", 0, 1),
    ("leader_processes_cepoch", 0, 1),
    ("follower_processes_newepoch", 1, 0),
    ("leader_processes_ackepoch", 0, 1),
    ("follower_processes_newleader", 1, 0),
    ("leader_processes_ackleader", 0, 1),
    ("follower_processes_commitleader", 1, 0),
    ("server_follows_oracle", 2),
    ("leader_accepts_request", 0),
    ("follower_connects", 0, 2),
    ("leader_sends_proposal", 0),
    ("follower_processes_proposal", 1, 0),
    ("leader_processes_ack", 0, 1),
    ("follower_processes_commit", 1, 0),
    ("leader_processes_cepoch", 0, 2),
    ("follower_processes_newepoch", 2, 0),
    ("leader_processes_ackepoch", 0, 2),
    ("follower_processes_newleader", 2, 0),
    ("connection_times_out", 0, 2),
    ("server_restarts", 1),
)


def nothing_delivered_at_two(state: State) -> bool:
    """No two servers have delivered anything."""
    return sum(server.committed > 0 for server in state.servers) < 2


def someone_delivers(state: State) -> bool:
    """Some server has delivered something."""
    return any(server.committed for server in state.servers)


def no_restart_forgets(before: State, after: State, sid: int) -> bool:
    """No step takes anything back that a server has delivered."""
    return after.servers[sid].committed >= before.servers[sid].committed


def story_model(bookkeeping: bool = False) -> Model:
    """Returns a model with one property of each kind, two of which `STORY` violates."""
    bounds = Bounds(servers=3, transactions=2, timeouts=2, restarts=1)
    plain = zab_tla.model(bounds) if bookkeeping else paper.model(bounds)
    return replace(
        plain,
        always=(_property(nothing_delivered_at_two),),
        every_step=(_property(no_restart_forgets, 1),),
        sometimes=(_property(someone_delivers),),
        settings=SETTINGS,
    )


def run(model: Model, story: tuple[tuple[object, ...], ...] = STORY, asked: str = "") -> Trace:
    """Returns the trace that takes the steps of a story."""
    world = model.initial
    steps = [TraceStep("", (), world)]
    for action, *arguments in story:
        (step,) = (s for s in model.steps if (s.action, s.arguments) == (action, tuple(arguments)))
        world = step.apply(world, *step.arguments)
        assert world is not None, f"{step.label} is not enabled"
        steps.append(TraceStep(step.action, step.arguments, world))
    return Trace(model.settings, tuple(steps), asked)


def _property(predicate, arity: int = 0) -> Property:
    return Property(predicate.__name__, predicate, arity, predicate.__doc__)
