"""How an election ends for a server, and in which role.

`ENDINGS` lists all ways; `ending` says which of them a step is.
"""

from __future__ import annotations

from zabspec import fast_election
from zabspec.fast_election.state import DECIDED, Mode, Report, State
from zabspec.fast_election.votes import is_settled
from zabspec.parts import Sid

WHO = {Mode.LEADING: "leads", Mode.FOLLOWING: "follows", Mode.OBSERVING: "observes"}

HOW = (
    "with a quorum of its round",
    "too early",
    "by reports of its round",
    "by reports of another round",
)

ENDINGS = tuple(f"{who} {how}" for how in HOW for who in WHO.values())
"""The role that a server takes after its election, and what it decided by."""


def ending(action: str, before: State, after: State, server: Sid, *others: Sid) -> str | None:
    """Returns which of `ENDINGS` a step is; None if the step ends no election.

    Args:
        action: the name of the step's action.
        before: the state before the step.
        after: the state after the step.
        server: the server whose election may end, the first argument of the action.
        others: the other arguments of the action: the senders of messages.
    """
    mode = after.servers[server].mode
    if before.servers[server].mode != Mode.LOOKING or mode not in DECIDED:
        return None
    if action == fast_election.server_decides.__name__:
        return f"{WHO[mode]} {HOW[0]}"
    if action == fast_election.server_decides_early.__name__:
        return f"{WHO[mode]} {HOW[1]}"
    return f"{WHO[mode]} {HOW[2 if _is_of_its_round(before, server, others[0]) else 3]}"


def _is_of_its_round(state: State, server: Sid, sender: Sid) -> bool:
    """True if a server's decision rests on a notification of its own round and on votes of that round."""
    message = state.network[sender][server].head
    weighing = state.servers[server]
    if message is None or message.vote is None or message.round != weighing.round:
        return False
    received = weighing.received.put(sender, Report(message.vote, message.mode))
    return is_settled(state, server, received, message)
