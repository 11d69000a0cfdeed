"""Elections drawn: notifications, votes, who is down; and an election beside the rest of ZAB 1.0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from zabcheck.explorer.model import Model
from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Trace
from zabcheck.models.fast_election.bounds import Bounds
from zabcheck.models.fast_election.words import ElectionWords
from zabcheck.models.registry import MUTANTS, Instance, build, instance_of
from zabcheck.report.picture import picture
from zabcheck.traces.files import Expect, load, save
from zabcheck.traces.replay import replay
from zabspec.fast_election.state import Mode, Notification, Vote
from zabspec.histories import Zxid
from zabspec.parts import Sid


def violated(name: str) -> tuple[Model, Trace]:
    """A mutant, and the run that shows it."""
    model = build(instance_of(name, (MUTANTS[name].caught_by,)))
    trace = search(model, Options()).trace
    assert trace is not None
    return model, replace(trace, settings=model.settings)


def test_an_election_is_drawn() -> None:
    _, trace = violated("no-check-of-leader")
    drawn = picture(trace, width=99).splitlines()
    assert max(map(len, drawn)) <= 99
    text = "\n".join(drawn)
    for said in (
        "starts",
        "looking, round 1, vote 2",
        "agreed by 0 1",
        "FOLLOWING 1, round 1 @6",
        "· down",
    ):
        assert said in text, said


def test_an_election_beside_the_rest_is_drawn_with_both_kinds_of_messages() -> None:
    _, trace = violated("old-standing")
    text = picture(trace, ascii_only=True)
    for said in ("vote 1, round 1", "FOLLOWERINFO 0 @", "leading, discovery", "round 2", "down"):
        assert said in text, said
    assert text.isascii()


def test_such_runs_are_kept_and_run_again(tmp_path: Path) -> None:
    for name in ("no-check-of-leader", "old-standing"):
        _, trace = violated(name)
        file = load(save(trace, tmp_path))
        assert replay(file.model, file.trace, Expect.VIOLATED).is_as_expected


def test_a_vote_tells_what_its_leader_has_if_it_has_anything() -> None:
    words = ElectionWords()
    vote = Vote(1, Zxid(1, 3), Sid(2))
    assert words.message(Notification(vote, 4, Mode.LOOKING)) == "vote 2 (1, 1.3), round 4"
    assert words.message(Notification(vote._replace(epoch=0, zxid=Zxid(0, 0)), 4, Mode.LEADING)) == (
        "LEADING 2, round 4"
    )
    assert words.message(Notification(None, 1, Mode.OBSERVING)) == "no OBSERVING, round 1"
    standing = build(Instance("fast_election", Bounds(3, observers=1))).initial.protocol.servers[2]
    assert words.standing(standing) == ["down, does not vote", "in epoch 9, last 9.9"]
