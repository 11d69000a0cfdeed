"""Arguments of the command line, and how a wrong one is told: one line, which names it and the choices."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn


class UsageError(ValueError):
    """The command line asks for what there is not: one line."""


class Parser(argparse.ArgumentParser):
    """A parser that takes no half words, and raises `UsageError` instead of leaving."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Raises what is wrong, with the command that it is wrong for."""
        raise UsageError(f"{self.prog}: {' '.join(message.split())}")


def count(text: str) -> int:
    """A whole number from 0, as an argument's type."""
    return _at_least(0, text)


def number(text: str) -> int:
    """A whole number from 1, as an argument's type."""
    return _at_least(1, text)


def duration(text: str) -> float:
    """A positive number of seconds, as an argument's type."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return value
