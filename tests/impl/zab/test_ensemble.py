"""Configurations of ensembles: the text of Apache ZooKeeper 3.8.0, byte for byte, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble_texts import MAJORITY_TEXT
from zabserver.zab.ensemble import Ensemble, Member, ensemble_from_text, parse_ensemble

# zoo.cfg of an Apache server, and the configuration in its notifications.
MAJORITY = {
    "server.1": "127.0.0.1:29201:29301;127.0.0.1:29101",
    "server.2": "localhost:29202:29302:participant",
    "server.3": "127.0.0.1:29203:29303:observer;29103",
    "tickTime": "2000",
}
SERVERS = {1: (29201, 29301), 100: (29202, 29302), 19: (29203, 29303), 24: (29204, 29304)}
SERVERS |= {5: (29205, 29305), 38: (29206, 29306)}
GROUPS = [f"server.{sid}=127.0.0.1:{quorum}:{election}" for sid, (quorum, election) in SERVERS.items()]
GROUPS += ["group.1=1:100:19", "group.2=24:5:38", "weight.1=3", "weight.38=0"]
GROUPS_TEXT = (
    "server.1=127.0.0.1:29201:29301:participant\nserver.19=127.0.0.1:29203:29303:participant\n"
    "server.100=127.0.0.1:29202:29302:participant\nserver.5=127.0.0.1:29205:29305:participant\n"
    "server.38=127.0.0.1:29206:29306:participant\nserver.24=127.0.0.1:29204:29304:participant\n"
    "group.1=1:19:100\ngroup.2=5:38:24\n"
    "weight.1=3\nweight.19=1\nweight.100=1\nweight.5=1\nweight.38=0\nweight.24=1\nversion=0"
)


def test_text_is_apaches() -> None:
    ensemble = parse_ensemble(MAJORITY)
    assert ensemble.text() == MAJORITY_TEXT
    assert (ensemble.voters, ensemble.observers) == ({1, 2}, {3})
    assert ensemble_from_text(MAJORITY_TEXT) == ensemble


def test_text_of_groups_is_in_the_order_of_a_java_hash_map() -> None:
    ensemble = parse_ensemble(GROUPS)
    assert ensemble.text() == GROUPS_TEXT
    assert ensemble_from_text(GROUPS_TEXT).has_the_same_members(ensemble)


def test_order_changes_with_the_size_of_the_table() -> None:
    """Apache's order for these 14 servers: with more than 12, its hash table has 32 places."""
    sids = (1, 16, 2, 18, 3, 34, 4, 20, 5, 21, 6, 22, 7, 23)
    ensemble = parse_ensemble(f"server.{sid}=h:1:2" for sid in sids)
    written = [int(line.partition("=")[0][7:]) for line in ensemble.text().split("\n")[:-1]]
    assert written == [1, 2, 34, 3, 4, 5, 6, 7, 16, 18, 20, 21, 22, 23]


