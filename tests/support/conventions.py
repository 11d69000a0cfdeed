"""What names and docstrings promise, compared with the code: predicates, arguments, attributes.

Each requirement yields a line for every departure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sources import modules

Function = ast.FunctionDef | ast.AsyncFunctionDef
TYPES_OF_PREDICATES = re.compile(r"bool|(Type(Guard|Is)\[.*\])")
CHANGES = frozenset(
    """
    abort add append appendleft cancel clear close discard extend finish insert pop popitem popleft
    put put_nowait remove reverse send setdefault sort update write
    """.split()  # noqa: SIM905 - a list of them has one a line
)
"""Methods that change what they are called on."""
ITEM = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*):(?: |$)")
"""The beginning of an item in a docstring's section: one name, or several with one description."""


# Predicates.


def changing_predicates(root: Path) -> Iterator[str]:
    """Functions named is_* or has_* that do not return bool, or change an argument or a global."""
    for name, _, tree in modules(root):
        for where, function in functions(name, tree):
            if not function.name.lstrip("_").startswith(("is_", "has_")):
                continue
            annotation = "" if function.returns is None else ast.unparse(function.returns)
            if not TYPES_OF_PREDICATES.fullmatch(annotation):
                yield f"{where} is not annotated to return bool"
            for changed in sorted(set(changes(function))):
                yield f"{where} changes {changed}"


def functions(where: str, node: ast.AST) -> Iterator[tuple[str, Function]]:
    """Yields the dotted name and the tree of every function below a node, methods and inner ones too."""
    for child in ast.iter_child_nodes(node):
        is_named = isinstance(child, Function | ast.ClassDef)
        below = f"{where}.{child.name}" if isinstance(child, Function | ast.ClassDef) else where
        if is_named and isinstance(child, Function):
            yield below, child
        yield from functions(below, child)


def parameters(function: Function) -> set[str]:
    """Returns the names of a function's parameters."""
    given = function.args
    found = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {each.arg for each in found if each is not None}


def changes(function: Function) -> Iterator[str]:
    """Yields what a function changes of its parameters, self among them, or of a global."""
    theirs = parameters(function)
    for node in ast.walk(function):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()) if (
                owner_of(node) in theirs
            ):
                yield ast.unparse(node)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
            case ast.Call(func=ast.Attribute(attr=method, value=value)) if method in CHANGES:
                if owner_of(value) in theirs:
                    yield ast.unparse(value)


def owner_of(node: ast.expr) -> str:
    """Returns the variable at the beginning of an expression such as `self.port.peers[sid]`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


# Docstrings.


def unknown_names(root: Path) -> Iterator[str]:
    """Names in the sections Args and Attributes of docstrings that the code does not have."""
    classes = Classes(root)
    for name, _, tree in modules(root):
        for where, function in functions(name, tree):
            for each in listed(function, "Args"):
                if each not in parameters(function):
                    yield f"{where} has no argument {each}"
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                yield from classes.unknown(name, node)


def listed(node: Function | ast.ClassDef, section: str) -> Iterator[str]:
    """Yields the names in a section of a docstring; a line that is no item as it is."""
    lines = iter((ast.get_docstring(node) or "").splitlines())
    for line in lines:
        if line == f"{section}:":
            break
    for line in lines:
        text = line.removeprefix("    ")
        if text == line:  # the next section, or a blank line
            return
        item = ITEM.match(text)
        if item:
            yield from (each.strip(" *") for each in item[1].split(","))
        elif not text.startswith(" "):
            yield repr(text)


class Classes:
    """The classes of our packages, with their bases."""

    def __init__(self, root: Path) -> None:
        self.found: dict[tuple[str, str], ast.ClassDef] = {}
        self.imported: dict[tuple[str, str], tuple[str, str]] = {}
        for name, _, tree in modules(root):
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.found[name, node.name] = node
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    for alias in node.names:
                        self.imported[name, alias.asname or alias.name] = (node.module or "", alias.name)

    def unknown(self, module: str, node: ast.ClassDef) -> Iterator[str]:
        """Yields a line for each argument or attribute in a class's docstring that it does not have."""
        family = list(self._family(module, node))
        known = set[str]().union(*(attributes(each) for each in family if each is not None))
        for each in listed(node, "Attributes"):
            if each not in known:
                yield f"{module}.{node.name} has no attribute {each}"
        made_with = next(filter(None, map(_constructor, filter(None, family))), None)
        if made_with is None and None in family:
            return  # the constructor is inherited from a class that is not ours
        for each in listed(node, "Args"):
            if each not in (known if made_with is None else parameters(made_with)):
                yield f"{module}.{node.name} has no argument {each}"

    def _family(self, module: str, node: ast.ClassDef) -> Iterator[ast.ClassDef | None]:
        """Yields a class and its bases; None for a base that is not ours."""
        yield node
        for base in node.bases:
            name = ast.unparse(base).partition("[")[0]
            if name in {"NamedTuple", "Protocol", "Generic"}:
                continue
            prefix, _, last = name.rpartition(".")
            key = (module, name) if (module, name) in self.found else self.imported.get((module, name))
            if prefix and (module, prefix) in self.imported:
                key = (".".join(self.imported[module, prefix]), last)
            if key in self.found:
                yield from self._family(key[0], self.found[key])
            else:
                yield None


def attributes(node: ast.ClassDef) -> set[str]:
    """Returns the fields, class attributes, properties, and attributes assigned to self of a class."""
    found = set[str]()
    for child in node.body:
        match child:
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {each.id for each in targets if isinstance(each, ast.Name)}
            case ast.FunctionDef(name=name) if child.decorator_list:
                found.add(name)
    for child in ast.walk(node):
        match child:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                found.add(name)
    return found


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and child.name in {"__init__", "__new__"}:
            return child
    return None
