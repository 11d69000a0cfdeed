"""Several processes explore one model.

When a level is large enough the explorer forks. Each worker inherits all that is known and a share of the
level, and from then on keeps to itself: it expands its worlds, learns what it needs, gives out ids of its
own, and never sends a world to anyone. What it sends are fingerprints, block by block; the explorer, which
alone knows what was seen, answers which of them are new. So workers share no ids, and counts are those of one
process.

What does depend on who came first is which of several parents a world gets. So when workers find a violation,
the explorer goes the same way again alone and reports what it finds: the trace is the same for any number of
workers.
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
"""The smallest level that is worth forking for, in worlds."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a worker found in one block, each fingerprint once: numbers and causes as in `Made`."""

    prints: Prints
    parents: Numbers
    causes: Ids
    generated: int


@dataclass(frozen=True, slots=True)
class LevelDone:
    """A worker has expanded all its worlds of a level, and has `size` of the next."""

    size: int
    reached: frozenset[str]
    violated: bool
    memory: int


Admit = Callable[[Candidates], tuple[Mask, int]]
"""Which of the candidates are new, and the number of the first of them."""


def is_worthwhile(level: list[Block], workers: int) -> bool:
    """Whether forking pays."""
    return workers > 1 and sum(block.size for block in level) >= FORK_FROM


class Workers:
    """Processes that expand a level together, each its own share of it.

    Args:
        running: the processes, and the connections to them.
    """

    def __init__(self, running: list[tuple[BaseProcess, Connection]]) -> None:
        self._running = running

    def expand_level(self, admit: Admit) -> LevelDone:
        """Let the workers expand a level.

        Returns:
            Their reports added up.

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
    """Fork, and share a level out; the processes are gone at the end."""
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
                # Python warns of forking while threads run; a worker touches nothing of theirs.
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
    """What a worker does until it is terminated, or the explorer is gone."""
    for other in others:
        other.close()
    try:
        while True:
            connection.recv()
            level = _expand_share(connection, expansion, level)
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return


def _expand_share(connection: Connection, expansion: Expansion, level: list[Block]) -> list[Block]:
    """Expand a level; the answer to a block is awaited only when the next one is expanded."""
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
    """Keep what is new, check it, and say whether something is wrong with it."""
    bits, first = connection.recv()
    chosen = np.unpackbits(bits, count=made.block.size).nonzero()[0]
    made = made.only(chosen, first)
    if made.block.size:
        found.append(made.block)
    return expansion.check(made) is not None
