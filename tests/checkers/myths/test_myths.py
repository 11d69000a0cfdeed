"""Every myth is refuted, by a shortest run; every claim is accounted for, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from zabcheck.cli.main import main
from zabcheck.explorer import plain
from zabcheck.explorer.options import Options
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.registry import property_names
from zabcheck.myths.case import Myth, model_of, refutation
from zabcheck.myths.claims import ALL_IDS, LEFT_OUT, MYTHS, PROPERTIES, refuted_by, table
from zabspec.service.state import Life
from zabspec.tree.txns import CreateTxn

pytestmark = pytest.mark.myths


@pytest.mark.parametrize("myth", MYTHS, ids=lambda each: each.name)
def test_a_myth_is_refuted(myth: Myth) -> None:
    model, verdict = refutation(myth)
    assert verdict.outcome == Outcome.VIOLATED, myth.claim
    assert verdict.property == myth.name
    assert verdict.trace is not None
    [claimed] = model.always
    assert claimed.sentence == myth.claim


@pytest.mark.parametrize("name", ["told-at-once", "equal-versions-equal-data", "one-holder-at-a-time"])
def test_the_run_is_as_short_as_the_plain_search_finds(name: str) -> None:
    [myth] = [each for each in MYTHS if each.name == name]
    _, verdict = refutation(myth)
    found = plain.breadth_first(model_of(myth), Options())
    assert verdict.trace is not None
    assert found.trace is not None
    assert len(found.trace.steps) == len(verdict.trace.steps)


def test_two_clients_believe_that_they_hold_the_lock_when_its_run_ends() -> None:
    [myth] = [each for each in MYTHS if each.name == "one-holder-at-a-time"]
    _, verdict = refutation(myth)
    assert verdict.trace is not None
    end = verdict.trace.steps[-1].world.protocol.service
    clients = end.clients
    assert all(client.life == Life.ALIVE and client.server is not None for client in clients)
    assert not any(client.inbox or client.outstanding for client in clients)
    assert all(client.last_zxid > 1 for client in clients)
    created = [each.client for each in end.log if each.client is not None and isinstance(each.txn, CreateTxn)]
    assert sorted(created) == [0, 1]
    assert len({client.last_zxid for client in clients}) == 2


def test_every_claim_is_accounted_for_once() -> None:
    stated = [each for ids in PROPERTIES.values() for each in ids]
    left_out = [each for ids in LEFT_OUT.values() for each in ids]
    refuted = [each for each in ALL_IDS if refuted_by(each)]
    assert sorted([*stated, *left_out, *refuted]) == sorted(ALL_IDS)


def test_properties_named_for_claims_are_there() -> None:
    known = {*property_names("zab"), *property_names("service")}
    assert set(PROPERTIES) <= known


def test_names_are_unique() -> None:
    assert len({each.name for each in MYTHS}) == len(MYTHS)


def test_the_page_is_what_the_command_prints(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["myth", "--table"]) == 0
    printed = capsys.readouterr().out
    assert printed == "\n".join(table()) + "\n"
    assert printed in (root / "docs" / "myths.md").read_text(encoding="utf-8")


def test_a_myth_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["myth", "a-read-is-the-latest"]) == 0
    drawn = capsys.readouterr().out
    assert drawn.startswith("It is said: A read returns what was written last.")
    assert "It is so: " in drawn
    assert len(drawn.splitlines()) > 15


def test_an_unknown_myth_is_reported_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["myth", "nonsense"]) == 2
    assert capsys.readouterr().err == "zab myth: no myth 'nonsense': `zab myth` lists them\n"
