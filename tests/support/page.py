"""A page of documentation taken literally: its blocks are followed in order, and their output is compared."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

BLOCK = re.compile(
    r"^(?:```(?P<language>\w+)\n(?P<text>.*?)^```|(?P<heading>#+ [^\n]*))$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Printed:
    """What the commands of a block print, and what the page says that they do.

    Attributes:
        commands: the block.
        said: what the page shows.
        found: what was printed.
        at: where in the page the text stands that should be `found`.
    """

    commands: str
    said: str
    found: str
    at: tuple[int, int]


def followed(page: str, folder: Path) -> Iterator[Printed]:
    """Does what a page says, in a folder.

    The block of `python` is kept as `commit.py`; one of `diff` changes that file until the next heading; the
    lines of `sh` that run `zab` are run; a block of `text` is what the commands before it print.
    """
    spec, original, commands, found = folder / "commit.py", "", "", ""
    for match in BLOCK.finditer(page):
        text = match["text"]
        if match["heading"] is not None and original:
            spec.write_text(original, encoding="utf-8")
        match match["language"]:
            case "python":
                original = text
                spec.write_text(original, encoding="utf-8")
            case "diff":
                spec.write_text(changed(spec.read_text(encoding="utf-8"), text), encoding="utf-8")
            case "sh":
                commands = text
                found = "".join(
                    printed(line, folder) for line in text.splitlines() if line.startswith("zab ")
                )
            case "text":
                yield Printed(commands, text, found, match.span("text"))


def changed(source: str, diff: str) -> str:
    """Returns a source with the lines of a diff changed; they must be there once."""
    removed = "".join(f"{line[1:]}\n" for line in diff.splitlines() if line.startswith("-"))
    added = "".join(f"{line[1:]}\n" for line in diff.splitlines() if line.startswith("+"))
    assert source.count(removed) == 1, f"not in the file once:\n{removed}"
    return source.replace(removed, added)


def printed(line: str, folder: Path) -> str:
    """Runs a command line in a folder, and returns what it prints on both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "zabcheck", *shlex.split(line)[1:]],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout


def without_times(text: str) -> str:
    """Returns an output without how long the search took, and how much memory."""
    return re.sub(r"[\d.]+ s, [\d,]+ states a second, [\d,]+ MB", "TIME", text)


def blocks_of(page: str, language: str) -> list[str]:
    """Returns the blocks of code in a language."""
    return [match["text"] for match in BLOCK.finditer(page) if match["language"] == language]


def renewed(page: str) -> str:
    """Returns a page with what its commands print now."""
    with TemporaryDirectory() as folder:
        for each in reversed(list(followed(page, Path(folder)))):
            start, end = each.at
            page = page[:start] + each.found + page[end:]
    return page


if __name__ == "__main__":  # python tests/support/page.py docs/check-your-own.md
    for name in sys.argv[1:]:
        Path(name).write_text(renewed(Path(name).read_text(encoding="utf-8")), encoding="utf-8")
