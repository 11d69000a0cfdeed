"""What happened at each step of a run: which message was received, which were sent, which were lost.

A world says only what is in the channels. What was done to them is the difference between one world and
the next: channels are first-in-first-out, so what is gone was at the front, and what is new is at the back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zabcheck.explorer.verdicts import Trace, TraceStep

TAKING = frozenset(
    {
        "follower_starts_sync",
        "follower_queues_proposal",
        "follower_notes_commit",
        "observer_queues_inform",
        "follower_acknowledges_newleader",
        "server_joins_round",
        "server_counts_vote",
        "server_discards_vote",
        "server_answers_late",
        "server_weighs_report",
        "server_answers",
        "server_ignores",
        "client_receives",
        "server_applies",
        "server_answers_sync",
        "server_registers_again",
    }
)
"""The actions that take a message from a channel, and do not say `processes`."""


Channel = tuple[int, int, int]
"""A channel: of which network, if there are several, from whom, to whom."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A message on its way.

    Attributes:
        sender: the server that sent it.
        receiver: the server that it is sent to.
        message: what was sent.
        sent: the number of the step that sent it; 0 when it was there from the beginning.
    """

    sender: int
    receiver: int
    message: Any
    sent: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One step of a run.

    Attributes:
        number: of the step, from 1.
        step: the action, and the world after it.
        before: the world before it.
        received: the message that the step took from a channel.
        sent: the messages that it sent.
        lost: the messages that went with their connection.
    """

    number: int
    step: TraceStep
    before: Any
    received: Flight | None
    sent: tuple[Flight, ...]
    lost: tuple[Flight, ...]


def protocol_of(world: Any) -> Any:
    """The state of the protocol in a world."""
    return getattr(world, "protocol", world)


def happenings(trace: Trace) -> tuple[tuple[Happening, ...], tuple[Flight, ...]]:
    """What happened at each step, and what was still on its way in the end."""
    flying: dict[Channel, list[Flight]] = {}
    happened = []
    before = trace.steps[0].world
    _compare(flying, before, 0)
    for number, step in enumerate(trace.steps[1:], 1):
        gone, sent = _compare(flying, step.world, number)
        received = next((flight for flight in gone if _takes(step, flight)), None)
        lost = tuple(flight for flight in gone if flight is not received)
        happened.append(Happening(number, step, before, received, tuple(sent), lost))
        before = step.world
    left = (flight for channel in sorted(flying) for flight in flying[channel])
    return tuple(happened), tuple(left)


def _compare(
    flying: dict[Channel, list[Flight]], world: Any, number: int
) -> tuple[list[Flight], list[Flight]]:
    """Brings `flying` up to date with a world; returns what is gone and what is new."""
    gone: list[Flight] = []
    sent: list[Flight] = []
    for channel, queue in _channels(protocol_of(world)):
        _, sender, receiver = channel
        there = flying.setdefault(channel, [])
        removed = _removed([flight.message for flight in there], queue)
        new = [Flight(sender, receiver, message, number) for message in queue[len(there) - removed :]]
        gone += there[:removed]
        sent += new
        flying[channel] = there[removed:] + new
    return gone, sent


def _channels(protocol: Any) -> Iterator[tuple[Channel, Sequence[Any]]]:
    """The channels of a state, and those of an election that goes on beside it."""
    networks = [getattr(protocol, "network", ())]
    if hasattr(protocol, "election"):
        networks.append(protocol.election.network)
    for layer, network in enumerate(networks):
        for sender, row in enumerate(network):
            for receiver, queue in enumerate(row):
                yield (layer, sender, receiver), queue


def _removed(before: Sequence[Any], after: Sequence[Any]) -> int:
    """The least number of messages that went from the front."""
    for removed in range(len(before)):
        kept = list(before[removed:])
        if kept == list(after[: len(kept)]):
            return removed
    return len(before)


def _takes(step: TraceStep, flight: Flight) -> bool:
    """Whether the step processes the message: `follower_processes_commit(follower, leader)`."""
    takes = "_processes_" in step.action or step.action in TAKING
    return takes and step.arguments[:2] == (flight.receiver, flight.sender)
