"""The design's table of who may import whom, and the limits on modules, read off the sources."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import networkx
import pytest

from conventions import changing_predicates, unknown_names
from sources import PACKAGES, modules, plant
from zabcheck.cli.entry import FROM_THE_EXTRA

FOLDERS = {"spec", "impl", "checkers", "tests", "traces", "docs"}
MADE = {"build", "dist", "__pycache__"}
LONGEST = 600
LARGEST = 22

CORES = frozenset(
    f"zabserver.zab.{name}" for name in ("leader", "learner", "leader_service", "peer", "succession")
)
"""The one import circle that is allowed: the cores of an ensemble's member."""


@dataclass(frozen=True)
class Rule:
    """What the modules below a package may import besides the standard library; of ours, by dotted name."""

    ours: frozenset[str]
    others: frozenset[str] = frozenset()


_CHECKER = Rule(frozenset({"zabcheck", "zabspec"}), FROM_THE_EXTRA)
_MEETING_PLACE = Rule(_CHECKER.ours | {"zabserver"}, FROM_THE_EXTRA)

RULES = {
    "zabspec": Rule(frozenset({"zabspec"})),
    "zabserver": Rule(frozenset({"zabserver"})),
    "zabserver.net": Rule(frozenset({"zabserver"}), frozenset({"uvloop", "prometheus_client", "rich"})),
    "zabserver.pytest_plugin": Rule(frozenset({"zabserver"}), frozenset({"pytest"})),
    "zabcheck": _CHECKER,
    "zabcheck.explorer": Rule(
        frozenset({"zabcheck.explorer", "zabspec.parts"}), frozenset({"networkx", "numpy"})
    ),
    "zabcheck.report": Rule(frozenset({"zabcheck"}), frozenset({"rich"})),
    "zabcheck.traces": Rule(frozenset({"zabcheck", "zabspec.parts"})),
    "zabcheck.simulation": _MEETING_PLACE,
    "zabcheck.servers": _MEETING_PLACE,
    "zabcheck.cli": _MEETING_PLACE,
}
"""The most specific entry counts."""


# What is asked of the sources: each yields a line for every departure.


def imported(tree: ast.Module, name: str, *, is_package: bool) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in it; by `importlib` too, where it names them."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=0):
                yield module or ""
            case ast.ImportFrom(module=module, level=level):
                above = name.split(".")[: len(name.split(".")) - level + is_package]
                yield ".".join([*above, module] if module else above)
            case ast.Call(func=func, args=[ast.Constant(value=str(module)), *_]):
                if ast.unparse(func) in {"import_module", "importlib.import_module", "__import__"}:
                    yield module


def rule_of(name: str) -> Rule:
    """The rule for a module: that of the most specific entry in RULES."""
    parts = name.split(".")
    above = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next(RULES[each] for each in above if each in RULES)


def forbidden_imports(root: Path) -> Iterator[str]:
    """Imports against the table."""
    for name, path, tree in modules(root):
        rule = rule_of(name)
        others = rule.others | sys.stdlib_module_names
        for target in imported(tree, name, is_package=path.name == "__init__.py"):
            is_ours = any(target == each or target.startswith(f"{each}.") for each in rule.ours)
            if not is_ours and target.partition(".")[0] not in others:
                yield f"{name} imports {target}"


def misplaced_folders(root: Path) -> Iterator[str]:
    """Folders that the design does not know, and those it does and that are not there."""
    found = {
        path.name
        for path in root.iterdir()
        if path.is_dir() and not path.name.startswith(".") and not (path / "pyvenv.cfg").exists()
    }
    yield from (f"{name}/ is not in the design" for name in sorted(found - FOLDERS - MADE))
    yield from (f"{name}/ is missing" for name in sorted(FOLDERS - found))
    for package, source in PACKAGES.items():
        inside = {path.parent.name for path in (root / source).glob("*/__init__.py")}
        yield from (f"{source}/{name} is not {package}" for name in sorted(inside - {package}))
        if not (root / source / package / "py.typed").exists():
            yield f"{package} ships no py.typed"


def long_modules(root: Path) -> Iterator[str]:
    """Modules that nobody reads to the end."""
    for source in [*PACKAGES.values(), "tests"]:
        for path in sorted((root / source).rglob("*.py")):
            length = len(path.read_text(encoding="utf-8").splitlines())
            if length >= LONGEST:
                yield f"{path.relative_to(root)} has {length} lines"


