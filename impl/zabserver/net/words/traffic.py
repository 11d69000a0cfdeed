"""Counters that the client port keeps, for four-letter words and metrics to report.

ZooKeeper: ServerMetrics, ServerStats, ServerCnxn.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Sizes:
    """How large replies were, in bytes: of all that went out in one write, the first is looked at."""

    last: int = -1
    least: int = -1
    most: int = -1

    def add(self, size: int) -> None:
        """One more."""
        self.last = size
        if size < self.least or self.least < 0:
            self.least = size
        if size > self.most:
            self.most = size


@dataclass(slots=True)
class Answered:
    """How long one client waited, in milliseconds, from what it sent until something was sent back."""

    asked: int = -1
    at: int = 0
    last: int = 0
    least: int = 0
    most: int = 0
    total: int = 0
    count: int = 0

    def on_asked(self, now: int) -> None:
        """The client sent something."""
        if self.asked < 0:
            self.asked = now

    def on_sent(self, now: int) -> None:
        """The client was sent something."""
        if self.asked < 0:
            return
        waited = now - self.asked
        self.at, self.last, self.asked = now, waited, -1
        if waited < self.least or not self.count:
            self.least = waited
        if waited > self.most:
            self.most = waited
        self.total += waited
        self.count += 1

    @property
    def mean(self) -> int:
        """Of all; 0 if there are none."""
        return self.total // self.count if self.count else 0


@dataclass(slots=True)
class Traffic:
    """What came in and went out over one client port since the server's start.

    Attributes:
        accepted: connections that clients have made, with those refused.
        refused: connections closed at once because a limit was reached.
        lost: connections that ended without being closed by the server.
        without_session: connections closed because no session was requested in time.
        bytes_received: bytes read from clients.
        bytes_sent: bytes written to clients.
        response_sizes: sizes of replies.
    """

    accepted: int = 0
    refused: int = 0
    lost: int = 0
    without_session: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    response_sizes: Sizes = field(default_factory=Sizes)
