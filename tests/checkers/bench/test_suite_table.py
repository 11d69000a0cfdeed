"""The comparison of two runs of a test suite counts and names the tests that pass in the first one only."""

from __future__ import annotations

from pathlib import Path

import pytest

from zabcheck.bench.suite_table import main

FIRST = """<testsuites><testsuite>
<testcase classname="kazoo.tests.test_lock.TestLock" name="test_a"/>
<testcase classname="kazoo.tests.test_lock.TestLock" name="test_b"/>
<testcase classname="kazoo.tests.test_lock.TestLock" name="test_c"><failure>no</failure></testcase>
<testcase classname="kazoo.tests.test_sasl.TestSasl" name="test_d"><skipped/></testcase>
</testsuite></testsuites>"""


def run(tmp_path: Path, second: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (tmp_path / "first.xml").write_text(FIRST)
    (tmp_path / "second.xml").write_text(second)
    code = main([str(tmp_path / "first.xml"), str(tmp_path / "second.xml")])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_equal_runs_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(tmp_path, FIRST, capsys)
    assert code == 0
    assert "| `test_lock.TestLock` | 2 passed, 1 failed | 2 passed, 1 failed |" in said
    assert "| **all** | 2 passed, 1 failed, 1 skipped | 2 passed, 1 failed, 1 skipped |" in said
    assert "| `test_lock.TestLock.test_c` | failed | failed |" in said
    assert "test_a`" not in said
    assert said.endswith("Passed by Apache 3.8.0, and not by Zabkit: 0 of 4.\n")


@pytest.mark.parametrize(
    "second",
    [
        FIRST.replace('name="test_b"/>', 'name="test_b"><error/></testcase>'),
        FIRST.replace('name="test_b"/>', 'name="test_b"><skipped/></testcase>'),
        FIRST.replace('<testcase classname="kazoo.tests.test_lock.TestLock" name="test_b"/>', ""),
    ],
)
def test_a_lost_test_is_named(tmp_path: Path, second: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(tmp_path, second, capsys)
    assert code == 1
    assert "`test_lock.TestLock.test_b` | passed |" in said
    assert "and not by Zabkit: 1 of" in said


@pytest.mark.parametrize("second", ["", "<testsuites/>", "no xml"])
def test_bad_input_is_reported_in_one_line(
    tmp_path: Path, second: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(tmp_path, second, capsys)
    assert code == 2
    assert said.count("\n") == 1
    assert "second.xml" in said