def vague_names(root: Path) -> Iterator[str]:
    """Modules named for nothing in particular."""
    for _, path, _ in modules(root):
        if path.stem in {"utils", "util", "helpers", "misc", "common"}:
            yield f"{path.relative_to(root)} says nothing"


def import_graph(root: Path) -> dict[str, set[str]]:
    """For each module of ours, the modules of ours that it imports anywhere, for type checkers too."""
    found = list(modules(root))
    names = {name for name, _, _ in found}
    graph: dict[str, set[str]] = {name: set() for name in names}
    for name, path, tree in found:
        for target in imported_modules(tree, name, is_package=path.name == "__init__.py"):
            known = target if target in names else target.rpartition(".")[0]
            if known in names and known != name:
                graph[name].add(known)
    return graph


def imported_modules(tree: ast.Module, name: str, *, is_package: bool) -> Iterator[str]:
    """As `imported`, but `from package import module` yields `package.module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            (module,) = imported(ast.Module([node], []), name, is_package=is_package)
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import | ast.Call):
            yield from imported(ast.Module([node], []), name, is_package=is_package)  # type: ignore[list-item]


def import_circles(root: Path) -> Iterator[str]:
    """Groups of modules of which each imports the next, directly or through others, other than the cores."""
    circles = networkx.strongly_connected_components(networkx.DiGraph(import_graph(root)))
    for circle in sorted(map(sorted, (each for each in circles if len(each) > 1))):
        if frozenset(circle) != CORES:
            yield f"{', '.join(circle)} import each other in a circle"


def crowded_folders(root: Path) -> Iterator[str]:
    """Folders in which nobody finds a module."""
    for source in PACKAGES.values():
        for folder in sorted({path.parent for path in (root / source).rglob("*.py")}):
            count = sum(path.name != "__init__.py" for path in folder.glob("*.py"))
            if count > LARGEST:
                yield f"{folder.relative_to(root)} has {count} modules"


def undocumented(root: Path) -> Iterator[str]:
    """Public modules, classes, functions and methods without a docstring."""
    for name, _, tree in modules(root):
        for where, node in [(name, tree), *_public(name, tree)]:
            if not ast.get_docstring(node):
                yield f"{where} has no docstring"


def _public(
    where: str, node: ast.AST
) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if child.name.startswith("_") or any(
            ast.unparse(each) == "overload" for each in child.decorator_list
        ):
            continue
        yield f"{where}.{child.name}", child
        if isinstance(child, ast.ClassDef):
            yield from _public(f"{where}.{child.name}", child)


REQUIREMENTS = [
    forbidden_imports,
    import_circles,
    misplaced_folders,
    crowded_folders,
    long_modules,
    vague_names,
    undocumented,
    changing_predicates,
    unknown_names,
]


@pytest.mark.parametrize("departures", REQUIREMENTS)
def test_sources_keep_to_the_design(departures: Callable[[Path], Iterator[str]], root: Path) -> None:
    assert list(departures(root)) == []


def test_every_source_root_is_read(root: Path) -> None:
    assert {name.partition(".")[0] for name, _, _ in modules(root)} == set(PACKAGES)


@pytest.mark.parametrize("package", ["zabspec", "zabserver"])
def test_imports_with_nothing_but_the_standard_library(
    package: str, root: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Every module is imported in a Python that sees no site-packages and no other source root."""
    names = [name for name, _, _ in modules(root) if name.partition(".")[0] == package]
    names = [name for name in names if not rule_of(name).others & {"pytest"}]  # a plugin of pytest's
    code = f"import sys, importlib\nsys.path.append({str(root / PACKAGES[package])!r})\n"
    code += f"for name in {names!r}: importlib.import_module(name)\n"
    code += "print(*sorted({name.partition('.')[0] for name in sys.modules if name.startswith('zab')}))"
    done = run_python("-I", "-S", "-c", code)
    assert (done.stdout.split(), done.stderr) == ([package], "")


def test_extra_is_what_may_be_imported(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        line.partition(">")[0].removesuffix("-solver") for line in project["optional-dependencies"]["check"]
    }
    assert named == FROM_THE_EXTRA
    assert project["dependencies"] == []


# A test that cannot fail is not a test: each requirement is shown what it must not let pass.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository that keeps to the design."""
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    for package, source in PACKAGES.items():
        plant(tmp_path, f"{source}/{package}/__init__.py", '"""A package."""\n')
        plant(tmp_path, f"{source}/{package}/py.typed", "")
    return tmp_path


