"""What happened at each step of a run: which message was received, which were sent, which were lost.

A world says only what is in the channels. What was done to the channels is the difference between one world
and the next: they are first-in-first-out, so what has gone was at the front, and what is new is at the back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zabcheck.explorer.verdicts import Trace, TraceStep
from zabcheck.models.drawing import Words

Channel = tuple[int, int, int]
"""A channel: the number of its network, its sender, its receiver."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A message in flight.

    Attributes:
        sender: the column of the sender.
        receiver: the column of the receiver.
        message: what was sent.
        sent: the number of the step that sent the message; 0 if it was in flight from the beginning.
    """

    sender: int
    receiver: int
    message: Any
    sent: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One step of a run.

    Attributes:
        number: the number of the step, from 1.
        step: the action, and the world after it.
        before: the world before the step.
        received: the message that the step took from a channel; None if it took none.
        sent: the messages that the step sent.
        lost: the messages that were lost because their connection closed.
    """

    number: int
    step: TraceStep
    before: Any
    received: Flight | None
    sent: tuple[Flight, ...]
    lost: tuple[Flight, ...]


def protocol_of(world: Any) -> Any:
    """Returns the state of the protocol in a world."""
    return getattr(world, "protocol", world)


def happenings(trace: Trace, words: Words) -> tuple[tuple[Happening, ...], tuple[Flight, ...]]:
    """Returns what happened at each step, and which messages are still in flight at the end."""
    flying: dict[Channel, list[Flight]] = {}
    happened = []
    before = trace.steps[0].world
    _compare(flying, before, 0, words)
    for number, step in enumerate(trace.steps[1:], 1):
        gone, sent = _compare(flying, step.world, number, words)
        received = next((flight for flight in gone if _is_received(step, flight, words)), None)
        lost = tuple(flight for flight in gone if flight is not received)
        happened.append(Happening(number, step, before, received, tuple(sent), lost))
        before = step.world
    left = (flight for channel in sorted(flying) for flight in flying[channel])
    return tuple(happened), tuple(left)


def _compare(
    flying: dict[Channel, list[Flight]], world: Any, number: int, words: Words
) -> tuple[list[Flight], list[Flight]]:
    """Brings `flying` up to date with a world; returns what has gone and what is new."""
    gone: list[Flight] = []
    sent: list[Flight] = []
    for channel, queue in _channels(protocol_of(world), words):
        _, sender, receiver = channel
        there = flying.setdefault(channel, [])
        removed = _removed([flight.message for flight in there], queue)
        new = [Flight(sender, receiver, message, number) for message in queue[len(there) - removed :]]
        gone += there[:removed]
        sent += new
        flying[channel] = there[removed:] + new
    return gone, sent


def _channels(state: Any, words: Words) -> Iterator[tuple[Channel, Sequence[Any]]]:
    for layer, network in enumerate(words.networks(state)):
        for sender, row in enumerate(network):
            for receiver, queue in enumerate(row):
                yield (layer, sender, receiver), queue


def _removed(before: Sequence[Any], after: Sequence[Any]) -> int:
    """Returns the smallest number of messages that may have gone from the front."""
    for removed in range(len(before)):
        kept = list(before[removed:])
        if kept == list(after[: len(kept)]):
            return removed
    return len(before)


def _is_received(step: TraceStep, flight: Flight, words: Words) -> bool:
    """True if the step takes the message from its channel."""
    return step.action in words.receiving and step.arguments[:2] == (flight.receiver, flight.sender)
