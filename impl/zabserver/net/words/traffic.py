"""Counters that the client port keeps and that four-letter words and metrics report.

ZooKeeper: ServerMetrics, ServerStats, ServerCnxn.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Sizes:
    """Sizes of replies, in bytes; of several replies in one write, only the first is counted.

    Attributes:
        last: size of the last reply; -1 before the first.
        least, most: smallest and largest size so far; -1 before the first.
    """

    last: int = -1
    least: int = -1
    most: int = -1

    def add(self, size: int) -> None:
        """Counts one reply."""
        self.last = size
        if size < self.least or self.least < 0:
            self.least = size
        if size > self.most:
            self.most = size


@dataclass(slots=True)
class Answered:
    """Response times of one client, in milliseconds, from the arrival of its bytes until something is sent
    back.

    Attributes:
        asked: when the oldest bytes without an answer arrived; -1 if there are none.
        at: when the last answer was sent.
        last: the last response time.
        least, most: shortest and longest response time.
        total: sum of all response times.
        count: number of response times.
    """

    asked: int = -1
    at: int = 0
    last: int = 0
    least: int = 0
    most: int = 0
    total: int = 0
    count: int = 0

    def on_asked(self, now: int) -> None:
        """Records that bytes arrived, at a monotonic time in milliseconds."""
        if self.asked < 0:
            self.asked = now

    def on_sent(self, now: int) -> None:
        """Records that something was sent, at a monotonic time in milliseconds."""
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
        """Mean response time in milliseconds; 0 before the first answer."""
        return self.total // self.count if self.count else 0


@dataclass(slots=True)
class Traffic:
    """Counters of one client port since the start of the server.

    Attributes:
        accepted: accepted connections, including those refused afterwards.
        refused: connections closed at once because a limit was reached.
        lost: connections that the client closed, or that failed.
        without_session: connections closed because no session was requested in time.
        bytes_received: bytes received from clients.
        bytes_sent: bytes sent to clients.
        response_sizes: sizes of replies.
    """

    accepted: int = 0
    refused: int = 0
    lost: int = 0
    without_session: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    response_sizes: Sizes = field(default_factory=Sizes)
