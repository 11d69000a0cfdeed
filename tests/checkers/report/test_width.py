"""How wide a page is, and how text is broken to fit it."""

from __future__ import annotations

import io

import pytest

from zabcheck.report.ending import Ending
from zabcheck.report.glyphs import UNICODE
from zabcheck.report.width import NARROWEST, WIDTH, fitted, packed, paragraphs, width_of, wrapped


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """True."""
        return True


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("132", 132), ("7", NARROWEST)])
def test_a_terminal_is_as_wide_as_it_says(monkeypatch: pytest.MonkeyPatch, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert width_of(Terminal()) == width
    assert width_of(io.StringIO()) == WIDTH == 80


def test_a_paragraph_is_indented_and_its_names_are_not_broken() -> None:
    lines = wrapped("a mutant  such as\nlog-not-on-disk-refinement", 30, 2, 4)
    assert lines == ["  a mutant such as", "    log-not-on-disk-refinement"]


def test_paragraphs_of_a_docstring_follow_each_other() -> None:
    assert paragraphs("One sentence.\n\n    Source: paper.", 40, 2) == ["  One sentence.", "  Source: paper."]


def test_short_texts_share_a_line() -> None:
    assert packed(["a", "bc", "defgh", "i"], 6) == ["a, bc", "defgh", "i"]


def test_a_line_that_is_too_long_goes_on_below_its_indentation() -> None:
    assert fitted(["short", "  one two three"], 11) == ["short", "  one two", "      three"]


def test_an_ending_gives_its_reasons_below_the_sentence() -> None:
    ending = Ending("it is violated", "It holds.", (1, 2), reasons=("Because:", "  of a long reason"))
    assert ending.lines(UNICODE, 20) == [
        "",
        "✗ it is violated, at",
        "    server 1 and",
        "    server 2",
        "  It holds.",
        "  Because:",
        "    of a long reason",
    ]
