from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from trace_samples import STORY, run
from zabcheck.explorer.model import Model
from zabcheck.explorer.verdicts import Trace
from zabcheck.models.paper.bounds import Bounds
from zabcheck.models.registry import Instance, build
from zabcheck.traces.files import Expect, TraceError, check_writable, load, save, to_text

BOUNDS = Bounds(servers=3, transactions=2, timeouts=2, restarts=1)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "bookkeeping"])
def model(request: pytest.FixtureRequest) -> Model:
    return build(Instance(bounds=replace(BOUNDS, bookkeeping=request.param)))


@pytest.fixture(scope="module")
def trace(model: Model) -> Trace:
    return run(model, asked="prefix_consistency")


def test_a_trace_comes_back_equal(tmp_path: Path, trace: Trace, model: Model) -> None:
    path = save(trace, tmp_path)
    read = load(path)
    assert read.trace == trace
    assert read.expect == Expect.VIOLATED
    assert read.model.initial == model.initial
    assert read.path == path


def test_a_lasso_that_reaches_something_comes_back_too(tmp_path: Path, trace: Trace) -> None:
    lasso = replace(trace, loop=3, property="everyone_delivers")
    read = load(save(lasso, tmp_path, expect=Expect.REACHED))
    assert read.trace == lasso
    assert read.expect == Expect.REACHED


def test_a_file_is_what_itf_says(tmp_path: Path, trace: Trace, model: Model) -> None:
    document = json.loads(save(replace(trace, loop=3), tmp_path).read_text(encoding="utf-8"))
    ledger = [each for each in ("ledger",) if hasattr(model.initial, each)]
    assert sorted(document) == ["#meta", "loop", "states", "vars"]
    assert document["#meta"]["format"] == "ITF"
    assert document["vars"] == ["servers", "network", "oracle", "budget", *ledger]
    assert document["loop"] == 3
    assert all(list(state) == ["#meta", *document["vars"]] for state in document["states"])
    assert document["states"][3]["#meta"] == {
        "index": 3,
        "action": "follower_connects",
        "arguments": [0, 1],
    }
    assert only_itf([state[name] for state in document["states"] for name in document["vars"]])


def only_itf(value: Any) -> bool:
    """True if a value is built as ADR-015 says: no null, no JSON number, `#` only where it has a meaning."""
    match value:
        case bool() | str():
            return True
        case list():
            return all(map(only_itf, value))
        case {"#bigint": str()} if len(value) == 1:
            return True
        case {"#tup": list(items)} | {"#set": list(items)} if len(value) == 1:
            return all(map(only_itf, items))
        case {"#map": list(pairs)} if len(value) == 1:
            return all(len(pair) == 2 and only_itf(pair) for pair in pairs)
        case dict():
            return all(not name.startswith("#") and only_itf(each) for name, each in value.items())
    return False


def test_a_file_is_named_by_what_happened(tmp_path: Path, trace: Trace) -> None:
    assert save(trace, tmp_path / "new" / "folder").name == "paper-prefix_consistency.itf.json"


def test_a_file_is_never_overwritten(tmp_path: Path, trace: Trace) -> None:
    first = save(trace, tmp_path)
    content = first.read_bytes()
    assert save(trace, tmp_path) == first
    second = save(replace(trace, steps=trace.steps[:5]), tmp_path)
    third = save(replace(trace, steps=trace.steps[:6]), tmp_path)
    assert [second.name, third.name] == [
        "paper-prefix_consistency-2.itf.json",
        "paper-prefix_consistency-3.itf.json",
    ]
    assert first.read_bytes() == content
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([first.name, second.name, third.name])


