"""The requirements on names and docstrings find what breaks them; `test_architecture` checks the sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from conventions import changing_predicates, unknown_names
from sources import plant


@pytest.mark.parametrize(
    "body",
    [
        "return self.x > 1",
        "found = []\n        found.append(self.x)\n        return bool(found)",
        "for each in self.x:\n            y = each\n        return y",
        "x = {}\n        x[1] = 2\n        return bool(x)",
        "return self.x.get(1) is not None and self.find()",
    ],
)
def test_predicate_that_only_asks_passes(body: str, tmp_path: Path) -> None:
    plant(tmp_path, "spec/zabspec/a.py", f"class C:\n    def is_so(self) -> bool:\n        {body}\n")
    assert list(changing_predicates(tmp_path)) == []


@pytest.mark.parametrize("annotation", ["bool", "TypeGuard[int]", "TypeIs[int]"])
def test_predicate_may_narrow_a_type(annotation: str, tmp_path: Path) -> None:
    plant(tmp_path, "spec/zabspec/a.py", f"def is_so(x: object) -> {annotation}: return x is None\n")
    assert list(changing_predicates(tmp_path)) == []


@pytest.mark.parametrize("annotation", ["", " -> int", " -> bool | None", " -> None", " -> list[bool]"])
@pytest.mark.parametrize("name", ["is_so", "has_it", "_is_so", "_has_it"])
def test_predicate_that_returns_no_bool_is_found(name: str, annotation: str, tmp_path: Path) -> None:
    plant(tmp_path, "spec/zabspec/a.py", f"def {name}(){annotation}: ...\n")
    assert list(changing_predicates(tmp_path)) == [f"zabspec.a.{name} is not annotated to return bool"]


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("self.x = 1", "self.x"),
        ("self.x += 1", "self.x"),
        ("self.x: int = 1", "self.x"),
        ("self.x, y = 1, 2", "self.x"),
        ("self.x[0] = 1", "self.x[0]"),
        ("del self.x", "self.x"),
        ("del other.x[0]", "other.x[0]"),
        ("self.x.y = 1", "self.x.y"),
        ("self.x.append(1)", "self.x"),
        ("other.add(1)", "other"),
        ("self.f().clear()", "self.f()"),
        ("self.x[0].update(y=1)", "self.x[0]"),
        ("global x", "x"),
        ("for self.x in other: pass", "self.x"),
        ("with other as self.x: pass", "self.x"),
        ("(lambda: self.x.pop())()", "self.x"),
    ],
)
def test_predicate_that_changes_something_is_found(statement: str, changed: str, tmp_path: Path) -> None:
    text = (
        f"class C:\n    def is_so(self, other: object) -> bool:\n        {statement}\n        return True\n"
    )
    plant(tmp_path, "impl/zabserver/a.py", text)
    assert list(changing_predicates(tmp_path)) == [f"zabserver.a.C.is_so changes {changed}"]


CLASSES = '''
from zabcheck.b import Base
from zabcheck import b

class Made:
    """A class.

    Args:
        first: one
            of two.
        second, third: more.
        *rest, **named: others.

    Attributes:
        first: it.
        fourth, fifth: more.
        sixth: a property.
    """

    fourth: int
    fifth = 1

    def __init__(self, first, second, third=None, *rest, **named):
        self.first = first

    @property
    def sixth(self):
        return 1

    def method(self, one, *, other):
        """Does it.

        Args:
            one: it.
            other: more.

        Returns:
            nothing: that is a name.
        """

class Inherits(Base):
    """A class.

    Args:
        inherited: it.

    Attributes:
        below: it.
    """

class InheritsToo(b.Base):
    """A class.

    Args:
        inherited: it.
    """

@dataclass
class Fields:
    """A class.

    Args:
        one: it.

    Attributes:
        two: it.
    """

    one: int
    two: int

class Failed(Exception):
    """An exception, which takes any arguments.

    Args:
        why: it.
    """
'''
BASE = "class Base:\n    def __init__(self, inherited):\n        self.below = inherited\n"


def test_names_that_exist_pass(tmp_path: Path) -> None:
    plant(tmp_path, "checkers/zabcheck/a.py", CLASSES)
    plant(tmp_path, "checkers/zabcheck/b.py", BASE)
    assert list(unknown_names(tmp_path)) == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("        first: one\n", "        frist: one\n", "Made has no argument frist"),
        ("second, third: more", "second, thrid: more", "Made has no argument thrid"),
        ("        first: it.", "        second: it.", "Made has no attribute second"),
        ("fourth, fifth: more", "fourth, method: more", "Made has no attribute method"),
        ("            one: it.", "            two: it.", "Made.method has no argument two"),
        ("        inherited: it.\n\n", "        below: it.\n\n", "Inherits has no argument below"),
        ("        below: it.", "        above: it.", "Inherits has no attribute above"),
        ("        two: it.", "        three: it.", "Fields has no attribute three"),
        ("        one: it.\n\n    Attr", "        three: it.\n\n    Attr", "Fields has no argument three"),
        ("        sixth: a", "        no item\n        sixth: a", "Made has no attribute 'no item'"),
    ],
)
def test_name_that_does_not_exist_is_found(before: str, after: str, found: str, tmp_path: Path) -> None:
    assert CLASSES.count(before) >= 1
    plant(tmp_path, "checkers/zabcheck/a.py", CLASSES.replace(before, after, 1))
    plant(tmp_path, "checkers/zabcheck/b.py", BASE)
    assert list(unknown_names(tmp_path)) == [f"zabcheck.a.{found}"]
