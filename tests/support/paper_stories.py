"""Stories of the paper's ZAB: how tests drive `zabspec.paper` by hand into a situation.

A test gets the actions through `Protocol`, so the same test runs with an action that has a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zabspec import paper
from zabspec.histories import Txn, Zxid
from zabspec.paper.network import with_channel, with_server
from zabspec.paper.state import Message, Role, Server, State
from zabspec.parts import Queue, Sid, replace
from zabspec.phases import Phase

L, F, G, H, K = (Sid(sid) for sid in range(5))
"""A leader and up to four followers, as the stories below have them."""


class Protocol:
    """The actions of the paper's ZAB, or of a mutant of it, and a note of what was asked of each.

    Attributes:
        taken: the names of the actions that a test has seen enabled.
        refused: the names of the actions that a test has seen not enabled.
    """

    def __init__(self, actions: Sequence[Callable[..., State | None]] = paper.NEXT) -> None:
        self._actions = {action.__name__: action for action in actions}
        self.taken: set[str] = set()
        self.refused: set[str] = set()

    def takes(self, state: State, action: str, *arguments: int) -> State:
        """Returns the state after an action, which must be enabled."""
        after = self._actions[action](state, *arguments)
        assert after is not None, f"{action}{arguments} is not enabled"
        self.taken.add(action)
        return after

    def refuses(self, state: State, action: str, *arguments: int) -> None:
        """Checks that an action is not enabled."""
        assert self._actions[action](state, *arguments) is None, f"{action}{arguments} is enabled"
        self.refused.add(action)

    def after(self, story: str, size: int = 3) -> State:
        """Returns the state that a story leads to: actions with their arguments, one after the other."""
        return self.on(paper.initial(size), story)

    def on(self, state: State, story: str) -> State:
        """Returns the state that a story leads to from another state."""
        for step in story.replace("\n", ";").split(";"):
            if step.strip():
                action, *arguments = step.split()
                after = self._actions[action](state, *map(int, arguments))
                assert after is not None, f"{step.strip()} is not enabled"
                state = after
        return state


# Stories: server 0 leads, unless they say otherwise.

NAMED = "server_becomes_oracle_choice 0;"
FOLLOWED = f"{NAMED} server_follows_oracle 1; server_follows_oracle 2;"
CONNECTED = f"{FOLLOWED} follower_connects 0 1; follower_connects 0 2;"
PROPOSED = f"{CONNECTED} leader_processes_cepoch 0 1; leader_processes_cepoch 0 2;"
PROMISED = f"{PROPOSED} follower_processes_newepoch 1 0; follower_processes_newepoch 2 0;"
CHOSEN = f"{PROMISED} leader_processes_ackepoch 0 1; leader_processes_ackepoch 0 2;"
ADOPTED = f"{CHOSEN} follower_processes_newleader 1 0; follower_processes_newleader 2 0;"
ESTABLISHED = f"{ADOPTED} leader_processes_ackleader 0 1; leader_processes_ackleader 0 2;"
SERVING = f"{ESTABLISHED} follower_processes_commitleader 1 0; follower_processes_commitleader 2 0;"
LOGGED = f"{SERVING} leader_accepts_request 0 7; leader_sends_proposal 0;"
WRITTEN = f"{LOGGED} follower_processes_proposal 1 0; follower_processes_proposal 2 0;"
DELIVERED = f"{WRITTEN} leader_processes_ack 0 1; follower_processes_commit 1 0;"

# With five servers, a leader and one follower are no quorum; with two followers they are.
FIVE = """
    server_becomes_oracle_choice 0; server_follows_oracle 1; server_follows_oracle 2; server_follows_oracle 3
    follower_connects 0 1; follower_connects 0 2; follower_connects 0 3;
"""
FIVE_PROPOSED = f"""{FIVE} leader_processes_cepoch 0 1; leader_processes_cepoch 0 2
    leader_processes_cepoch 0 3;
"""
FIVE_PROMISED = f"""{FIVE_PROPOSED} follower_processes_newepoch 1 0; follower_processes_newepoch 2 0
    follower_processes_newepoch 3 0;
"""
FIVE_CHOSEN = f"""{FIVE_PROMISED} leader_processes_ackepoch 0 1; leader_processes_ackepoch 0 2
    leader_processes_ackepoch 0 3;
"""
FIVE_ADOPTED = f"""{FIVE_CHOSEN} follower_processes_newleader 1 0; follower_processes_newleader 2 0
    follower_processes_newleader 3 0;
"""
FIVE_SERVING = f"""{FIVE_ADOPTED} leader_processes_ackleader 0 1; leader_processes_ackleader 0 2
    leader_processes_ackleader 0 3; follower_processes_commitleader 1 0; follower_processes_commitleader 2 0
    follower_processes_commitleader 3 0;
"""

FIRST, SECOND = Txn(Zxid(1, 1), 7), Txn(Zxid(1, 2), 8)
ONE, TWO, THREE = Txn(Zxid(1, 1), 0), Txn(Zxid(1, 2), 0), Txn(Zxid(2, 1), 0)


def changed(state: State, server: Sid, **changes: Any) -> State:
    """The state with some fields of a server set by hand."""
    return with_server(state, server, replace(state.servers[server], **changes))


def sending(state: State, sender: Sid, receiver: Sid, *messages: Message) -> State:
    """The state with nothing but these messages under way from one server to another."""
    return with_channel(state, sender, receiver, Queue(messages))


def under_way(state: State, sender: Sid, receiver: Sid) -> tuple[Message, ...]:
    """The messages under way from one server to another, the oldest first."""
    return tuple(state.network[sender][receiver])


def is_in_phase_0(server: Server) -> bool:
    """True if a server looks for a leader and is connected to nobody."""
    return (server.role, server.phase, server.leader) == (Role.LOOKING, Phase.ELECTION, None)
