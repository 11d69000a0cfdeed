from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from typing import Any

import pytest

from zabcheck.explorer.options import Options
from zabcheck.explorer.search import search
from zabcheck.explorer.verdicts import Outcome
from zabcheck.models.broadcast import bounds as of_broadcast
from zabcheck.models.broadcast import entry as broadcast
from zabcheck.models.fast_election import bounds as of_election
from zabcheck.models.fast_election import entry as fast_election
from zabcheck.models.paper import entry as paper
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import (
    SPECS,
    WHEN_BOUNDS_WERE_SHARED,
    Instance,
    as_settings,
    build,
    from_settings,
    property_names,
)
from zabcheck.models.service import bounds as of_service
from zabcheck.models.spec import Room
from zabcheck.models.zab import bounds as of_zab
from zabcheck.models.zab import entry as zab

INSTANCES = [
    Instance(),
    Instance(bounds=Bounds(servers=2, epochs=3, numbered=True)),
    Instance(bounds=Bounds(restart_needs_timeout=True, bookkeeping=True)),
    Instance(mutant="own-history", properties=("agreement", "refines_broadcast")),
    Instance(bounds=Bounds(give_up=True), properties=()),
    Instance("broadcast", of_broadcast.Bounds(servers=2, epochs=2)),
    Instance("service", of_service.Bounds(scenario="older"), mutant="server-behind-accepts"),
    Instance("zab", of_zab.Bounds(servers=4, observers=1, weights="1,1,0,0/0,0,1,0", partitions=2)),
    Instance(
        "fast_election", of_election.Bounds(observers=1, weightless=1, unlike=True, early=1, capacity=2)
    ),
]


@pytest.mark.parametrize("instance", INSTANCES, ids=str)
def test_settings_say_all_there_is_to_an_instance(instance: Instance) -> None:
    settings = json.loads(json.dumps(as_settings(instance)))
    assert from_settings(settings) == instance
    assert build(instance).settings == as_settings(instance)


