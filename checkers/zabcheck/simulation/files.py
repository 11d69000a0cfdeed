"""Runs as files: the setting and the events.

A file is JSON: `version`, the `setting`, the `property` that the run violates with the setting's mistake, or
violated before the cores were corrected (`expect` says which), and the `events`, one on each line. The cores
and the world are deterministic, so nothing else is needed. See `traces/README.md`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import IntEnum
from pathlib import Path
from typing import Any

from zabcheck.simulation.events import Event, check_event
from zabcheck.simulation.mistakes import MISTAKES
from zabcheck.simulation.setting import Setting

SUFFIX = ".run.json"
VERSION = 1
MOST_MEMBERS = 9
OPTIONAL = {"joiners"}
"""Names in a setting that may be left out."""


class Expect(IntEnum):
    """How a run from a file must end: with a violation or without."""

    VIOLATED = 0
    PASSED = 1


@dataclass(frozen=True, slots=True)
class RunFile:
    """A run in a file.

    Attributes:
        setting: what the run starts from.
        property: the name of the property that the run violates, or once violated.
        expect: VIOLATED if it still does, PASSED if nothing is violated any more.
        events: the events, in order.
    """

    setting: Setting
    property: str
    expect: Expect
    events: tuple[Event, ...]


def to_text(file: RunFile) -> str:
    """Returns the content of a file."""
    head = {
        "version": VERSION,
        "setting": file.setting.as_json(),
        "property": file.property,
        "expect": file.expect.name,
    }
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    events = ",\n".join(f"  {json.dumps(event)}" for event in file.events)
    return "{\n" + ",\n".join(lines) + ',\n "events": [\n' + events + "\n ]\n}\n"


def save(file: RunFile, directory: Path) -> Path:
    """Writes a run to a new file in a directory; an existing file with the same content is left as it is.

    Returns:
        The path of the file.

    Raises:
        OSError: the file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    stem = "-".join(each for each in ("ensemble", file.setting.mistake, file.property) if each)
    content, number = to_text(file), 1
    while True:
        path = directory / (f"{stem}-{number}{SUFFIX}" if number > 1 else f"{stem}{SUFFIX}")
        try:
            with path.open("x", encoding="utf-8") as out:
                out.write(content)
        except FileExistsError:
            if path.read_text(encoding="utf-8") != content:
                number += 1
                continue
        return path


def load(path: Path) -> RunFile:
    """Reads a run from a file.

    Raises:
        ValueError: the file does not exist, is damaged, or of another version; one line says where.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: not JSON: {' '.join(str(error).split())}") from error
    try:
        return _from_document(document)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _from_document(document: Any) -> RunFile:
    names = {"version", "setting", "property", "expect", "events"}
    if not isinstance(document, dict) or set(document) != names:
        raise ValueError(f"not an object of {', '.join(sorted(names))}")
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']}, but this program reads version {VERSION}")
    if document["expect"] not in Expect.__members__:
        raise ValueError(f"expect is neither of {', '.join(Expect.__members__)}")
    if not isinstance(document["property"], str) or not isinstance(document["events"], list):
        raise ValueError("property is not a string, or events are not a list")
    setting = _setting(document["setting"])
    events = tuple(_event(event, index, setting) for index, event in enumerate(document["events"]))
    return RunFile(setting, document["property"], Expect[document["expect"]], events)


def _setting(document: Any) -> Setting:
    known = {each.name: each.default for each in fields(Setting)}
    named = set(document) if isinstance(document, dict) else set()
    if named != set(known) and named != set(known) - OPTIONAL:
        raise ValueError(f"setting is not an object of {', '.join(sorted(set(known) - OPTIONAL))}")
    for name, value in document.items():
        if type(value) is not type(known[name]):
            raise ValueError(f"setting.{name} is not of type {type(known[name]).__name__}")
    setting = Setting(**document)
    if not 1 <= setting.voters <= MOST_MEMBERS or not 0 <= setting.observers <= MOST_MEMBERS:
        raise ValueError(f"setting: {setting.voters} voters and {setting.observers} observers")
    if not 0 <= setting.joiners <= MOST_MEMBERS:
        raise ValueError(f"setting: {setting.joiners} joiners")
    if setting.mistake and setting.mistake not in MISTAKES:
        raise ValueError(f"setting.mistake: no mistake is called {setting.mistake!r}")
    return setting


def _event(event: Any, index: int, setting: Setting) -> Event:
    try:
        return check_event(event, setting)
    except ValueError as error:
        raise ValueError(f"events[{index}]: {error}") from None
