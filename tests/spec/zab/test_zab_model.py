"""ZAB 1.0 explored exhaustively within bounds, election by its outcome; counts are pinned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exploring import check_passed, explored, short, tell
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.registry import Instance, build, property_names
from zabcheck.models.zab import refinement as zab_refinement
from zabcheck.models.zab.bounds import Bounds
from zabcheck.models.zab.model import Action, World, begun, model, steps
from zabspec import zab
from zabspec.zab import mapping
from zabspec.zab.properties import SOMETIMES

ALWAYS_ASKED = tuple(
    name for name in property_names("zab") if name not in [each.__name__ for each in SOMETIMES]
)


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds, and the size of the state space: distinct, generated, and the depth.

    Attributes:
        reaching: the names of the `sometimes` that must be reached.
    """

    bounds: Bounds
    counts: tuple[int, int, int]
    reaching: tuple[str, ...] = ()

    @property
    def instance(self) -> Instance:
        """The instance with every property that must always hold, and what must be reached, by name."""
        return Instance("zab", self.bounds, properties=(*ALWAYS_ASKED, *self.reaching))

    def __str__(self) -> str:
        return short(self.bounds)


NEED_MORE = (
    "leader_is_cut_off",
    "deposed_leader_proposes",
    "message_outlasts_partition",
    "observer_delivers",
)
"""Those that need a partition or an observer; test_zab_partitions and test_zab_observers reach them."""
EVERYTHING = tuple(each.__name__ for each in SOMETIMES if each.__name__ not in NEED_MORE)

SHALLOW = [
    Within(
        Bounds(2, 2, 2, 2, epochs=4),
        (80_910, 250_816, 71),
        ("everyone_delivers", "learner_gets_trunc", "learner_gets_diff", "epoch_is_promised_again"),
    ),
    Within(
        Bounds(3, 2, 0, 0, epochs=1),
        (23_850, 69_950, 41),
        ("learner_joins_during_broadcast", "leader_delivers_before_writing", "learner_gets_snap"),
    ),
    Within(Bounds(3, 1, 0, 1, epochs=2), (52_592, 141_352, 54), EVERYTHING),
    Within(
        Bounds(3, 1, 1, 0, epochs=2),
        (48_742, 134_681, 47),
        tuple(name for name in EVERYTHING if name != "server_refuses_to_start"),
    ),
    Within(Bounds(4, 1, 0, 0, epochs=1), (12_458, 38_429, 49), ("everyone_delivers",)),
]

DEEP = [
    Within(Bounds(3, 1, 1, 1, epochs=3), (894_200, 2_914_889, 66), EVERYTHING),
    Within(Bounds(3, 2, 0, 2, epochs=3), (4_278_223, 14_906_290, 79), EVERYTHING),
]


@pytest.mark.spec
@pytest.mark.parametrize(
    "row", [*SHALLOW, *(pytest.param(row, marks=pytest.mark.deep) for row in DEEP)], ids=str
)
def test_all_that_is_within_bounds_is_right(
    row: Within, progress: Callable[[Counts], None], proved: Callable[[str], None], tmp_path: Path
) -> None:
    found = explored(row.instance, progress)
    check_passed(found, tmp_path)
    assert set(found.verdict.checked) == set(row.instance.properties or ())
    assert found.counts == row.counts
    tell(proved, found.line)


def test_every_action_is_a_step_and_every_step_an_action() -> None:
    bounds = Bounds(3, 2, 1, 1)
    assert [*dict.fromkeys(step.action for step in steps(bounds))] == [each.__name__ for each in zab.NEXT]
    grains = (*zab.NEXT_LIVE, *zab.NEXT_LATE, *zab.NEXT_UNELECTED, *zab.NEXT_SYNCHRONIZED)
    exported = {name for name in zab.__all__ if not name.startswith("NEXT")} - {"State", "initial"}
    assert exported == {each.__name__ for each in grains}
    unlike = [(one, other) for one, other in zip(zab.NEXT, zab.NEXT_UNELECTED, strict=True) if one != other]
    assert unlike == [(zab.server_is_elected, zab.server_leads_unelected)]


