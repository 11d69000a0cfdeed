"""The abstract spec and the paper's ZAB, explored exhaustively by `make check` and, further, `make deep`.

Each row is a model within bounds that is explored to its end, with every property there is. Its counts are
pinned: a changed count is a changed meaning, and is reviewed like one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from exploring import check_passed, explored, short, tell
from zabcheck.explorer.verdicts import Counts, Outcome
from zabcheck.models.broadcast import bounds as broadcast
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.paper.mutants import BY_NAME
from zabcheck.models.registry import Instance, build, property_names, with_all_properties
from zabspec.broadcast import properties as broadcast_properties
from zabspec.paper import properties

SOMETIMES = {each.__name__ for each in (*properties.SOMETIMES, *broadcast_properties.SOMETIMES)}

# Situations that need a fault, two faults, a third server or a transaction.
TWO_FAULTS = ("epoch_is_refused",)
FAULT = (
    *TWO_FAULTS,
    "history_comes_from_follower",
    "logged_transaction_is_replaced",
    "earlier_epoch_is_delivered",
    "logged_transaction_is_delivered_elsewhere",
)
THIRD_SERVER = (
    "another_server_leads_too",
    "follower_joins_during_broadcast",
    "proposal_is_had_already",
    "logged_transaction_is_replaced",
    "epoch_is_refused",
)


@dataclass(frozen=True, slots=True)
class Within:
    """A spec within bounds, and how many states that makes.

    Attributes:
        without: the names of the `sometimes` that cannot be reached within these bounds; all others must be.
    """

    bounds: Bounds | broadcast.Bounds
    distinct: int
    generated: int
    depth: int
    without: tuple[str, ...] = ()
    spec: str = "paper"
    symmetry: bool = True

    @property
    def instance(self) -> Instance:
        """The instance with every property by name, so that one that is not reached counts as missed."""
        names = tuple(name for name in property_names(self.spec) if name not in self.without)
        return Instance(self.spec, self.bounds, properties=names)

    def __str__(self) -> str:
        """Returns an id for pytest: `paper-3-2-1-0`, and what is out of the ordinary."""
        symmetry = "" if self.symmetry else "-nosymmetry"
        return f"{self.spec}-{short(self.bounds)}{symmetry}"


SHALLOW = [
    Within(broadcast.Bounds(3, 2, 2, 1, epochs=2), 2_562, 14_937, 21, spec="broadcast"),
    Within(broadcast.Bounds(3, 2, 2, 1, epochs=3), 10_770, 80_674, 23, spec="broadcast"),
    Within(Bounds(2, 3, 2, 2), 53_671, 102_208, 48, THIRD_SERVER),
    Within(Bounds(2, 2, 3, 3), 131_672, 282_389, 53, THIRD_SERVER),
    Within(Bounds(3, 2, 0, 0), 1_251, 3_019, 30, FAULT),
    Within(Bounds(3, 2, 1, 0), 22_839, 56_913, 38, TWO_FAULTS),
    Within(Bounds(3, 2, 1, 0), 136_237, 339_499, 38, TWO_FAULTS, symmetry=False),
    Within(Bounds(3, 2, 1, 0, numbered=True), 23_775, 59_212, 40, TWO_FAULTS),
    Within(Bounds(3, 2, 0, 1), 22_512, 55_669, 44, TWO_FAULTS),
    Within(Bounds(3, 2, 1, 1, restart_needs_timeout=True), 44_100, 109_563, 44, TWO_FAULTS),
    Within(Bounds(3, 2, 1, 1), 161_106, 428_914, 49),
    Within(Bounds(3, 2, 1, 1, give_up=True), 211_440, 666_681, 49),
    Within(Bounds(3, 2, 2, 0), 166_469, 414_786, 45),
    Within(Bounds(3, 2, 0, 2), 180_798, 459_634, 50),
    Within(Bounds(3, 3, 1, 0), 129_688, 357_393, 44, TWO_FAULTS),
    Within(Bounds(3, 2, 2, 1), 939_532, 2_557_777, 54),
    Within(Bounds(3, 2, 1, 2), 933_372, 2_433_419, 55),
    Within(Bounds(4, 1, 1, 0), 13_995, 37_029, 49, TWO_FAULTS),
    Within(Bounds(4, 2, 1, 0), 132_972, 426_903, 58, TWO_FAULTS),
    Within(Bounds(5, 1, 0, 0), 5_362, 19_351, 43, FAULT),
]

DEEP = [
    Within(Bounds(3, 2, 2, 1, epochs=3), 626_176, 1_824_644, 50),  # part of the unbounded
    Within(Bounds(4, 2, 2, 0), 1_871_213, 5_690_981, 71),
    Within(Bounds(3, 2, 2, 2), 4_361_076, 11_729_779, 60),
    Within(Bounds(3, 3, 2, 1), 4_201_172, 12_679_971, 59),
    Within(Bounds(3, 2, 2, 1, give_up=True), 1_197_644, 3_945_576, 54),
    Within(Bounds(3, 2, 2, 1), 5_612_867, 15_276_097, 54, symmetry=False),
]


@pytest.mark.spec
@pytest.mark.parametrize(
    "row", [*SHALLOW, *(pytest.param(row, marks=pytest.mark.deep) for row in DEEP)], ids=str
)
def test_all_that_is_within_bounds_is_right(
    row: Within,
    progress: Callable[[Counts], None],
    proved: Callable[[str], None],
    tmp_path: Path,
) -> None:
    found = explored(row.instance, progress, symmetry=row.symmetry)
    check_passed(found, tmp_path)
    assert found.verdict.checked == row.instance.properties
    assert found.counts == (row.distinct, row.generated, row.depth)
    tell(proved, found.line)
    if row.without:
        tell(proved, f"not checked, since these bounds cannot reach it: {', '.join(row.without)}", "        ")


@pytest.mark.spec
@pytest.mark.parametrize("spec", ["broadcast", "paper"])
def test_every_property_is_checked_within_some_bounds(spec: str, proved: Callable[[str], None]) -> None:
    instances = [row.instance for row in SHALLOW if row.spec == spec]
    asked = {name for instance in instances for name in instance.properties or ()}
    assert asked == set(property_names(spec))
    model = build(with_all_properties(Instance(spec)))
    tell(
        proved, f"PASSED for the spec {spec} means that every state within the bounds was explored, and that"
    )
    for words, group in (
        ("every state satisfies", model.always),
        ("every step satisfies", model.every_step),
        ("some state satisfies, so that the properties could have failed,", model.sometimes),
    ):
        tell(proved, f"{words} {', '.join(each.name for each in group)}", "  ")
    tell(
        proved,
        "A failure would have been: a state or a step that violates a property (the shortest run that leads "
        "there would be drawn above, and kept as a file); a situation of the last kind that was not reached; "
        "a search that ran out of time or memory; or other counts than those that are pinned.",
        "  ",
    )


@pytest.mark.spec
def test_a_mistake_would_have_been_shown(tmp_path: Path) -> None:
    """The search above fails if the protocol has a mistake, with the run that shows why."""
    mutant = BY_NAME["commit-without-quorum"]
    names = tuple(name for name in property_names("paper") if name not in SOMETIMES)
    found = explored(Instance(bounds=Bounds(3, 2, 1, 0), mutant=mutant.name, properties=names))
    assert found.verdict.outcome == Outcome.VIOLATED
    with pytest.raises(AssertionError) as failed:
        check_passed(found, tmp_path)
    shown = str(failed.value)
    [kept] = tmp_path.iterdir()
    assert (
        "VIOLATED: paper, 3 servers, 2 transactions, 1 timeout, no restarts, mutant commit-without-quorum"
        in " ".join(shown.split())  # whatever the terminal's width
    )
    assert f"{found.verdict.property} is violated after " in shown
    assert f"zab replay {kept}" in shown
    assert "server 2" in shown.splitlines()[2]  # the picture's first line


@pytest.mark.spec
def test_a_situation_that_is_never_reached_would_have_been_a_failure(tmp_path: Path) -> None:
    found = explored(Instance(bounds=Bounds(2, 1, 0, 0), properties=("epoch_is_refused",)))
    with pytest.raises(
        AssertionError, match="VACUOUS: paper, 2 servers, 1 transaction, no timeouts, no restarts"
    ):
        check_passed(found, tmp_path)
