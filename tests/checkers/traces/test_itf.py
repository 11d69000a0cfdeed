from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple

import pytest

from trace_samples import run, story_model
from zabcheck.traces.itf import ItfError, decode, encode
from zabspec.parts import Queue, Row, Sid


class Colour(IntEnum):
    RED = 0
    GREEN = 1


class Tint(IntFlag):
    DARK = 1
    WARM = 2


class Pair(NamedTuple):
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Ping:
    sid: Sid


@dataclass(frozen=True, slots=True)
class Pong:
    pair: Pair
    good: bool


@dataclass(frozen=True, slots=True)
class Everything:
    number: int
    colour: Colour
    text: str
    tint: Tint
    data: bytes
    pair: Pair
    maybe: Sid | None
    log: tuple[Pair, ...]
    mixed: tuple[int, str]
    some: frozenset[Sid]
    records: frozenset[Ping]
    row: Row[Row[Queue[Ping | Pong]]]


VALUE = Everything(
    number=2**70,
    colour=Colour.GREEN,
    text="é\n",
    tint=Tint.DARK | Tint.WARM,
    data=b"\x00z",
    pair=Pair(1, -2),
    maybe=Sid(0),
    log=(Pair(1, 1), Pair(1, 2)),
    mixed=(3, "three"),
    some=frozenset({Sid(10), Sid(9)}),
    records=frozenset({Ping(Sid(2)), Ping(Sid(1))}),
    row=Row([Row([Queue(), Queue([Ping(Sid(1)), Pong(Pair(0, 0), True)])])]),
)
WRITTEN = {
    "number": {"#bigint": "1180591620717411303424"},
    "colour": "GREEN",
    "text": "é\n",
    "tint": {"#bigint": "3"},
    "data": "007a",
    "pair": {"left": {"#bigint": "1"}, "right": {"#bigint": "-2"}},
    "maybe": {"tag": "Some", "value": {"#bigint": "0"}},
    "log": [
        {"left": {"#bigint": "1"}, "right": {"#bigint": "1"}},
        {"left": {"#bigint": "1"}, "right": {"#bigint": "2"}},
    ],
    "mixed": {"#tup": [{"#bigint": "3"}, "three"]},
    "some": {"#set": [{"#bigint": "9"}, {"#bigint": "10"}]},
    "records": {"#set": [{"sid": {"#bigint": "1"}}, {"sid": {"#bigint": "2"}}]},
    "row": {
        "#map": [
            [
                {"#bigint": "0"},
                {
                    "#map": [
                        [{"#bigint": "0"}, []],
                        [
                            {"#bigint": "1"},
                            [
                                {"tag": "Ping", "value": {"sid": {"#bigint": "1"}}},
                                {
                                    "tag": "Pong",
                                    "value": {
                                        "pair": {"left": {"#bigint": "0"}, "right": {"#bigint": "0"}},
                                        "good": True,
                                    },
                                },
                            ],
                        ],
                    ]
                },
            ]
        ]
    },
}


def test_every_kind_of_value_has_its_form() -> None:
    assert encode(VALUE, Everything) == WRITTEN


def test_what_is_read_equals_what_was_written_and_is_of_the_same_types() -> None:
    read = decode(json.loads(json.dumps(WRITTEN)), Everything, "value")
    assert read == VALUE
    assert type(read.row) is type(read.row[0]) is Row
    assert type(read.row[0][1]) is Queue
    assert type(read.pair) is Pair
    assert type(read.colour) is Colour
    assert type(read.tint) is Tint


def test_nothing_is_none() -> None:
    assert encode(None, Sid | None) == {"tag": "None", "value": {"#tup": []}}
    assert decode({"tag": "None", "value": {"#tup": []}}, Sid | None, "value") is None


def test_plain_numbers_are_read_as_older_files_have_them() -> None:
    assert decode(7, int, "value") == 7


@pytest.mark.parametrize("bookkeeping", [False, True])
def test_worlds_come_back_equal(bookkeeping: bool) -> None:
    model = story_model(bookkeeping)
    kind = type(model.initial)
    for step in run(model).steps:
        assert decode(json.loads(json.dumps(encode(step.world, kind))), kind, "world") == step.world


@pytest.mark.parametrize(
    ("hint", "written", "complaint"),
    [
        (int, "7", 'it: "7" is not of the form'),
        (int, {"#bigint": "seven"}, "is not an integer"),
        (int, {"#bigint": "1_0"}, "is not an integer"),
        (int, True, "true is not of the form"),
        (bool, 1, "1 is not a bool"),
        (Colour, "BLUE", 'it: "BLUE" is not one of RED, GREEN'),
        (Tint, {"#bigint": "4"}, "it: 4 is no set of DARK, WARM"),
        (bytes, "0G", 'it: "0G" is not a string of hexadecimal digits'),
        (bytes, 7, "it: 7 is not a string of hexadecimal digits"),
        (Pair, {"left": 1}, "it: the field 'right' is missing"),
        (Pair, {"left": 1, "right": 2, "top": 3}, "it: there is no field 'top'"),
        (Pair, {"left": 1, "right": "2"}, "it.right: "),
        (Pair, [1, 2], "it: [1, 2] is not a record"),
        (Row[int], {"#map": [[1, 5]]}, "it: entry 0 is not a pair of server 0"),
        (Row[Pair], {"#map": [[0, {"left": 1}]]}, "it[0]: the field 'right'"),
        (tuple[int, ...], {"#tup": []}, "is not a list"),
        (tuple[int, int], {"#tup": [1]}, "is not a tuple of 2"),
        (frozenset[int], [1], 'is not of the form {"#set": ...}'),
        (Ping | Pong, {"tag": "Pang", "value": {}}, 'it: "Pang" is not one of Ping, Pong'),
        (Ping | Pong, {"tag": ["Ping"], "value": {}}, "is not one of Ping, Pong"),
        (Ping | Pong, {"sid": 1}, "is not a variant"),
        (Ping | Pong, {"tag": "None", "value": {}}, "is not one of Ping, Pong"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(
    hint: object, written: object, complaint: str
) -> None:
    with pytest.raises(ItfError) as caught:
        decode(written, hint, "it")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("hint", [object, dict[str, int], float])
def test_a_hint_that_has_no_form_is_refused(hint: object) -> None:
    with pytest.raises(TypeError, match="no way to write"):
        encode(1.5, hint)
    with pytest.raises(TypeError, match="no way to read"):
        decode(1.5, hint, "it")


def test_sets_are_written_in_the_same_order_in_every_process(same_output) -> None:
    snippet = """
import json
from dataclasses import dataclass
from zabcheck.traces.itf import encode

@dataclass(frozen=True)
class Name:
    text: str

print(json.dumps(encode(frozenset(map(Name, "abcdefgh")), frozenset[Name])))
print(json.dumps(encode(frozenset("abcdefgh"), frozenset[str])))
"""
    assert '{"text": "a"}, {"text": "b"}' in same_output(snippet)