@pytest.mark.parametrize(
    "line",
    [
        "server.1=[::1]:2:3:participant;[::]:4",
        "server.1=a.b-c:2:3:participant",
        "server.1=a:2:3:participant;0.0.0.0:4;0.0.0.0:5",
        "server.1=a:2:3:participant;;b:5",
    ],
)
def test_line_comes_back(line: str) -> None:
    text = f"{line}\nversion=1f00000002"
    assert ensemble_from_text(text).text() == text
    assert ensemble_from_text(text).version == 0x1F00000002


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], "no voters: no server.N is a participant"),
        (["server.1=a:2:3:observer"], "no voters: no server.N is a participant"),
        (["server.x=a:2:3"], "server.x: 'x' is not a number from 0 to 9223372036854775806"),
        (["server.-1=a:2:3"], "server.-1: '-1' is not a number from 0 to 9223372036854775806"),
        (["server.1=a:2"], "server.1=a:2: not host:port:port[:participant|observer][;[host:]port]"),
        (["server.1=a:2:x"], "server.1=a:2:x: 'x' is not a port"),
        (["server.1=a:2:65536"], "server.1=a:2:65536: '65536' is not a port"),
        (["server.1=a:2:2"], "server.1=a:2:2: quorum port and election port must differ"),
        (["server.1=a:2:3:boss"], "server.1=a:2:3:boss: 'boss' is neither participant nor observer"),
        (["server.1=:2:3"], "server.1=:2:3: no valid host in ':2:3'"),
        (["server.1=[::1:2:3"], "server.1=[::1:2:3: a bracket is not closed, or not followed by a colon"),
        (["server.1=a:2:3;b:c:4"], "server.1=a:2:3;b:c:4: 'b:c:4' is not [host:]port"),
        (["server.1=a:2:3|b:2:3"],
         "server.1=a:2:3|b:2:3: several addresses of one server are not supported"),
        (["server.1=a:2:3", "server.01=a:4:5"], "server.01 is given twice"),
        (["server.1=a:2:3", "server.2=a:4:5", "group.1=1"], "server 2 is in no group"),
        (["server.1=a:2:3", "weight.1=2"], "server 1 is in no group"),
        (["server.1=a:2:3", "group.1=1", "group.2=1"], "server 1 is in more than one group"),
        (["server.1=a:2:3", "group.1=1:1"], "group.1=1:1: a server is listed twice"),
        (["server.1=a:2:3", "group.1=1:2"], "server 2 has a group or a weight, but there is no server.2"),
        (["server.1=a:2:3", "group.1=1", "weight.1=0"], "all voters have weight 0, so none can lead"),
        (["server.1=a:2:3", "group.1=1", "weight.1=-2"],
         "weight.1: '-2' is not a number from 0 to 9223372036854775807"),
        (["server.1=a:2:3", "version=0x1"], "version=0x1: not a zxid in hexadecimal"),
        (["server.1=a:2:3", "version=8000000000000000"],
         "version=8000000000000000: not a zxid in hexadecimal"),
        ([f"server.{sid}=a:2:3" for sid in range(1001)], "1001 servers; at most 1000 are allowed"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_one_line(lines: list[str], found: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
        parse_ensemble(lines)
    assert str(error.value) == found


@settings(max_examples=200, derandomize=True)
@given(st.text(alphabet="server.1=a:23;[]|\nvgoupwight0\x00é", max_size=80))
def test_any_text_is_an_ensemble_or_a_value_error(text: str) -> None:
    try:
        ensemble = ensemble_from_text(text)
    except ValueError:
        return
    assert ensemble_from_text(ensemble.text()).text() == ensemble.text()


def test_members_are_the_same_wherever_their_clients_connect() -> None:
    ensemble = parse_ensemble(MAJORITY)
    text = MAJORITY_TEXT.replace("29101", "29999").replace("version=0", "version=100000000")
    assert ensemble.has_the_same_members(ensemble_from_text(text))
    for changed in ("observer", "29202", "29302", "localhost", "server.2"):
        other = {"observer": "participant", "server.2": "server.4"}.get(changed, "1234")
        assert not ensemble.has_the_same_members(ensemble_from_text(text.replace(changed, other)))


# Quorums.


def members(*sids: int, observers: frozenset[int] = frozenset()) -> dict[int, Member]:
    return {sid: Member(sid, "h", 1, 2, sid in observers) for sid in sids}


def test_majority_of_voters_alone_is_a_quorum() -> None:
    ensemble = Ensemble(members(1, 2, 3, 4, 9, observers=frozenset({9})))
    assert not ensemble.is_quorum({1, 2})
    assert not ensemble.is_quorum({1, 2, 9, 77})
    assert ensemble.is_quorum({1, 2, 4})
    assert not ensemble.is_quorum(())


def test_quorum_of_groups_has_most_weight_in_most_groups() -> None:
    """The example of ZooKeeper's documentation: three groups of three, two of each of two groups."""
    groups = {1: frozenset({1, 2, 3}), 2: frozenset({4, 5, 6}), 3: frozenset({7, 8, 9})}
    ensemble = Ensemble(members(*range(1, 10)), groups)
    assert ensemble.is_quorum({1, 2, 4, 5})
    assert not ensemble.is_quorum({1, 2, 3, 4, 7})
    without_third = replace(ensemble, weights={7: 0, 8: 0, 9: 0})
    assert not without_third.is_quorum({1, 2, 7, 8, 9})
    assert without_third.is_quorum({1, 2, 5, 6})
    heavy = replace(ensemble, weights={1: 3})
    assert heavy.is_quorum({1, 4, 5})
    assert not heavy.is_quorum({2, 3, 4, 5})
    assert (heavy.weight(1), heavy.weight(2), heavy.weight(77)) == (3, 1, 0)


@pytest.mark.parametrize("text", [MAJORITY_TEXT, GROUPS_TEXT])
def test_any_two_quorums_meet(text: str) -> None:
    ensemble = ensemble_from_text(text)
    voters = sorted(ensemble.voters)
    some = chain.from_iterable(combinations(voters, count) for count in range(len(voters) + 1))
    quorums = [set(each) for each in some if ensemble.is_quorum(each)]
    assert quorums
    assert all(one & other for one in quorums for other in quorums)
