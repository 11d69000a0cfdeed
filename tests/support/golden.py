"""Pictures that tests compare with files."""

from __future__ import annotations

import pytest

from places import ROOT

GOLDEN = ROOT / "tests/checkers/report/golden"


def assert_golden(name: str, drawn: str) -> None:
    """Compares a picture with its file; to accept a new picture, delete the file and run the test twice."""
    path = GOLDEN / name
    if not path.exists():
        path.write_text(drawn + "\n", encoding="utf-8")
        pytest.fail(f"{path} was not there: look at it, and run the test again")
    assert drawn + "\n" == path.read_text(encoding="utf-8")
