"""The complete specs in docs/examples: their counts, compared with the plain search, and their mistakes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from zabcheck.cli import main as cli
from zabcheck.cli.spec_file import SpecFile, load
from zabcheck.explorer import Model, Options, Outcome, check_liveness, search
from zabcheck.explorer.plain import breadth_first

Proved = Callable[[str], None]
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"

NAMED = sorted(path.stem for path in EXAMPLES.glob("*.py"))


def model_in(name: str, **given: Any) -> Model:
    return load(SpecFile(EXAMPLES / f"{name}.py", given=given))


def test_examples_are_those_that_are_tested_here() -> None:
    assert NAMED == ["lock_with_lease", "raft_election", "two_phase_commit"]


@pytest.mark.spec
@pytest.mark.parametrize(
    ("name", "given", "states", "up_to_names"),
    [
        # The counts of Stateright's tests for its example 2pc, and of its state space up to symmetry.
        ("two_phase_commit", {"managers": 3}, 288, 80),
        ("two_phase_commit", {"managers": 5}, 8_832, 314),
        ("two_phase_commit", {"managers": 4, "reliable": False}, 1_568, 166),
        ("raft_election", {"servers": 3, "terms": 1}, 150, 33),
        ("raft_election", {"servers": 3, "terms": 2}, 5_834, 1_010),
        ("lock_with_lease", {"clients": 2, "leases": 2}, 106, 56),
        ("lock_with_lease", {"clients": 3, "leases": 3}, 1_192, 236),
    ],
)
def test_counts_are_those_of_the_plain_search(
    name: str, given: Mapping[str, Any], states: int, up_to_names: int, proved: Proved
) -> None:
    model = model_in(name, **given)
    for symmetry, expected in ((False, states), (True, up_to_names)):
        options = Options(symmetry=symmetry)
        fast, plain = search(model, options), breadth_first(model, options)
        assert (fast.outcome, plain.outcome) == (Outcome.PASSED, Outcome.PASSED)
        assert fast.counts == plain.counts
        assert fast.counts.distinct == expected
    told = ", ".join(f"{key}={value}" for key, value in given.items())
    proved(f"{name}, {told}: {states:,} states, {up_to_names:,} up to names; all properties hold")


@pytest.mark.spec
@pytest.mark.parametrize(
    ("name", "given", "broken", "steps"),
    [
        ("two_phase_commit", {"hasty": True}, "managers_agree", 5),
        ("raft_election", {"forgetful": True, "terms": 1}, "at_most_one_leader_in_a_term", 9),
        ("lock_with_lease", {"fenced": False}, "no_write_is_stale", 7),
    ],
)
def test_mistake_is_caught_by_a_shortest_run(
    name: str, given: Mapping[str, Any], broken: str, steps: int
) -> None:
    model = model_in(name, **given)
    verdicts = (
        search(model, Options(symmetry=False)),
        search(model, Options(symmetry=True)),
        breadth_first(model, Options(symmetry=False)),
    )
    for verdict in verdicts:
        assert (verdict.outcome, verdict.property) == (Outcome.VIOLATED, broken)
        assert verdict.trace is not None
        assert len(verdict.trace.steps) - 1 == steps


@pytest.mark.spec
@pytest.mark.parametrize(
    ("name", "given", "outcome"),
    [
        ("two_phase_commit", {}, Outcome.PASSED),
        ("two_phase_commit", {"reliable": False}, Outcome.VIOLATED),
        ("raft_election", {"calm": True}, Outcome.PASSED),
        ("raft_election", {"terms": 1}, Outcome.VIOLATED),
        ("lock_with_lease", {}, Outcome.PASSED),
        ("lock_with_lease", {"expires": False}, Outcome.VIOLATED),
    ],
)
def test_liveness_holds_under_the_assumptions_that_it_needs(
    name: str, given: Mapping[str, Any], outcome: Outcome
) -> None:
    assert check_liveness(model_in(name, **given), Options()).outcome == outcome


@pytest.mark.parametrize(
    ("name", "codes"),
    [("lock_with_lease", [0, 1, 1]), ("raft_election", [0, 1, 0]), ("two_phase_commit", [0, 1, 1])],
)
def test_commands_in_the_docstring_run(
    name: str, codes: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    commands = [shlex.split(line)[1:] for line in re.findall(r"^ {4}(zab .*)$", text, flags=re.MULTILINE)]
    path = f"docs/examples/{name}.py"
    assert all(path in command for command in commands)
    given = [
        [str(EXAMPLES.parents[1] / path) if word == path else word for word in command]
        for command in commands
    ]
    assert [cli.main([*command, "--traces", str(tmp_path)]) for command in given] == codes
    assert "zab" not in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMED)
def test_every_action_and_property_is_a_sentence(name: str) -> None:
    model = model_in(name)
    actions = {step.apply for step in model.steps}
    asked = (*model.always, *model.every_step, *model.sometimes, *model.eventually)
    sentences = [*(each.__doc__ or "" for each in actions), *(each.sentence for each in asked)]
    assert all(each.endswith(".") for each in sentences)


@pytest.mark.parametrize("name", NAMED)
def test_counts_do_not_depend_on_the_hash_seed(name: str, same_output: Callable[[str], str]) -> None:
    out = same_output(
        "from pathlib import Path\n"
        "from zabcheck.cli.spec_file import SpecFile, load\n"
        "from zabcheck.explorer import search\n"
        f"counts = search(load(SpecFile(Path({str(EXAMPLES / (name + '.py'))!r})))).counts\n"
        "print(counts.distinct, counts.generated, counts.depth)\n"
    )
    assert len(out.split()) == 3