def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TraceError, match="No space left on device"):
        save(trace, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_there_is_refused(tmp_path: Path, trace: Trace) -> None:
    (tmp_path / "file").write_text("mine")
    for refuse in (check_writable, lambda directory: save(trace, directory)):
        with pytest.raises(TraceError, match="a trace cannot be written there") as caught:
            refuse(tmp_path / "file" / "traces")
        assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"


def test_looking_whether_a_folder_is_writable_makes_none(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(TraceError, match="no permission"):
        check_writable(tmp_path / "traces")


def test_the_same_run_gives_the_same_bytes_in_every_process(same_output: Callable[[str], str]) -> None:
    same_output("""
import sys
sys.path.insert(0, "tests/support")
from trace_samples import run
from zabcheck.models.registry import Instance, build
from zabcheck.models.paper.bounds import Bounds
from zabcheck.traces.files import Expect, to_text
model = build(Instance(bounds=Bounds(3, 2, 2, 1, bookkeeping=True)))
print(to_text(run(model, asked="agreement"), Expect.VIOLATED))
""")


def damage(change: Callable[[Any], object]) -> str:
    """Returns the text of a good file after a change of its JSON."""
    trace = run(build(Instance(bounds=BOUNDS)), STORY[:4], "agreement")
    document = json.loads(to_text(trace, Expect.VIOLATED))
    change(document)
    return json.dumps(document)


def meta(document: Any) -> Any:
    return document["#meta"]["zabkit"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("#meta"), "the file: the field '#meta' is missing"),
        (lambda d: d["#meta"].pop("zabkit"), "#meta: the field 'zabkit' is missing"),
        (lambda d: meta(d).update(version=2), "#meta.zabkit: version 2, but this program reads version 1"),
        (lambda d: meta(d).update(version=True), "#meta.zabkit.version: not of type int"),
        (lambda d: meta(d).pop("settings"), "#meta.zabkit: the field 'settings' is missing"),
        (lambda d: meta(d)["settings"].update(spec="paxos"), "#meta.zabkit.settings: no spec 'paxos'"),
        (lambda d: meta(d)["settings"].update(colour=1), "#meta.zabkit.settings: no setting 'colour'"),
        (lambda d: meta(d)["settings"].update(servers="3"), "#meta.zabkit.settings: setting 'servers'"),
        (lambda d: meta(d)["settings"].update(servers=0), "#meta.zabkit.settings: 0 servers"),
        (lambda d: meta(d).update(expect="HOPED"), '#meta.zabkit.expect: "HOPED" is not one of VIOLATED'),
        (lambda d: meta(d).update(property=None), "#meta.zabkit.property: not of type str"),
        (lambda d: d.pop("states"), "the file: the field 'states' is missing"),
        (lambda d: d.update(states=[]), "states: there are none"),
        (lambda d: d.update(loop=5), "loop: there is no state 5"),
        (lambda d: d.update(loop=-1), "loop: there is no state -1"),
        (lambda d: d["states"].append(7), "states[5]: not a JSON object"),
        (lambda d: d["states"][2].pop("#meta"), "states[2]: the field '#meta' is missing"),
        (
            lambda d: d["states"][2]["#meta"].update(arguments="0"),
            "states[2].#meta.arguments: not of type list",
        ),
        (
            lambda d: d["states"][2]["#meta"].update(arguments=["0"]),
            "states[2].#meta.arguments: they are not",
        ),
        (lambda d: d["states"][2].pop("network"), "states[2]: the variable 'network' is missing"),
        (lambda d: d["states"][2].update(oracle=3), "states[2].oracle: 3 is not a variant"),
        (
            lambda d: d["states"][2]["servers"]["#map"][1][1].update(role="KING"),
            'states[2].servers[1].role: "KING" is not one of LOOKING, FOLLOWING, LEADING',
        ),
    ],
)
def test_a_damaged_file_is_refused_in_one_line_with_the_place(
    tmp_path: Path, change: Callable[[Any], object], complaint: str
) -> None:
    path = tmp_path / "damaged.itf.json"
    path.write_text(damage(change))
    with pytest.raises(TraceError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "line 1: not JSON"),
        (b'{"#meta": {\n"a" 1', "line 2: not JSON"),
        (b"\xff\xfe", "not a trace: 'utf-8' codec can't decode"),
        (b"[" * 100_000, "not a trace: "),
        (b"[]", "the file: not a JSON object"),
    ],
)
def test_what_is_no_json_is_refused_in_one_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "damaged.itf.json"
    path.write_bytes(content)
    with pytest.raises(TraceError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {complaint}")
    assert "\n" not in str(caught.value)


def test_every_prefix_of_a_file_is_refused(tmp_path: Path) -> None:
    text = damage(lambda _: None)
    path = tmp_path / "cut.itf.json"
    for length in range(0, len(text), 997):
        path.write_text(text[:length])
        with pytest.raises(TraceError):
            load(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file or directory"):
        load(tmp_path / "nothing.itf.json")
