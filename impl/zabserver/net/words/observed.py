"""Protocols for what four-letter words and metrics read of a running server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from zabserver.net.configuration.options import Options
from zabserver.net.disk.disk import Disk
from zabserver.net.words.traffic import Answered, Traffic
from zabserver.service.clients import Clients
from zabserver.service.connection import Connection


class ObservedSocket(Protocol):
    """The socket of one client.

    Attributes:
        answered: how long that client has waited for replies.
    """

    answered: Answered


class ObservedPort(Protocol):
    """The port that clients connect to.

    Attributes:
        number: the port without TLS; 0 if there is none.
        secure_number: the port with TLS; None if there is none.
        traffic: counters.
        trace_mask: the number that `stmk` sets and `gtmk` returns.
    """

    number: int
    secure_number: int | None
    traffic: Traffic
    trace_mask: int

    @property
    def sockets(self) -> Mapping[Connection, ObservedSocket]:
        """The socket of each open connection."""


class Observed(Protocol):
    """A server.

    Attributes:
        options: the settings that the server was started with.
        started: when the server was started, on the monotonic clock, in seconds.
    """

    options: Options
    started: float

    @property
    def disk(self) -> Disk:
        """The files of the data directory."""

    @property
    def port(self) -> ObservedPort:
        """The port that clients connect to."""

    @property
    def service(self) -> Clients:
        """The core that serves clients now; an ensemble's member changes it with its role."""

    @property
    def mode(self) -> str:
        """The mode that `srvr` reports, such as standalone or leader."""

    @property
    def is_serving(self) -> bool:
        """True if clients are served."""

    def more_counts(self) -> dict[str, int | str]:
        """Returns what `mntr` reports of this kind of server only."""