def test_what_settings_leave_out_has_its_default() -> None:
    assert from_settings({}) == Instance()
    assert from_settings({"servers": 2}) == Instance(bounds=Bounds(servers=2))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"spec": "raft"}, "no spec 'raft': one of paper, broadcast"),
        ({"spec": 3}, "setting 'spec' is 3"),
        ({"servers": 0}, "0 servers: at least 1 is needed"),
        ({"servers": "3"}, "setting 'servers' is '3', which is no whole number"),
        ({"servers": True}, "setting 'servers' is True, which is no whole number"),
        ({"servers": None}, "setting 'servers' is None, which is no whole number"),
        ({"transactions": -1}, "-1 transactions: at least 0 is needed"),
        ({"timeouts": -2}, "-2 timeouts"),
        ({"restarts": -1}, "-1 restarts"),
        ({"epochs": -1}, "-1 epochs"),
        ({"numbered": 1}, "setting 'numbered' is 1, which is no true or false"),
        ({"colour": "red"}, "no setting 'colour': one of spec, "),
        (
            {"mutant": "x-men"},
            "no mutant 'x-men' of spec 'paper': `zab mutants --list --spec paper`",
        ),
        (
            {"properties": ["liveliness"]},
            "no property 'liveliness' of spec 'paper': `zab properties paper`",
        ),
        ({"properties": "agreement"}, "setting 'properties' is 'agreement'"),
        ({"properties": [1]}, "setting 'properties' is [1], which is no list of names"),
        ({"spec": "broadcast", "properties": ["leader_completeness"]}, "of spec 'broadcast'"),
        ({"spec": "broadcast", "mutant": "own-history"}, "of spec 'broadcast': there are none"),
        ({"mutant": "own-history", "bookkeeping": True}, "bookkeeping is for the spec as it is"),
        (
            {"spec": "zab", "mutant": "own-history"},
            "no mutant 'own-history' of spec 'zab': `zab mutants --list",
        ),
        (
            {"spec": "zab", "restart_needs_timeout": True},
            "restart_needs_timeout is not for the spec 'zab', but",
        ),
        ({"spec": "zab", "early": 1}, "early is for election 'votes'"),
        ({"spec": "zab", "rounds": 3}, "rounds is for election 'votes'"),
        ({"spec": "zab", "election": "duel"}, "no election 'duel': one of abstract, late, anyone, votes"),
        ({"spec": "zab", "election": "votes", "disk": "files"}, "disk 'files' is not for election 'votes'"),
        ({"spec": "zab", "election": "votes", "partitions": 1}, "partitions are not for election 'votes'"),
        ({"partitions": 1}, "partitions is not for the spec 'paper', but for 'zab'"),
        ({"weights": "2,1,1"}, "weights is not for the spec 'paper', but for 'zab'"),
        ({"observers": 1}, "observers is not for the spec 'paper', but for 'zab' and 'fast_election'"),
        ({"spec": "zab", "observers": 2}, "3 servers, 2 of them observers: two must vote"),
        ({"spec": "zab", "weights": "2,1"}, "weights '2,1': not 3 whole numbers in each group"),
        ({"spec": "zab", "weights": "2,1,-1"}, "not 3 whole numbers in each group"),
        ({"spec": "zab", "weights": "0,0,0"}, "weights '0,0,0': no quorum"),
        ({"spec": "zab", "weights": "3,1,1"}, "weights '3,1,1': one server is a quorum"),
        ({"spec": "zab", "weights": "1,1,0/0,1,1"}, "a server is in one group"),
        ({"spec": "zab", "weights": "1,1,1", "observers": 1}, "an observer weighs nothing"),
        ({"unlike": True}, "unlike is not for the spec 'paper', but for 'fast_election'"),
        (
            {"spec": "fast_election", "epochs": 2},
            "epochs is not for the spec 'fast_election', but for 'paper'",
        ),
        ({"spec": "fast_election", "give_up": True}, "but for 'paper' and 'zab'"),
        ({"spec": "fast_election", "weightless": -1}, "-1 weightless"),
        ({"spec": "fast_election", "capacity": 0}, "0 capacity: at least 1 is needed"),
        ({"spec": "fast_election", "observers": 3}, "3 observers and 0 weightless: nobody is left to elect"),
        ({"scenario": "data"}, "scenario is not for the spec 'paper', but for 'service'"),
        ({"spec": "service", "scenario": "rain"}, "no scenario 'rain': `zab check --help` lists them"),
        ({"spec": "service", "timeouts": 2}, "timeouts is not for the spec 'service', but for "),
        ({"bookkeeping": True, "give_up": True}, "bookkeeping and give_up: in Zab.tla no leader gives up"),
    ],
    ids=str,
)
def test_bad_settings_are_refused_in_one_line(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        build(from_settings(settings))
    assert "\n" not in str(refused.value)


def test_what_cannot_be_built_is_refused_before_it_is() -> None:
    with pytest.raises(ValueError, match="no property 'safety'"):
        build(Instance(properties=("safety",)))


def test_properties_are_asked_of_the_state_beside_the_bookkeeping() -> None:
    bounds = Bounds(servers=2, transactions=1, timeouts=0)
    kept = search(build(Instance(bounds=replace(bounds, bookkeeping=True))), Options())
    plain = search(build(Instance(bounds=bounds)), Options())
    assert kept.outcome == plain.outcome == Outcome.PASSED
    assert kept.checked == plain.checked
    assert kept.counts.distinct > plain.counts.distinct


LEAST = [
    (entry.SPEC.name, situation.__name__, least)
    for entry in (paper, broadcast, zab, fast_election)
    for situation, least in entry.REACHED_WITHIN.items()
]


@pytest.mark.parametrize(("spec", "name", "least"), LEAST, ids=[f"{spec}-{name}" for spec, name, _ in LEAST])
def test_every_sometimes_is_reached_where_it_is_said_to_be(spec: str, name: str, least: Room) -> None:
    wanted = {
        "servers": least.servers + least.observers,
        "transactions": least.transactions,
        "timeouts": least.faults - least.restarts - least.partitions,
        "restarts": least.restarts,
        "epochs": least.epochs,
        "partitions": least.partitions,
        "observers": least.observers,
    }
    bounds = SPECS[spec].bounds
    known = {each.name for each in fields(bounds)}
    asked = bounds(**{name: value for name, value in wanted.items() if name in known})
    verdict = search(build(Instance(spec, asked, properties=(name,))), Options())
    assert verdict.outcome == Outcome.PASSED
    assert verdict.checked == (name,)


@pytest.mark.parametrize("name", SPECS)
def test_settings_of_the_time_when_bounds_were_shared_are_read(name: str) -> None:
    known = {each.name for each in fields(SPECS[name].bounds)}
    older = {key: value for key, value in WHEN_BOUNDS_WERE_SHARED.items() if key not in known}
    assert from_settings({"spec": name, **older}) == Instance(name)


def test_bounds_of_another_spec_are_refused() -> None:
    with pytest.raises(ValueError, match="the bounds are not those of the spec 'zab'"):
        build(Instance("zab", Bounds()))


def test_a_sometimes_is_not_asked_of_a_model_too_small_for_it() -> None:
    calm = Instance(bounds=Bounds(servers=3, transactions=1, timeouts=0))
    names = [each.name for each in build(calm).sometimes]
    assert "everyone_delivers" in names
    assert "logged_transaction_is_replaced" not in names
    asked = replace(calm, properties=("logged_transaction_is_replaced",))
    assert search(build(asked), Options()).outcome == Outcome.VACUOUS


def test_restarts_that_need_a_timeout_are_no_faults_of_their_own() -> None:
    bounds = Bounds(servers=2, transactions=1, timeouts=0, restarts=1, restart_needs_timeout=True)
    names = [each.name for each in build(Instance(bounds=bounds)).sometimes]
    assert "earlier_epoch_is_delivered" not in names


def test_names_are_those_of_all_groups() -> None:
    model = build(Instance(bounds=Bounds(timeouts=2)))
    groups = (model.always, model.every_step, model.sometimes)
    assert property_names("paper") == tuple(each.name for group in groups for each in group)
    with pytest.raises(ValueError, match="no spec 'raft'"):
        property_names("raft")


def test_every_property_carries_its_sentence() -> None:
    model = build(Instance())
    assert all(each.sentence for each in (*model.always, *model.every_step, *model.sometimes))
