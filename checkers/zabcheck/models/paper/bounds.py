"""How far `zabspec.paper` is explored."""

from __future__ import annotations

from dataclasses import dataclass

from zabcheck.models.bounds import check_values, count, flag


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far to explore, and what to keep beside the state.

    Attributes:
        servers: how many.
        transactions: the longest history that a request may lead to.
        timeouts: how many connections may time out; a restart uses up one too, but is not stopped by it.
        restarts: how many servers may restart.
        epochs: the highest epoch that may be proposed; None for no bound.
        numbered: give each request a number of its own as its value, as Zab.tla does. Without, all values are
            0: ZAB never looks at them, and the properties then tell transactions apart by zxid alone.
        restart_needs_timeout: refuse a restart when no timeout is left. Apache's Zab.tla does; the one that
            it was forked from does not.
        give_up: let a leader without a quorum, or a follower without a leader, go back to election, and have
            all of `model.FOR_LIVENESS`.
        bookkeeping: keep beside the state what Zab.tla keeps in it, so that counts compare with TLC's.
    """

    servers: int = count(3, "how many servers", least=1)
    transactions: int = count(2, "the longest history that a request may lead to")
    timeouts: int = count(1, "how many connections may time out")
    restarts: int = count(0, "how many servers may restart")
    epochs: int | None = count(None, "the highest epoch that may be proposed")
    numbered: bool = flag(
        "give each request a number of its own as its value", "each request with a value of its own"
    )
    restart_needs_timeout: bool = flag(
        "refuse a restart when no timeout is left", "a restart only while a timeout is left"
    )
    give_up: bool = flag(
        "let a leader without a quorum go back to election", "leaders without a quorum give up"
    )
    bookkeeping: bool = flag(
        "keep what Zab.tla keeps: counts compare with TLC's", "with Zab.tla's bookkeeping"
    )


def check(bounds: Bounds) -> None:
    """Checks whether bounds fit together.

    Raises:
        ValueError: they do not; one line that says what is wrong.
    """
    check_values(bounds)
    if bounds.bookkeeping and bounds.give_up:
        raise ValueError("bookkeeping and give_up: in Zab.tla no leader gives up")
