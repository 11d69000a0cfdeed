"""All claims by number: refuted by a myth, stated by a property, or left out with a reason.

docs/references.md explains the numbers: claims of five texts (0 to 4), steps of a lock recipe (L), cases
beyond those texts (E).
"""

from __future__ import annotations

from collections.abc import Mapping

from zabcheck.myths.case import Myth
from zabcheck.myths.locking import LOCKING
from zabcheck.myths.reading import READING
from zabcheck.myths.replicating import REPLICATING
from zabcheck.myths.watching import WATCHING

MYTHS: tuple[Myth, ...] = (*WATCHING, *READING, *LOCKING, *REPLICATING)
BY_NAME: Mapping[str, Myth] = {each.name: each for each in MYTHS}

ALL_IDS: tuple[str, ...] = (
    *(f"0.{number}" for number in range(1, 22)),
    *(f"1.{number}" for number in range(1, 17)),
    *(f"L{number}" for number in range(1, 10)),
    *(f"2.{number}" for number in range(1, 13)),
    *(f"3.{number}" for number in range(1, 26)),
    *(f"4.{number}" for number in range(1, 11)),
    *(f"E{number}" for number in range(1, 21)),
)

PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "one_leader_in_an_epoch": ("0.8",),
    "global_primary_order": ("0.13",),
    "committed_is_kept": ("3.2", "3.13", "E16"),
    "w1_ordered": ("1.11", "4.1"),
    "w3_replied_before_notified": ("E14",),
    "w4_caused": ("3.14",),
    "w12_nothing_secret": ("E5", "4.10"),
    "w14_ephemerals_go_at_once": ("E18",),
}
"""The claims that are true, or whose true version is a property, by the name of that property."""

_ARGUMENTS = "they are about arguments, names or packages of a client library"
_RECIPES = "they are about recipes, roles in a text or machines, not about what a client can see"
_TEXT = "they are about the words of a text"
LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    _ARGUMENTS: ("0.18", "0.19", "1.3", "1.4", "2.3", "2.8", "3.11", "3.12", "4.6"),
    _TEXT: ("0.2", "1.16", "2.1", "3.4", "3.9", "3.10", "3.17"),
    _RECIPES: ("1.10", "1.15", "2.9", "2.12", "3.3", "3.23"),
    "a client cannot choose types of events: there is no such request (`zabspec.service.requests`)": ("1.2",),
    "no spec here shows a server's role to a client": ("2.2", "3.20", "3.21"),
    "it needs a spec of Multi-Paxos beside that of ZAB": ("3.1",),
    "that transactions are absolute is tested with the tree: `tests/spec/tree/test_tree.py`": ("0.9",),
    "only 3.8.0 behaves so: `tests/apache` compares it with the spec": ("E10",),
    "what follows the last number is tested with the tree: `tests/spec/tree/test_tree.py`": ("E11",),
    "observers are explored in `zab`, not with clients": ("E20",),
}


def refuted_by(number: str) -> tuple[str, ...]:
    """Returns the names of the myths that refute a claim."""
    return tuple(each.name for each in MYTHS if number in each.ids)


def table() -> list[str]:
    """Returns lines of Markdown: every myth, then what became of every other claim."""
    lines = ["| Myth | Claims | It is said | It is so |", "|---|---|---|---|"]
    lines += (f"| {each.name} | {', '.join(each.ids)} | {each.claim} | {each.truth} |" for each in MYTHS)
    lines += ["", "| Claims | The property that says what is so |", "|---|---|"]
    lines += (f"| {', '.join(ids)} | `{name}` |" for name, ids in PROPERTIES.items())
    lines += ["", "| Claims | Left out, because |", "|---|---|"]
    lines += (f"| {', '.join(ids)} | {why} |" for why, ids in LEFT_OUT.items())
    return lines
