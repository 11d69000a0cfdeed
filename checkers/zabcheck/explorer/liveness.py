"""Liveness: looks among the cycles of an explored graph for a fair run that never reaches its goal.

An infinite run through a finite graph stays, from some point on, in one strongly connected component. Take
the part of the graph in which a property's premise holds and its goal does not: the property is violated if
some component of that part is *fair*, that is, if a run through all of it is fair to every step. It is fair
to a weakly fair step if the step is taken, or disabled in some world of the component; and to a strongly
fair step if the step is taken, or disabled in all worlds. Worlds that enable a strongly fair step which is
not taken are removed, and the rest is divided into components again (Emerson and Lei's procedure for
Streett conditions). A run may also stay in one world for ever: that is a run that ends.

The model says which steps are fair and what else is assumed (`Model.fairness`). Symmetry is not used here:
two steps that a renaming makes one are still each owed their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from zabcheck.explorer.lasso import Fairness, Lasso, Owed, lasso_in
from zabcheck.explorer.limits import Limits, OutOfBudgetError, Progress
from zabcheck.explorer.model import Model, World
from zabcheck.explorer.options import Options
from zabcheck.explorer.plain import successors
from zabcheck.explorer.promises import Assumptions, Promise, Up
from zabcheck.explorer.running import asked, check_model
from zabcheck.explorer.verdicts import Counts, Outcome, Trace, TraceStep, Verdict
from zabspec.parts import Sid

Edge = tuple[int, int, int]
"""The number of a world, the number of the next world, and the index of the step between them."""


@dataclass(frozen=True, slots=True)
class Graph:
    """All worlds of a model and all steps between them, without symmetry.

    Attributes:
        model: what was explored.
        worlds: the worlds by number; 0 is the initial one. None stands for worlds in which liveness is not
            checked.
        edges: the steps between them, those from one world together.
    """

    model: Model
    worlds: Sequence[World | None]
    edges: Sequence[Edge]


def check_liveness(
    model: Model,
    options: Options | None = None,
    properties: Sequence[Promise] | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Explores a model, breadth-first and without symmetry, and checks its liveness properties.

    Args:
        model: the model; `Model.eventually` and `Model.fairness` say what to check under which assumptions.
        options: the limits; memory grows with the steps, so some 100,000 worlds are as far as it goes.
        properties: the properties to check; None for all of the model.
        progress: called about once a second.

    Returns:
        PASSED; or VIOLATED with a lasso, a trace whose last world leads back to world `loop`; or VACUOUS if
        the premise of a property never holds without its goal; or OUT_OF_BUDGET.

    Raises:
        SpecError: the model cannot be explored.
    """
    check_model(model)
    exploration = _Exploration(model, Limits(options or Options(), progress))
    try:
        verdict = judged(exploration.run(), properties, pause=exploration.pause)
    except OutOfBudgetError as limit:
        verdict = Verdict(Outcome.OUT_OF_BUDGET, exploration.counts, note=str(limit))
    except KeyboardInterrupt:
        verdict = Verdict(Outcome.OUT_OF_BUDGET, exploration.counts, note="interrupted")
    return replace(verdict, counts=exploration.counts)


def explored(model: Model, limits: Limits) -> Graph:
    """Returns the graph of a model.

    Raises:
        OutOfBudgetError: the graph is larger than the limits allow.
    """
    return _Exploration(model, limits).run()


class _Exploration:
    """A breadth-first search that keeps all worlds and all steps."""

    def __init__(self, model: Model, limits: Limits) -> None:
        self._model = model
        self._limits = limits
        self._worlds = [model.initial]
        self._numbers: dict[World, int] = {model.initial: 0}
        self._edges: list[Edge] = []
        self._depth = 1
        self._frontier = 1

    @property
    def counts(self) -> Counts:
        """The counts so far."""
        return self._limits.counts(*self._so_far())

    def run(self) -> Graph:
        """Explores the whole graph."""
        level = range(1)
        while level:
            for source in level:
                self._frontier = len(self._worlds) - source
                self.pause()
                self._expand(source)
            level = range(level.stop, len(self._worlds))
            self._depth += bool(level)
        self._frontier = 0
        return Graph(self._model, self._worlds, self._edges)

    def pause(self) -> None:
        """Reports progress, and raises an error if a limit is reached."""
        self._limits.check(*self._so_far())

    def _expand(self, source: int) -> None:
        for index, after in successors(self._model, self._worlds[source]):
            target = self._numbers.setdefault(after, len(self._worlds))
            if target == len(self._worlds):
                self._worlds.append(after)
            self._edges.append((source, target, index))

    def _so_far(self) -> tuple[int, int, int, int]:
        return len(self._worlds), len(self._edges) + 1, self._depth, self._frontier