@pytest.mark.parametrize("departures", REQUIREMENTS)
def test_a_tree_that_keeps_to_the_design_passes(
    departures: Callable[[Path], Iterator[str]], tree: Path
) -> None:
    assert list(departures(tree)) == []


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("spec/zabspec/a.py", "import zabserver", "zabspec.a imports zabserver"),
        ("spec/zabspec/a.py", "import zabcheck.models", "zabspec.a imports zabcheck.models"),
        ("spec/zabspec/a.py", "from numpy import array", "zabspec.a imports numpy"),
        ("spec/zabspec/paper/a.py", "from ...zabserver import x", "zabspec.paper.a imports zabserver"),
        ("impl/zabserver/a.py", "from zabspec.parts import Row", "zabserver.a imports zabspec.parts"),
        ("impl/zabserver/a.py", "import uvloop", "zabserver.a imports uvloop"),
        ("impl/zabserver/a.py", "import zabcheck", "zabserver.a imports zabcheck"),
        ("checkers/zabcheck/models/a.py", "import zabserver.net", "zabcheck.models.a imports zabserver.net"),
        ("checkers/zabcheck/climb.py", "import zabserver", "zabcheck.climb imports zabserver"),
        ("checkers/zabcheck/a.py", "import requests", "zabcheck.a imports requests"),
        ("checkers/zabcheck/a.py", "def f():\n    import zabserver", "zabcheck.a imports zabserver"),
        ("checkers/zabcheck/a.py", "import importlib\nimportlib.import_module('zabserver.zab')",
         "zabcheck.a imports zabserver.zab"),
        ("checkers/zabcheck/explorer/a.py", "from zabcheck.models.bounds import Bounds",
         "zabcheck.explorer.a imports zabcheck.models.bounds"),
        ("checkers/zabcheck/explorer/fast/a.py", "from zabspec import paper",
         "zabcheck.explorer.fast.a imports zabspec"),
        ("checkers/zabcheck/explorer/a.py", "from zabspec.partsandmore import x",
         "zabcheck.explorer.a imports zabspec.partsandmore"),
        ("checkers/zabcheck/explorer/a.py", "import rich", "zabcheck.explorer.a imports rich"),
    ],
)  # fmt: skip
def test_forbidden_import_is_found(tree: Path, path: str, line: str, found: str) -> None:
    plant(tree, path, f"{line}\n")
    assert list(forbidden_imports(tree)) == [found]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("spec/zabspec/a.py", "import dataclasses, zabspec.parts"),
        (
            "spec/zabspec/paper/__init__.py",
            "from . import state\nfrom .. import parts\nfrom .state import State",
        ),
        ("impl/zabserver/net/loop.py", "import asyncio, uvloop"),
        ("checkers/zabcheck/models/a.py", "import numpy, zabspec.paper, zabcheck.explorer.verdicts"),
        ("checkers/zabcheck/explorer/a.py", "import numpy, zabcheck.explorer.model, zabspec.parts"),
        ("checkers/zabcheck/cli/main.py", "import zabserver"),
        ("checkers/zabcheck/cli/serve.py", "import zabserver.net"),
        ("checkers/zabcheck/simulation/a.py", "import zabserver, zabspec"),
        ("checkers/zabcheck/servers/__init__.py", "import zabserver, zabspec"),
    ],
)
def test_allowed_import_passes(tree: Path, path: str, line: str) -> None:
    plant(tree, path, f"{line}\n")
    assert list(forbidden_imports(tree)) == []