@pytest.mark.spec
@pytest.mark.parametrize(
    ("bounds", "counts"),
    [
        (Bounds(2, 2, 1, 1, epochs=3), (11_891, 53)),
        (Bounds(3, 1, 0, 1, epochs=2), (58_468, 54)),
        pytest.param(Bounds(3, 1, 0, 2, epochs=3), (832_439, 68), marks=pytest.mark.deep),
    ],
    ids=str,
)
def test_the_properties_do_not_depend_on_who_is_elected(
    bounds: Bounds, counts: tuple[int, int], proved: Callable[[str], None]
) -> None:
    """Every property holds with any server as the leader at any time, because discovery checks the leader."""
    asked = build(Instance("zab", bounds, properties=ALWAYS_ASKED))
    verdict = search(replace(asked, steps=tuple(steps(bounds, zab.NEXT_UNELECTED))), Options())
    assert verdict.outcome == Outcome.PASSED, verdict.property
    assert set(verdict.checked) == set(ALWAYS_ASKED)
    assert (verdict.counts.distinct, verdict.counts.depth) == counts
    tell(proved, f"PASSED  zab, whoever leads, {short(bounds)}: {verdict.counts.distinct:,} distinct states")


def test_a_crash_may_keep_as_much_as_may_wait() -> None:
    restarts = [step.arguments for step in steps(Bounds(2, 2)) if step.action == "server_restarts"]
    assert restarts == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_bounds_on_epochs_hold() -> None:
    """With one epoch allowed and taken, no server starts to lead again."""
    start = begun(model(Bounds(3, 2, 0, 1, epochs=1)))
    [restart] = [s for s in start.steps if s.action == "server_restarts" and s.arguments == (0, 0)]
    world = restart.apply(start.initial, *restart.arguments)
    assert world is not None
    state = world.protocol
    for follower in (1, 2):
        state = zab.follower_notices(state, follower, 0)  # type: ignore[arg-type]
    alone = replace(world, protocol=state)
    for step in start.steps:
        if step.action == "server_is_elected":
            assert zab.server_is_elected(state, *step.arguments) is not None
            assert step.apply(alone, *step.arguments) is None


def test_synchronization_in_one_step_leads_to_no_other_state(proved: Callable[[str], None]) -> None:
    """Every state of the coarse grain is one of the fine grain, and the coarse grain has fewer."""
    bounds = Bounds(2, 2, 1, 1, epochs=3)
    fine, coarse = (reachable(bounds, actions) for actions in (zab.NEXT, zab.NEXT_SYNCHRONIZED))
    assert coarse < fine
    tell(proved, f"PASSED  zab, synchronized in one step: {len(coarse):,} of {len(fine):,} states, no others")


@pytest.mark.spec
def test_with_synchronization_in_one_step_all_is_right(proved: Callable[[str], None]) -> None:
    bounds = Bounds(3, 2, 1, 0, epochs=2)
    asked = build(Instance("zab", bounds, properties=ALWAYS_ASKED))
    verdict = search(replace(asked, steps=tuple(steps(bounds, zab.NEXT_SYNCHRONIZED))), Options())
    assert verdict.outcome == Outcome.PASSED, verdict.property
    assert (verdict.counts.distinct, verdict.counts.depth) == (188_918, 41)
    title = f"zab, synchronized in one step, {short(bounds)}"
    tell(proved, f"PASSED  {title}: {verdict.counts.distinct:,} distinct states")


@pytest.mark.parametrize("bounds", [Bounds(2, 1, 1, 1, epochs=2), Bounds(3, 1, 0, 0, epochs=1)], ids=short)
def test_the_mapping_that_is_learned_in_parts_is_that_of_the_spec(bounds: Bounds) -> None:
    states = {world.protocol for world in reachable(bounds, zab.NEXT)}
    assert all(zab_refinement.abstract(state) == mapping.abstract(state) for state in states)
    assert len({mapping.abstract(state) for state in states}) > 10


def reachable(bounds: Bounds, actions: Sequence[Action]) -> set[World]:
    """Returns all worlds, by the plainest of searches."""
    start = model(bounds, actions)
    found, waiting = {start.initial}, [start.initial]
    while waiting:
        world = waiting.pop()
        for step in start.steps:
            after = step.apply(world, *step.arguments)
            if after is not None and after not in found:
                found.add(after)
                waiting.append(after)
    return found
