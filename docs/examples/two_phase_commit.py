"""Two-phase commit: resource managers commit a transaction together, or none of them does.

Follows TwoPhase.tla of Gray and Lamport, "Consensus on Transaction Commit" (2006), action by action. Messages
are never removed: a message that was sent may be received at any time, more than once, or never.

    zab check docs/examples/two_phase_commit.py
    zab check docs/examples/two_phase_commit.py --set hasty=true
    zab liveness docs/examples/two_phase_commit.py --set reliable=false
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from zabcheck.explorer import Model, assume, model_of
from zabspec.parts import Row, Sid, replace

# The state.


class Phase(IntEnum):
    """The state of a resource manager."""

    WORKING = 0
    PREPARED = 1
    COMMITTED = 2
    ABORTED = 3


class Decision(IntEnum):
    """The state of the transaction manager."""

    INIT = 0
    COMMITTED = 1
    ABORTED = 2


@dataclass(frozen=True, slots=True)
class Prepared:
    """A resource manager tells the transaction manager that it is prepared."""

    manager: Sid


@dataclass(frozen=True, slots=True)
class Commit:
    """The transaction manager tells all resource managers to commit."""


@dataclass(frozen=True, slots=True)
class Abort:
    """The transaction manager tells all resource managers to abort."""


@dataclass(frozen=True, slots=True)
class State:
    """The resource managers are the processes of the model; there is one transaction manager."""

    managers: Row[Phase]
    decision: Decision
    prepared: frozenset[Sid]  # whose Prepared the transaction manager has received
    messages: frozenset[Prepared | Commit | Abort]


# The actions.


def transaction_manager_commits(state: State) -> State | None:
    """The transaction manager commits when every resource manager is known to be prepared."""
    if state.decision != Decision.INIT or len(state.prepared) < len(state.managers):
        return None
    return replace(state, decision=Decision.COMMITTED, messages=state.messages | {Commit()})


def transaction_manager_commits_hastily(state: State) -> State | None:
    """A mistake: one prepared resource manager is enough."""
    if state.decision != Decision.INIT or not state.prepared:
        return None
    return replace(state, decision=Decision.COMMITTED, messages=state.messages | {Commit()})


def transaction_manager_aborts(state: State) -> State | None:
    """The transaction manager aborts of its own accord."""
    if state.decision != Decision.INIT:
        return None
    return replace(state, decision=Decision.ABORTED, messages=state.messages | {Abort()})


def transaction_manager_receives_prepared(state: State, manager: Sid) -> State | None:
    """The transaction manager learns that a resource manager is prepared."""
    if state.decision != Decision.INIT or Prepared(manager) not in state.messages:
        return None
    return replace(state, prepared=state.prepared | {manager})


def manager_prepares(state: State, manager: Sid) -> State | None:
    """A resource manager prepares, and says so; from here on it may no longer abort of its own accord."""
    if state.managers[manager] != Phase.WORKING:
        return None
    return replace(
        state,
        managers=state.managers.put(manager, Phase.PREPARED),
        messages=state.messages | {Prepared(manager)},
    )


def manager_chooses_to_abort(state: State, manager: Sid) -> State | None:
    """A resource manager that is not prepared aborts, and tells nobody."""
    if state.managers[manager] != Phase.WORKING:
        return None
    return replace(state, managers=state.managers.put(manager, Phase.ABORTED))


def manager_receives_commit(state: State, manager: Sid) -> State | None:
    """A resource manager is told to commit."""
    if Commit() not in state.messages:
        return None
    return replace(state, managers=state.managers.put(manager, Phase.COMMITTED))


def manager_receives_abort(state: State, manager: Sid) -> State | None:
    """A resource manager is told to abort."""
    if Abort() not in state.messages:
        return None
    return replace(state, managers=state.managers.put(manager, Phase.ABORTED))


# The properties.


def managers_agree(state: State, one: Sid, other: Sid) -> bool:
    """No resource manager has committed while another one has aborted."""
    return state.managers[one] != Phase.COMMITTED or state.managers[other] != Phase.ABORTED


def all_commit(state: State) -> bool:
    """All resource managers have committed."""
    return all(phase == Phase.COMMITTED for phase in state.managers)


def all_abort(state: State) -> bool:
    """All resource managers have aborted."""
    return all(phase == Phase.ABORTED for phase in state.managers)


def manager_finishes(state: State, manager: Sid) -> bool:
    """Every resource manager commits or aborts in the end."""
    return state.managers[manager] in (Phase.COMMITTED, Phase.ABORTED)


# The model.


def model(managers: int = 3, hasty: bool = False, reliable: bool = True) -> Model:
    """Returns the model.

    Args:
        managers: how many resource managers there are.
        hasty: True for a transaction manager that commits as soon as one resource manager is prepared.
        reliable: True if the transaction manager decides in the end; False if it may stop for ever.
    """
    start = State(Row([Phase.WORKING] * managers), Decision.INIT, frozenset(), frozenset())
    commits = transaction_manager_commits_hastily if hasty else transaction_manager_commits
    fair = [manager_prepares, manager_receives_commit, manager_receives_abort]
    return model_of(
        "two-phase commit",
        start,
        [
            commits,
            transaction_manager_aborts,
            transaction_manager_receives_prepared,
            manager_prepares,
            manager_chooses_to_abort,
            manager_receives_commit,
            manager_receives_abort,
        ],
        processes=managers,
        always=[managers_agree],
        sometimes=[all_commit, all_abort],
        eventually=[manager_finishes],
        fairness=assume(weak=[*fair, transaction_manager_aborts] if reliable else fair),
        symmetry=True,
        who="resource manager",
    )
