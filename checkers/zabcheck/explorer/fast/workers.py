"""Exploration of one model by several operating system processes.

When a level is large enough the explorer forks. Each worker inherits everything learned so far and a share
of the level. From then on it is on its own: it expands its worlds, learns what it needs, assigns its own
ids, and never sends a world to another process. It sends fingerprints, block by block; the explorer, which
alone keeps the set of worlds found, replies which of them are new. So workers need not agree on ids, and
the counts are those of a single process.

Which of several parents a world is recorded with does depend on timing. So when a worker finds a violation
or an error, the explorer repeats the search alone and reports what it finds: the trace is the same for any
number of workers.
"""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import numpy as np

from zabcheck.explorer.errors import SpecError
from zabcheck.explorer.fast.columns import Ids
from zabcheck.explorer.fast.expansion import Block, Expansion, Made, Numbers, of_size, shared_out
from zabcheck.explorer.fast.visited import Mask, Prints, prints_of
from zabcheck.explorer.limits import resident_memory

FORK_FROM = 1 << 14
"""The size of the smallest level that is worth forking for, in worlds."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The worlds that a worker found from one block, each fingerprint once; fields are as in `Made`."""

    prints: Prints
    parents: Numbers
    causes: Ids
    generated: int


@dataclass(frozen=True, slots=True)
class LevelDone:
    """A worker has expanded its share of a level, and has `size` worlds of the next."""

    size: int
    reached: frozenset[str]
    violated: bool
    memory: int


Admit = Callable[[Candidates], tuple[Mask, int]]
"""Returns a mask of the candidates that are new, and the number of the first of them."""


def is_worthwhile(level: list[Block], workers: int) -> bool:
    """True if a level is large enough to fork for."""
    return workers > 1 and sum(block.size for block in level) >= FORK_FROM


class Workers:
    """Worker processes that expand a level together, each a share of it.

    Args:
        running: the processes, and the connections to them.
    """

    def __init__(self, running: list[tuple[BaseProcess, Connection]]) -> None:
        self._running = running

    def expand_level(self, admit: Admit) -> LevelDone:
        """Has the workers expand a level.

        Returns:
            The sum of their reports.

        Raises:
            RuntimeError: a worker died; its traceback is on standard error.
        """
        busy = {connection for _, connection in self._running}
        for connection in busy:
            connection.send(None)
        done: list[LevelDone] = []
        while busy:
            for ready in wait(list(busy)):
                assert isinstance(ready, Connection)
                try:
                    message = ready.recv()
                except EOFError:
                    raise RuntimeError("a worker died") from None
                if isinstance(message, LevelDone):
                    done.append(message)
                    busy.discard(ready)
                    continue
                is_new, first = admit(message)
                ready.send((np.packbits(is_new), first))
        return LevelDone(
            sum(each.size for each in done),
            frozenset().union(*(each.reached for each in done)),
            any(each.violated for each in done),
            sum(each.memory for each in done),
        )


@contextmanager
def started(expansion: Expansion, level: list[Block], workers: int) -> Iterator[Workers]:
    """Forks workers and divides a level among them; ends the workers on exit."""
    context = multiprocessing.get_context("fork")
    shares = shared_out(level, workers)
    running: list[tuple[BaseProcess, Connection]] = []
    try:
        for worker in range(workers):
            ours, theirs = context.Pipe()
            others = [ours, *(connection for _, connection in running)]
            process: BaseProcess = context.Process(
                target=_work, args=(theirs, others, expansion, shares[worker]), daemon=True
            )
            with warnings.catch_warnings():
                # Python warns about forking while threads run; a worker uses nothing that belongs to them.
                warnings.simplefilter("ignore", DeprecationWarning)
                process.start()
            theirs.close()
            running.append((process, ours))
        del shares
        yield Workers(running)
    finally:
        for process, ours in running:
            ours.close()
            process.terminate()
            process.join()


def _work(connection: Connection, others: list[Connection], expansion: Expansion, level: list[Block]) -> None:
    """Runs a worker until it is terminated, or the explorer is gone."""
    for other in others:
        other.close()
    try:
        while True:
            connection.recv()
            level = _expand_share(connection, expansion, level)
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return


def _expand_share(connection: Connection, expansion: Expansion, level: list[Block]) -> list[Block]:
    """Expands a share of a level; receives the reply for a block after expanding the next one."""
    found: list[Block] = []
    violated = False
    waiting: Made | None = None
    try:
        for block in of_size(level):
            made = expansion.expand_unchecked(block)
            violated = violated or made.violation is not None
            if waiting is not None:
                violated |= _answered(connection, expansion, waiting, found)
            connection.send(
                Candidates(prints_of(made.block.prints), made.parents, made.causes, made.generated)
            )
            waiting = made
        if waiting is not None:
            violated |= _answered(connection, expansion, waiting, found)
    except SpecError:
        violated = True  # the explorer goes the same way alone, and meets the error in order
    size = sum(block.size for block in found)
    connection.send(LevelDone(size, frozenset(expansion.reached), violated, resident_memory()))
    return found


def _answered(connection: Connection, expansion: Expansion, made: Made, found: list[Block]) -> bool:
    """Keeps the worlds that are new, checks them, and returns True if one violates a property."""
    bits, first = connection.recv()
    chosen = np.unpackbits(bits, count=made.block.size).nonzero()[0]
    made = made.only(chosen, first)
    if made.block.size:
        found.append(made.block)
    return expansion.check(made) is not None