def judged(
    graph: Graph,
    properties: Sequence[Promise] | None = None,
    assumptions: Assumptions | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Verdict:
    """Checks the liveness properties of an explored graph.

    The first property that is violated is reported, with a lasso whose loop is a fair run. A property whose
    premise never holds without its goal is vacuous.

    Args:
        graph: from any search that keeps all worlds and steps.
        properties: the properties to check, in order; None for all of the model.
        assumptions: None for those of the model; others to show that these are needed.
        pause: called now and then; may raise an error to stop.
    """
    counts = Counts(len(graph.worlds), len(graph.edges) + 1, 0)
    if properties is None:
        properties = graph.model.eventually
    names = tuple(each.name for each in properties)
    assumptions = assumptions or graph.model.fairness
    leaving = _leaving(graph)
    for each in properties:
        waits = False
        for up, servers in _choices(assumptions, graph.model.size, each.arity):
            pause()
            part = _Part(graph, leaving, each, up, servers, assumptions)
            waits = waits or bool(part.numbers)
            component = part.fair_component()
            if component is not None:
                trace = _trace(graph, part.lasso(component), each.name)
                who = graph.model.who if len(up) == 1 else graph.model.who_plural
                about = graph.model.who if len(servers) == 1 else graph.model.who_plural
                note = f"with {who} {_listed(up)} up" + (
                    f", for {about} {_listed(servers)}" if servers else ""
                )
                return Verdict(Outcome.VIOLATED, counts, each.name, trace, names, note)
        if not waits:
            return Verdict(Outcome.VACUOUS, counts, each.name, None, names, "its premise never holds")
    return Verdict(Outcome.PASSED, counts, checked=names)


class _Part:
    """The worlds in which the premise of a property holds and its goal does not, for one choice of
    processes.
    """

    def __init__(
        self,
        graph: Graph,
        leaving: Sequence[Sequence[Edge]],
        asked: Promise,
        up: Up,
        servers: tuple[Sid, ...],
        assumptions: Assumptions,
    ) -> None:
        self._graph = graph
        self._leaving = leaving
        self._asked = asked
        self._up = up
        self._assumptions = assumptions
        self._fairness = [self._fairness_of(index) for index, _ in enumerate(graph.model.steps)]
        self.numbers = [
            number
            for number, world in enumerate(graph.worlds)
            if world is not None and not graph.model.is_at_bound(world) and self._is_short(world, servers)
        ]
        inside = set(self.numbers)
        self._edges: dict[int, list[Edge]] = {}
        self._owed: dict[int, frozenset[int]] = {}
        for number in self.numbers:
            taken = [edge for edge in leaving[number] if self._may_be_taken(edge)]
            self._edges[number] = [edge for edge in taken if edge[1] in inside]
            self._owed[number] = frozenset(
                index for _, _, index in taken if self._fairness[index] != Fairness.NONE
            )

    def _is_short(self, world: World, servers: tuple[Sid, ...]) -> bool:
        """True if the premise holds in a world and the goal does not."""
        name, asked_ = f"property {self._asked.name}", self._asked
        arguments = (self._graph.model.state(world), self._up, *servers)
        return asked(name, asked_.premise, *arguments) and not asked(name, asked_.goal, *arguments)

    def fair_component(self) -> frozenset[int] | None:
        """Returns the fair component with the lowest world, None if there is no fair component."""
        fair = list(self._fair_components(self.numbers))
        return min(fair, key=min) if fair else None

    def lasso(self, component: frozenset[int]) -> Lasso:
        """Returns a fair run that stays in a fair component."""
        edges = {
            number: [edge for edge in self._edges[number] if edge[1] in component] for number in component
        }
        return lasso_in(edges, Owed(self._owed, self._fairness))

    def _fair_components(self, numbers: Iterable[int]) -> Iterator[frozenset[int]]:
        waiting = [frozenset(numbers)]
        while waiting:
            allowed = waiting.pop()
            for component in self._components(allowed):
                taken = self._taken_in(component)
                always = frozenset.intersection(*[self._owed[number] for number in component])
                if any(self._fairness[index] == Fairness.WEAK for index in always - taken):
                    continue
                rest = frozenset(
                    number
                    for number in component
                    if not any(
                        self._fairness[index] == Fairness.STRONG for index in self._owed[number] - taken
                    )
                )
                if rest == component:
                    yield component
                elif rest:
                    waiting.append(rest)

    def _components(self, allowed: frozenset[int]) -> Iterator[frozenset[int]]:
        import networkx  # noqa: PLC0415 - it takes long to load, and only liveness needs it

        graph: Any = networkx.DiGraph()
        for number in sorted(allowed):
            graph.add_node(number)
            graph.add_edges_from(
                (source, target) for source, target, _ in self._edges[number] if target in allowed
            )
        return map(frozenset, networkx.strongly_connected_components(graph))

    def _taken_in(self, component: frozenset[int]) -> frozenset[int]:
        """Returns the steps between worlds of a component."""
        return frozenset(
            index for number in component for _, target, index in self._edges[number] if target in component
        )

    def _may_be_taken(self, edge: Edge) -> bool:
        source, _, index = edge
        step = self._graph.model.steps[index]
        if step.action in self._assumptions.free:
            return True
        if not self._up.issuperset(step.sids):
            return self._asked.others_act and step.action not in self._assumptions.faults
        state = self._graph.model.state(self._graph.worlds[source])
        return self._assumptions.may_be_taken(state, self._up, step.action, tuple(map(Sid, step.arguments)))

    def _fairness_of(self, index: int) -> Fairness:
        step = self._graph.model.steps[index]
        if not self._up.issuperset(step.sids):
            return Fairness.NONE
        if step.action in self._assumptions.strong:
            return Fairness.STRONG
        return Fairness.WEAK if step.action in self._assumptions.weak else Fairness.NONE


def _choices(assumptions: Assumptions, size: int, arity: int) -> Iterator[tuple[Up, tuple[Sid, ...]]]:
    """Yields every set of processes that may stay up, with every choice of different processes in it."""
    for up in assumptions.may_stay_up(size):
        for chosen in permutations(sorted(up), arity):
            yield up, chosen


def _leaving(graph: Graph) -> Sequence[Sequence[Edge]]:
    """Returns the edges that leave each world."""
    leaving: list[list[Edge]] = [[] for _ in graph.worlds]
    for edge in graph.edges:
        leaving[edge[0]].append(edge)
    return leaving


def _trace(graph: Graph, lasso: Lasso, violated: str) -> Trace:
    """Returns the shortest path to the lasso, and its loop once; a run that stays in a world loops to the
    last.
    """
    edges = _way_to(graph, lasso.start)
    loop = len(edges)
    steps = [TraceStep("", (), graph.model.initial)]
    for _, target, index in (*edges, *lasso.edges):
        step = graph.model.steps[index]
        steps.append(TraceStep(step.action, step.arguments, graph.worlds[target]))
    return Trace(graph.model.settings, tuple(steps), violated, loop)


def _way_to(graph: Graph, number: int) -> list[Edge]:
    """Returns the edges of a shortest path from the initial world."""
    leaving = _leaving(graph)
    came: dict[int, Edge | None] = {0: None}
    level = [0]
    while number not in came:
        following = []
        for source in level:
            for edge in leaving[source]:
                if edge[1] not in came:
                    came[edge[1]] = edge
                    following.append(edge[1])
        level = following
    path: list[Edge] = []
    last = came[number]
    while last is not None:
        path.append(last)
        last = came[last[0]]
    return path[::-1]


def _listed(servers: Iterable[Sid]) -> str:
    return ", ".join(map(str, sorted(servers)))