@pytest.mark.parametrize(
    ("departures", "path", "text", "found"),
    [
        (misplaced_folders, "tools/a.py", "", "tools/ is not in the design"),
        (misplaced_folders, "spec/other/__init__.py", "", "spec/other is not zabspec"),
        (long_modules, "impl/zabserver/a.py", "\n" * 600, "impl/zabserver/a.py has 600 lines"),
        (long_modules, "tests/test_a.py", "\n" * 700, "tests/test_a.py has 700 lines"),
        (vague_names, "checkers/zabcheck/utils.py", "", "checkers/zabcheck/utils.py says nothing"),
        (undocumented, "spec/zabspec/a.py", "x = 1", "zabspec.a has no docstring"),
        (undocumented, "spec/zabspec/a.py", '"""A."""\ndef act(): ...', "zabspec.a.act has no docstring"),
        (undocumented, "spec/zabspec/a.py", '"""A."""\nclass C: ...', "zabspec.a.C has no docstring"),
        (undocumented, "spec/zabspec/a.py", '"""A."""\nclass C:\n  """C."""\n  def m(self): ...',
         "zabspec.a.C.m has no docstring"),
    ],
)  # fmt: skip
def test_departure_is_found(
    departures: Callable[[Path], Iterator[str]], tree: Path, path: str, text: str, found: str
) -> None:
    plant(tree, path, text)
    assert list(departures(tree)) == [found]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("import zabserver.b", "import zabserver.a"),
        ("from zabserver.b import x", "from zabserver.a import y"),
        ("from zabserver import b", "from . import a"),
        ("def f():\n    from zabserver import b", "from .a import y"),
        ("import importlib\nimportlib.import_module('zabserver.b')", "import zabserver.a"),
        ("if TYPE_CHECKING:\n    from zabserver.b import x", "from zabserver.a import y"),
    ],
)
def test_import_circle_is_found(tree: Path, first: str, second: str) -> None:
    plant(tree, "impl/zabserver/a.py", f"{first}\n")
    plant(tree, "impl/zabserver/b.py", "")
    plant(tree, "impl/zabserver/c.py", "import zabserver.a\n")
    assert list(import_circles(tree)) == []
    plant(tree, "impl/zabserver/b.py", f"{second}\n")
    assert list(import_circles(tree)) == ["zabserver.a, zabserver.b import each other in a circle"]


def test_import_circle_through_a_third_module_is_found(tree: Path) -> None:
    for name, following in {"a": "b", "b": "c", "c": "a"}.items():
        plant(tree, f"spec/zabspec/paper/{name}.py", f"from zabspec.paper import {following}\n")
    found = "zabspec.paper.a, zabspec.paper.b, zabspec.paper.c import each other in a circle"
    assert list(import_circles(tree)) == [found]


def test_circle_of_the_cores_is_allowed_and_grows_no_further(tree: Path) -> None:
    names = sorted(each.rpartition(".")[2] for each in CORES)
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        plant(tree, f"impl/zabserver/zab/{name}.py", f"import zabserver.zab.{following}\n")
    assert list(import_circles(tree)) == []
    plant(tree, "impl/zabserver/zab/leader.py", "from zabserver.zab import learner, role\n")
    plant(tree, "impl/zabserver/zab/role.py", "import zabserver.zab.peer\n")
    assert len(list(import_circles(tree))) == 1


def test_circle_of_the_cores_is_still_there(root: Path) -> None:
    circles = networkx.strongly_connected_components(networkx.DiGraph(import_graph(root)))
    assert CORES in set(map(frozenset, circles)), "the exception is not needed any more"


def test_crowded_folder_is_found(tree: Path) -> None:
    for number in range(LARGEST):
        plant(tree, f"checkers/zabcheck/many/a{number}.py", "")
    assert list(crowded_folders(tree)) == []
    plant(tree, "checkers/zabcheck/many/b.py", "")
    assert list(crowded_folders(tree)) == [f"checkers/zabcheck/many has {LARGEST + 1} modules"]


@pytest.mark.parametrize(
    ("path", "found"),
    [("traces", "traces/ is missing"), ("spec/zabspec/py.typed", "zabspec ships no py.typed")],
)
def test_missing_part_is_found(tree: Path, path: str, found: str) -> None:
    gone = tree / path
    gone.rmdir() if gone.is_dir() else gone.unlink()
    assert list(misplaced_folders(tree)) == [found]


@pytest.mark.parametrize(
    ("path", "line", "banned"),
    [
        ("spec/zabspec/a.py", "import time", True),
        ("spec/zabspec/a.py", "from random import Random", True),
        ("impl/zabserver/zab/a.py", "import socket", True),
        ("impl/zabserver/zab/a.py", "import logging", True),
        ("impl/zabserver/net/a.py", "import socket", False),
        ("checkers/zabcheck/a.py", "import logging", True),
        ("checkers/zabcheck/a.py", "from time import time", True),
        ("checkers/zabcheck/a.py", "from time import perf_counter", False),
        ("checkers/zabcheck/a.py", "from random import shuffle", True),
        ("checkers/zabcheck/a.py", "from random import Random", False),
    ],
)
def test_lint_bans_clock_chance_sockets_and_logging(path: str, line: str, banned: bool, root: Path) -> None:
    """Who may import what of the standard library is in `pyproject.toml` and `checkers/ruff.toml`."""
    lint = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--select=TID251",
        f"--stdin-filename={path}",
        "-",
    ]
    done = subprocess.run(lint, input=f"{line}\n", cwd=root, capture_output=True, text=True, check=False)
    assert ("TID251" in done.stdout) is banned, done.stdout + done.stderr
    assert done.returncode == banned
