"""The page "Check your own protocol", followed literally in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from page import blocks_of, followed, without_times

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "check-your-own.md").read_text(encoding="utf-8")


def test_page_prints_what_it_says(tmp_path: Path) -> None:
    shown = list(followed(PAGE, tmp_path))
    assert len(shown) >= 5
    for each in shown:
        assert without_times(each.found) == without_times(each.said), each.commands


def test_spec_has_fifty_lines() -> None:
    (spec,) = blocks_of(PAGE, "python")
    assert sum(bool(line.strip()) for line in spec.splitlines()) <= 50


def test_types_of_spec_and_examples_are_right(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    (spec,) = blocks_of(PAGE, "python")
    (tmp_path / "commit.py").write_text(spec, encoding="utf-8")
    files = [tmp_path / "commit.py", *(ROOT / "docs" / "examples").glob("*.py")]
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    out, err, code = api.run([*options, *map(str, files)])
    assert code == 0, out + err
