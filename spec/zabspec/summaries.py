"""Summaries of servers, of which the most recent one in a quorum is what a new epoch begins with.

Leaders in discovery compare them (l.1.2), and so do the refinement mappings of several grains: what the most
recent summaries of all quorums have in common can no longer be lost.

Paper: Junqueira, Reed, Serafini, DSN 2011, section IV.
"""

from __future__ import annotations

from dataclasses import dataclass

from zabspec.histories import History, last_zxid


@dataclass(frozen=True, slots=True)
class Summary:
    """The state of one server as others compare it: its current epoch, f.a, and its history, h_f."""

    epoch: int
    history: History


def more_recent(one: Summary | None, other: Summary) -> Summary:
    """Returns the summary with the higher epoch or, in the same epoch, the higher last zxid.

    Paper: l.1.2, the condition on f.a and h_f. Two summaries that are equal in both have the same history.
    """
    if one is None:
        return other
    mine = (one.epoch, last_zxid(one.history))
    return one if mine >= (other.epoch, last_zxid(other.history)) else other


def most_recent(summaries: tuple[Summary, ...]) -> Summary:
    """Returns the most recent of some summaries; there must be at least one."""
    best = summaries[0]
    for other in summaries[1:]:
        best = more_recent(best, other)
    return best


@dataclass(frozen=True, slots=True)
class Share:
    """What a refinement mapping reads of one server.

    Attributes:
        prospects: the summaries that the server may have before it adopts anything new, its present one
            first.
        heard_of: transactions that it has received beside its history, and that may be outstanding.
        delivered: what it has delivered.
        primary: the epoch that it is the established leader of, 0 if it is none.
    """

    prospects: tuple[Summary, ...]
    heard_of: History
    delivered: History
    primary: int


def next_epoch(candidate: Summary, settled: int) -> int:
    """Returns the epoch of the first transaction after the log, in an epoch that begins with `candidate`.

    Args:
        candidate: the summary that the epoch begins with; its own epoch is the answer if it ends with the
            log.
        settled: how long the log is.
    """
    if len(candidate.history) > settled:
        return candidate.history[settled].zxid.epoch
    return candidate.epoch
