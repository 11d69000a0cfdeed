"""What may happen in Fast Leader Election within an action: how an election ends for a server, and as what.

`ENDINGS` lists all there are; `ending` says which of them a step is.
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
"""What a server does after its election, and by what it decided."""


def ending(action: str, before: State, after: State, server: Sid, *others: Sid) -> str | None:
    """What a step is among `ENDINGS`; None, if it ends no election.

    Args:
        action: its name.
        before: the state before it.
        after: the state after it.
        server: the first of its arguments, whose election it may end.
        others: its other arguments: whom it has heard.
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
    """Whether what a server hears from another settles it together with what it has heard in its round."""
    message = state.network[sender][server].head
    weighing = state.servers[server]
    if message is None or message.vote is None or message.round != weighing.round:
        return False
    received = weighing.received.put(sender, Report(message.vote, message.mode))
    return is_settled(state, server, received, message)
