"""Trace files: a run of a model, in a format that can be run again and that other tools read.

A file is in ITF (see `zabcheck.traces.itf`), so the viewers of Apalache and Quint open it. Its variables are
the fields of the model's world, those of the protocol's state first. What ITF has no place for is in `#meta`:
see `traces/README.md`. A file contains no date and no machine's name: the same run gives the same bytes.

A file that exists is never overwritten: the same run saved twice is one file, and a different run of the same
name gets a number at its end.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from zabcheck.explorer.model import Model
from zabcheck.explorer.verdicts import Trace, TraceStep
from zabcheck.models.registry import build, from_settings, with_all_properties
from zabcheck.traces.itf import ItfError, Json, decode, encode, record_hints

VERSION = 1
"""The version of what is in `#meta`; ITF itself has none."""

SUFFIX = ".itf.json"
TOOL = "zabkit"
ITF = "https://apalache.informal.systems/docs/adr/015adr-trace.html"


class TraceError(ValueError):
    """A trace file cannot be read or written; one line that names the file and the place in it."""


class Expect(IntEnum):
    """What a replay of the file must find at its end."""

    VIOLATED = 0
    REACHED = 1


@dataclass(frozen=True, slots=True)
class TraceFile:
    """A trace that was read from a file.

    Attributes:
        path: the path of the file.
        trace: the run.
        expect: what a replay must find at the end of the run.
        model: the model built from the trace's settings with today's spec and all its properties.
    """

    path: Path
    trace: Trace
    expect: Expect
    model: Model


def rebuilt(settings: Mapping[str, Any]) -> Model:
    """Returns the model that a trace is of, with all properties of its spec, whichever were checked then.

    Raises:
        ValueError: no model has these settings today.
    """
    return build(with_all_properties(from_settings(settings)))


def save(trace: Trace, directory: Path, *, expect: Expect = Expect.VIOLATED) -> Path:
    """Writes a trace into a directory, which is created if it does not exist.

    The file is written completely or not at all.

    Args:
        trace: the trace.
        directory: the directory.
        expect: whether the trace violates its property or reaches it.

    Returns:
        The path of the file: a new file, or one that existed with the same content.

    Raises:
        TraceError: the directory cannot be written to, or a value is not what its type hint says.
    """
    try:
        content = to_text(trace, expect)
    except (TypeError, ValueError, AttributeError) as error:
        raise TraceError(
            f"{directory}: the trace cannot be written: {' '.join(str(error).split())}"
        ) from error
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path in _names(directory, trace):
            if _write(path, content):
                return path
    except OSError as error:
        raise TraceError(f"{directory}: a trace cannot be written there: {error.strerror}") from error
    raise AssertionError("numbers do not end")


def check_writable(directory: Path) -> None:
    """Checks, before a long search, that a trace can be written into a directory at its end.

    Raises:
        TraceError: it cannot.
    """
    there = directory.absolute()
    while not there.exists() and there.parent != there:
        there = there.parent
    if not there.is_dir():
        raise TraceError(f"{directory}: a trace cannot be written there: {there} is not a directory")
    if not os.access(there, os.W_OK | os.X_OK):
        raise TraceError(f"{directory}: a trace cannot be written there: no permission for {there}")


def load(path: Path, rebuild: Callable[[Mapping[str, Any]], Model] = rebuilt) -> TraceFile:
    """Reads a trace.

    Args:
        path: the path of the file.
        rebuild: builds the model from the settings in the file; raises ValueError if it cannot.

    Raises:
        TraceError: the file does not exist, is damaged or of another version, or no model has its settings.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise TraceError(f"{path}: line {error.lineno}: not JSON: {error.msg}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise TraceError(f"{path}: not a trace: {error}") from error
    try:
        return _from_document(path, document, rebuild)
    except ItfError as error:
        raise TraceError(f"{path}: {error}") from error


def to_text(trace: Trace, expect: Expect) -> str:
    """Returns the content of a trace's file: ITF with one line for each variable of each state."""
    kind = type(trace.steps[0].world)
    variables = _variables(kind)
    states = [
        {
            "#meta": {"index": index, "action": step.action, "arguments": list(step.arguments)},
            **{name: encode(_value(step.world, name), hint) for name, hint in variables.items()},
        }
        for index, step in enumerate(trace.steps)
    ]
    meta = {
        "format": "ITF",
        "format-description": ITF,
        "description": _description(trace, expect),
        TOOL: {
            "version": VERSION,
            "settings": dict(trace.settings),
            "property": trace.property,
            "expect": expect.name,
        },
    }
    parts = [f'"#meta": {json.dumps(meta, indent=1)}', f'"vars": {json.dumps(list(variables))}']
    if trace.loop is not None:
        parts.append(f'"loop": {trace.loop}')
    lines = [",\n  ".join(_line(name, each) for name, each in state.items()) for state in states]
    parts.append('"states": [\n' + ",\n".join(f" {{{line}\n }}" for line in lines) + "\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(name: str, value: Json) -> str:
    return f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}"


def _from_document(path: Path, document: Json, rebuild: Callable[[Mapping[str, Any]], Model]) -> TraceFile:
    meta = _field(_field(document, "#meta", dict, ""), TOOL, dict, "#meta")
    place = f"#meta.{TOOL}"
    version = _field(meta, "version", int, place)
    if version != VERSION:
        raise ItfError(place, f"version {version}, but this program reads version {VERSION}")
    settings = _field(meta, "settings", dict, place)
    name = _field(meta, "property", str, place)
    expect = decode(_field(meta, "expect", str, place), Expect, f"{place}.expect")
    try:
        model = rebuild(settings)
    except (ValueError, TypeError, LookupError) as error:
        raise ItfError(f"{place}.settings", " ".join(str(error).split())) from error
    states = _field(document, "states", list, "")
    if not states:
        raise ItfError("states", "there are none")
    kind = type(model.initial)
    steps = tuple(_step(state, kind, f"states[{index}]") for index, state in enumerate(states))
    loop = _field(document, "loop", int, "") if "loop" in document else None
    if loop is not None and not 0 <= loop < len(steps):
        raise ItfError("loop", f"there is no state {loop}")
    return TraceFile(path, Trace(settings, steps, name, loop), expect, model)


def _step(state: Json, kind: type, place: str) -> TraceStep:
    meta = _field(state, "#meta", dict, place)
    action = _field(meta, "action", str, f"{place}.#meta")
    arguments = _field(meta, "arguments", list, f"{place}.#meta")
    if not all(isinstance(each, int) for each in arguments):
        raise ItfError(f"{place}.#meta.arguments", "they are not all integers")
    values = {}
    for name, hint in _variables(kind).items():
        if name not in state:
            raise ItfError(place, f"the variable {name!r} is missing")
        values[name] = decode(state[name], hint, f"{place}.{name}")
    return TraceStep(action, tuple(arguments), _world(kind, values))


def _variables(kind: type) -> dict[str, Any]:
    """Returns ITF's variables with their type hints: the protocol's fields, then the world's other fields."""
    hints = record_hints(kind)
    assert hints is not None, f"{kind.__name__} is not a record"
    protocol = record_hints(hints["protocol"]) if "protocol" in hints else None
    if protocol is None:
        return hints
    others = {name: hint for name, hint in hints.items() if name != "protocol"}
    assert not protocol.keys() & others.keys(), f"{kind.__name__} has a name twice"
    return {**protocol, **others}


def _value(world: Any, name: str) -> Any:
    return getattr(world, name) if hasattr(world, name) else getattr(world.protocol, name)


def _world(kind: type, values: dict[str, Any]) -> Any:
    hints = record_hints(kind)
    assert hints is not None
    if "protocol" not in hints:
        return kind(**values)
    own = {name: value for name, value in values.items() if name in hints}
    protocol = {name: value for name, value in values.items() if name not in hints}
    return kind(protocol=hints["protocol"](**protocol), **own)


def _field(record: Json, name: str, kind: type, place: str) -> Any:
    """Returns a field of a JSON object, of the right type."""
    if not isinstance(record, dict):
        raise ItfError(place or "the file", "not a JSON object")
    if name not in record:
        raise ItfError(place or "the file", f"the field {name!r} is missing")
    value = record[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ItfError(f"{place}.{name}" if place else name, f"not of type {kind.__name__}")
    return value


def _description(trace: Trace, expect: Expect) -> str:
    steps = len(trace.steps) - 1
    words = f"{steps} step{'s' if steps != 1 else ''}"
    if trace.loop is not None:
        return f"{words}, and round from state {trace.loop} for ever: {trace.property} is violated"
    return f"{words}, after which {trace.property} is {expect.name.lower()}"


def _names(directory: Path, trace: Trace) -> Iterator[Path]:
    """Yields names for the file, by what happened: the first without a number, the others numbered from 2."""
    told = (trace.settings.get("spec"), trace.settings.get("mutant"), trace.property)
    stem = "-".join(str(each) for each in told if each) or "run"
    yield directory / f"{stem}{SUFFIX}"
    number = 2
    while True:
        yield directory / f"{stem}-{number}{SUFFIX}"
        number += 1


def _write(path: Path, content: str) -> bool:
    """Writes a file unless it exists; returns False if it exists with other content."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))  # the name is ours from here on
    except FileExistsError:
        return path.is_file() and path.read_bytes() == content.encode()
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        for left in (temporary, path):
            with suppress(FileNotFoundError):
                os.unlink(left)
        raise
    return True
