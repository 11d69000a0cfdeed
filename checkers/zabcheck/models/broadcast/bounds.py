"""How far `zabspec.broadcast` is explored."""

from __future__ import annotations

from dataclasses import dataclass

from zabcheck.models.bounds import count, flag


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to explore.

    Attributes:
        servers: how many.
        transactions: how many may be broadcast.
        timeouts: how many primaries may resign.
        restarts: how many servers may restart.
        epochs: the highest epoch.
        numbered: give each transaction a number of its own as its value; without, all values are 0.
    """

    servers: int = count(3, "how many servers", least=1)
    transactions: int = count(2, "how many transactions may be broadcast")
    timeouts: int = count(1, "how many primaries may resign")
    restarts: int = count(0, "how many servers may restart")
    epochs: int = count(2, "the highest epoch")
    numbered: bool = flag(
        "give each transaction a number of its own as its value", "each request with a value of its own"
    )
