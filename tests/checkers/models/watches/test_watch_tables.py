"""The watch matrix and the catch-up table are those read off ZooKeeper's code and probed on a server.

Both are written down here by hand, cell by cell. A dash says that nothing is told. Where they have a dash and
the spec says that it cannot happen, both are right: the cells of which that is so are named.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from zabcheck.models.watches.model import Scope, node_at, runs, triggers_of
from zabcheck.models.watches.tables import (
    IMPOSSIBLE,
    QUOTA,
    STATS,
    Ground,
    P,
    Table,
    away,
    create,
    delete,
    matrix,
    set_data,
)
from zabspec.tree import Error
from zabspec.watches import Answer, EventType
from zabspec.watches.properties import Change

MATRIX = {
    "data": ["-", "DataChanged p, gone", "Deleted p, gone", "-", "-", "-", "-"],
    "exist": ["Created p, gone", "-", "-", "-", "-", "-", "-"],
    "child": ["-", "-", "Deleted p, gone", "ChildrenChanged p, gone", "-", "-", "-"],
    "persistent": ["Created p", "DataChanged p", "Deleted p", "ChildrenChanged p", "-", "-", "-"],
    "recursive": [
        "Created p",
        "DataChanged p",
        "Deleted p",
        "Created/Deleted c",
        "DataChanged c",
        "Created/DataChanged/Deleted d",
        "-",
    ],
}
OPERATIONS = [
    "create p",
    "setData p",
    "delete p",
    "create/delete c",
    "setData c",
    "create/setData/delete d",
    "setACL p",
]
CANNOT_HAPPEN = {("data", "create p"), ("child", "create p")} | {("exist", each) for each in OPERATIONS[1:]}

AWAY = {
    "setData p, any number of times": ["DataChanged", "-", "-", "lost"],
    "setData p to what it was": ["DataChanged", "-", "-", "lost"],
    "delete p": ["Deleted", "-", "Deleted", "lost"],
    "delete p, create p": ["DataChanged", "-", "ChildrenChanged", "lost"],
    "create p": ["-", "Created", "-", "lost"],
    "create p, delete p": ["-", "lost", "-", "lost"],
    "create p, delete p, create p": ["-", "Created", "-", "lost"],
    "create c": ["-", "-", "ChildrenChanged", "lost"],
    "create c, delete c": ["-", "-", "ChildrenChanged", "lost"],
    "setACL p": ["-", "-", "-", "-"],
    "usage of a quota noted in p": ["-", "-", "-", "-"],
}
WAITS_FOR_P = {"create p", "create p, delete p", "create p, delete p, create p"}


def cells(table: Table) -> dict[tuple[str, str], str]:
    """A table by row and column."""
    columns = table[0][1:]
    return {(row[0], name): cell for row in table[1:] for name, cell in zip(columns, row[1:], strict=True)}


MATRIX_CELLS = cells(matrix())
AWAY_CELLS = cells(away())


@pytest.mark.parametrize("row", MATRIX)
@pytest.mark.parametrize("column", OPERATIONS)
def test_the_matrix_is_the_reference(row: str, column: str) -> None:
    expected = MATRIX[row][OPERATIONS.index(column)]
    if (row, column) in CANNOT_HAPPEN:
        assert (expected, MATRIX_CELLS[row, column]) == ("-", IMPOSSIBLE)
    else:
        assert MATRIX_CELLS[row, column] == expected


@pytest.mark.parametrize("row", AWAY)
@pytest.mark.parametrize("column", ["data", "exist", "child", "persistent, recursive"])
def test_what_is_told_on_a_new_connection_is_the_reference(row: str, column: str) -> None:
    expected = AWAY[row][["data", "exist", "child", "persistent, recursive"].index(column)]
    cannot_happen = column == "exist" if row not in WAITS_FOR_P else column in ("data", "child")
    if cannot_happen:
        assert (expected, AWAY_CELLS[row, column]) == ("-", IMPOSSIBLE)
    else:
        assert AWAY_CELLS[row, column] == expected


def test_there_is_nothing_else_in_the_tables() -> None:
    assert set(MATRIX_CELLS) == {(row, column) for row in MATRIX for column in OPERATIONS}
    assert len(AWAY_CELLS) == 4 * len(AWAY)
    assert {row for row, _ in AWAY_CELLS} == set(AWAY)


def test_the_page_has_the_tables_that_the_command_prints(
    root: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = run_python("-m", "zabcheck", "watches")
    assert done.returncode == 0
    page = (root / "docs" / "watches.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE)
    assert len(tables) == 2
    assert "\n".join(tables) == done.stdout


def test_usage_of_a_quota_is_noted_without_a_word() -> None:
    ground = Ground(QUOTA)
    before = ground.stamps(STATS)
    ground.does(create("/q/n"))
    after = ground.stamps(STATS)
    assert before is not None
    assert after is not None
    assert (before.data, after.data) == (b"count=1,bytes=0", b"count=2,bytes=0")
    assert (before.mzxid, before.version) == (after.mzxid, after.version)


CHANGES = {EventType.CREATED: create, EventType.DATA_CHANGED: set_data, EventType.DELETED: delete}


def test_the_tree_calls_the_managers_as_the_properties_of_watches_take_it_to() -> None:
    """On every run of five operations: the same triggers, and the same mzxid and pzxid."""
    scope, count = Scope(), 0
    for run in runs(frozenset(), scope, 5):
        ground = Ground(())
        log: list[tuple[int, Change]] = []
        for change in run:
            calls = ground.does(CHANGES[change.type](change.path))
            log.append((ground.zxid, change))
            assert calls == triggers_of(change, frozenset())
        for path in ("/", *scope.paths):
            node, expected = ground.stamps(path), node_at(tuple(log), path)
            stamps = None if node is None else (node.mzxid, node.pzxid)
            assert stamps == (None if expected is None else (expected.mzxid, expected.pzxid))
        count += 1
    assert count == 544


def test_an_operation_that_the_tree_refuses_calls_nobody() -> None:
    ground = Ground(())
    assert not ground.takes(delete(P))
    assert ground.does(delete(P)) == ()


def test_what_watches_answer_is_what_the_tree_calls_it() -> None:
    named = {each.name: each.value for each in Answer}
    assert named == {each.name: each.value for each in Error if each.name in named}
