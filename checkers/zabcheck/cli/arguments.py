"""Arguments of the command line; a wrong one is answered by one line that names it and what may be meant."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from zabcheck.suggestions import unknown


class UsageError(ValueError):
    """The command line asks for something that does not exist or does not fit together; one line."""


class Help(argparse.HelpFormatter):
    """Lays out `--help`, and keeps the line breaks in what is said of an argument."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return [line for part in text.split("\n") for line in super(Help, self)._split_lines(part, width)]


class Parser(argparse.ArgumentParser):
    """A parser that accepts no abbreviated options and raises `UsageError` instead of exiting."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, "formatter_class": Help, **options})

    def error(self, message: str) -> NoReturn:
        """Raises what is wrong, with the command that it is wrong for.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self.prog}: {' '.join(message.split())}")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses arguments; an unknown option is an error of this command, not of `zab` as a whole.

        Raises:
            UsageError: the arguments are wrong.
        """
        parsed, others = super().parse_known_args(args, namespace)
        if others:
            self.error(self._unknown(others))
        return parsed, others

    def _unknown(self, others: Sequence[str]) -> str:
        option = next((each for each in others if each.startswith("-")), None)
        if option is None:
            return f"too many arguments: {' '.join(others)}"
        known = [each for action in self._actions for each in action.option_strings]
        return unknown("option", option.partition("=")[0], known, f"{self.prog} --help")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse's, but says which choice may be meant."""
        if action.choices is not None and value not in action.choices:
            choices = [str(each) for each in action.choices]
            raise argparse.ArgumentError(action, unknown(action.dest, value, choices, f"{self.prog} --help"))


def count(text: str) -> int:
    """Parses a whole number from 0, as an argument's type."""
    return _at_least(0, text)


def number(text: str) -> int:
    """Parses a whole number from 1, as an argument's type."""
    return _at_least(1, text)


def duration(text: str) -> float:
    """Parses a positive number of seconds, as an argument's type."""
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
