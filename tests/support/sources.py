"""The modules of our packages as syntax trees, and trees of files made for a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = {"zabspec": "spec", "zabcheck": "checkers", "zabserver": "impl"}
"""The source root of each package."""


def modules(root: Path) -> Iterator[tuple[str, Path, ast.Module]]:
    """Yields the dotted name, the path and the syntax tree of every module of ours."""
    for source in PACKAGES.values():
        for path in sorted((root / source).rglob("*.py")):
            parts = path.relative_to(root / source).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield name, path, ast.parse(path.read_text(encoding="utf-8"))


def plant(root: Path, path: str, text: str) -> None:
    """Writes a file, and makes the folders above it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
