"""Models in a user's own file: what `zab check path/to/spec.py` explores.

The file defines `model`: a `zabcheck.explorer.Model`, or a function that returns one. Parameters of the
function are set with `--set NAME=VALUE`. `spec.py:NAME` asks for the model of another name in the file. The
page "Check your own protocol" in docs/ shows how such a file is written.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import Parameter, signature
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any, NoReturn

from zabcheck.cli.arguments import UsageError
from zabcheck.explorer import Model, SpecError, Trace, TraceStep
from zabcheck.explorer.promises import Promise
from zabcheck.explorer.running import check_model
from zabcheck.models.registry import bounds_by_name
from zabcheck.suggestions import unknown
from zabcheck.traces.files import Expect, to_text

DEFAULT = "model"
"""The name that a file gives its model, unless the command line asks for another one."""

PREFIX = "zabcheck_spec_file_"
"""In front of the name of a loaded module, so that none of the same name is hidden."""


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A model that a file defines, with its parameters.

    Attributes:
        path: the file, as it was named.
        name: the name in the file of the model, or of the function that returns it.
        given: the parameters of that function that were set, by name, as text or as values.
    """

    path: Path
    name: str = DEFAULT
    given: Mapping[str, Any] = field(default_factory=dict)


def is_spec_file(asked: str) -> bool:
    """True if what the command line names is a file, and not a spec of this program."""
    return "/" in asked or asked.partition(":")[0].endswith(".py")


def spec_file(asked: str, assignments: Sequence[str]) -> SpecFile:
    """Returns the file and the parameters that the command line names.

    Args:
        asked: `spec.py` or `spec.py:NAME`.
        assignments: each of the form `NAME=VALUE`.

    Raises:
        SpecError: an assignment is not of this form, or two are for the same parameter.
    """
    path, _, name = asked.partition(":")
    given: dict[str, str] = {}
    for each in assignments:
        parameter, sign, value = each.partition("=")
        if not sign or not parameter.isidentifier():
            raise SpecError(f"--set {each}: not of the form NAME=VALUE")
        if parameter in given:
            raise SpecError(f"--set {parameter}: given twice")
        given[parameter] = value
    return SpecFile(Path(path), name or DEFAULT, given)


def from_settings(settings: Mapping[str, Any]) -> SpecFile:
    """Returns the file and the parameters that the settings in a trace name.

    Raises:
        SpecError: the settings do not name a file.
    """
    path, name, given = settings.get("file"), settings.get("model", DEFAULT), settings.get("set", {})
    if not isinstance(path, str) or not isinstance(name, str) or not isinstance(given, dict):
        raise SpecError("'file' and 'model' are texts, and 'set' has a value for each parameter")
    return SpecFile(Path(path), name, given)


def asked_for(arguments: argparse.Namespace, command: str) -> tuple[Model, str]:
    """Returns the model of the file that the arguments name, and its title.

    Raises:
        UsageError: an option is not for models in files.
        SpecError: there is no such model, or it cannot be explored.
    """
    for name in (*bounds_by_name(), "mutant"):
        if getattr(arguments, name, None) not in (None, False):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{command}: {option} is not for a model in a file: use --set NAME=VALUE")
    spec = spec_file(arguments.spec, arguments.set or ())
    model = load(spec)
    check_model(model)
    try:
        to_text(Trace(model.settings, (TraceStep("", (), model.initial),)), Expect.VIOLATED)
    except (TypeError, ValueError, AttributeError, NameError) as error:
        what = " ".join(str(error).split())
        raise SpecError(f"{spec.path}: a trace of this model cannot be written: {what}") from error
    return model, in_words(spec, model)


def in_words(spec: SpecFile, model: Model) -> str:
    """Returns a model as a title: `two-phase commit, 3 resource managers, hasty=true`."""
    told = [model.name, f"{model.size} {model.who if model.size == 1 else model.who_plural}"]
    others = [name for name in spec.given if not model.who_plural.endswith(name)]
    return ", ".join([*told, *(f"{name}={spec.given[name]}" for name in others)])


def with_properties(model: Model, names: Sequence[str] | None) -> Model:
    """Returns the model with those properties alone that are named, or with all if None.

    Raises:
        SpecError: there is no such property.
    """
    if names is None:
        return model
    every = (*model.always, *model.every_step, *model.sometimes)
    for name in names:
        if all(name != each.name for each in every):
            raise SpecError(unknown("property", name, [each.name for each in every], of=f" of {model.name}"))
    always, every_step, sometimes = (
        tuple(each for each in group if each.name in names)
        for group in (model.always, model.every_step, model.sometimes)
    )
    return replace(model, always=always, every_step=every_step, sometimes=sometimes)


def promised(model: Model, names: Sequence[str] | None) -> tuple[Promise, ...]:
    """Returns the liveness properties that are named, or all if None.

    Raises:
        SpecError: there is no such property, or none at all.
    """
    every = {each.name: each for each in model.eventually}
    if not every:
        raise SpecError(f"{model.name} has no `eventually`: there is nothing to check")
    for name in names or ():
        if name not in every:
            raise SpecError(unknown("property", name, every, of=f" of {model.name}"))
    return tuple(every[name] for name in dict.fromkeys(names or every))


def load(spec: SpecFile) -> Model:
    """Returns the model that a file defines; its settings name the file and all parameters.

    Raises:
        SpecError: the file cannot be read or run, defines no such model, or does not take these parameters;
            one line that names the file, and the line of the mistake if there is one.
    """
    module = _imported(spec.path)
    defined = getattr(module, spec.name, None)
    values: dict[str, Any] = {}
    if isinstance(defined, Model):
        if spec.given:
            raise SpecError(f"{spec.path}: {spec.name} is not a function, and has no parameters to set")
        found = defined
    elif callable(defined) and not isinstance(defined, type):
        values = _arguments(spec, defined)
        with _Mistakes(spec.path):
            found = defined(**values)
        if not isinstance(found, Model):
            raise SpecError(f"{spec.path}: {spec.name}() returns a {type(found).__name__}, and not a Model")
    else:
        raise SpecError(_no_model(spec, module))
    stem = spec.path.stem if spec.name == DEFAULT else f"{spec.path.stem}-{spec.name}"
    settings = {"spec": stem, "file": spec.path.as_posix(), "model": spec.name, "set": values}
    return replace(found, settings=settings)


def located(error: Exception) -> str:
    """Returns what an error says, with the line of the user's file in which it was raised, if any."""
    cause: BaseException | None = error
    while cause is not None:
        for frame, line in reversed(list(walk_tb(cause.__traceback__))):
            path = frame.f_code.co_filename  # `<string>` for what a dataclass has made
            if frame.f_globals.get("__name__", "").startswith(PREFIX) and not path.startswith("<"):
                return f"{_relative(path)}: line {line}: {error}"
        cause = cause.__cause__
    return str(error)


def _relative(path: str) -> Path:
    """Returns a path as seen from here, where it is below."""
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)


def _imported(path: Path) -> ModuleType:
    """Runs a file as a module; what it imports is looked for in its folder too, after anywhere else."""
    if not path.is_file():
        raise SpecError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
    name = PREFIX + path.stem
    found = importlib.util.spec_from_file_location(name, path.resolve())
    if found is None or found.loader is None:
        raise SpecError(f"{path}: not a Python file: its name must end in .py")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # type hints are looked up there, and so are classes that are pickled
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # at the end: a neighbour must not hide a module that we need
    with _Mistakes(path):
        found.loader.exec_module(module)
    return module


class _Mistakes:
    """Turns an exception of a user's file into a `SpecError` that names the file and the line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Nothing is needed."""

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        match error:
            case None | KeyboardInterrupt() | MemoryError():
                return
            case SyntaxError() if error.filename == str(self._path.resolve()):
                self._refuse(f"line {error.lineno}: {error.msg}")
            case OSError() | UnicodeDecodeError() if self._line(traceback) is None:
                self._refuse(f"cannot be read: {getattr(error, 'strerror', None) or error}")
        text = " ".join(str(error).split())
        line = self._line(traceback)
        where = "" if line is None else f"line {line}: "
        if not isinstance(error, SpecError):
            text = f"{type(error).__name__}{f': {text}' if text else ''}"
        self._refuse(f"{where}{text}")

    def _line(self, traceback: Any) -> int | None:
        """Returns the innermost line of the file that was running."""
        path = str(self._path.resolve())
        lines = [line for frame, line in walk_tb(traceback) if frame.f_code.co_filename == path]
        return lines[-1] if lines else None

    def _refuse(self, what: str) -> NoReturn:
        raise SpecError(f"{self._path}: {what}") from None


def _no_model(spec: SpecFile, module: ModuleType) -> str:
    others = [name for name, each in vars(module).items() if isinstance(each, Model)]
    known = f"; it has {', '.join(others)}" if others else ""
    return (
        f"{spec.path}: defines no {spec.name!r}: write a Model, or a function that returns one, of this "
        f"name{known}"
    )


def _arguments(spec: SpecFile, function: Callable[..., Any]) -> dict[str, Any]:
    """Returns a value for each parameter of the function that makes the model."""
    parameters = signature(function).parameters
    call = f"{spec.name}({', '.join(parameters)})"
    for name in spec.given:
        if name not in parameters:
            raise SpecError(f"{spec.path}: no parameter {name!r} to set: the model is {call}")
    return dict(_values(spec, parameters, call))


def _values(
    spec: SpecFile, parameters: Mapping[str, Parameter], call: str
) -> Iterator[tuple[str, bool | int | str]]:
    for name, parameter in parameters.items():
        default = parameter.default
        if name in spec.given:
            yield name, _value(spec, parameter, spec.given[name])
        elif default is Parameter.empty:
            raise SpecError(f"{spec.path}: {call} has no default for {name!r}: add --set {name}=VALUE")
        elif isinstance(default, bool | int | str):
            yield name, default
        else:
            raise SpecError(f"{spec.path}: {call}: {name!r} is neither a whole number, a bool nor a text")


def _value(spec: SpecFile, parameter: Parameter, given: Any) -> bool | int | str:
    """Returns a value of the type of the parameter's default, or its annotation where it has none."""
    kind = _kind(parameter)
    if kind is not str and isinstance(given, bool | int) and type(given) is kind:
        return given  # from a trace
    text = str(given)
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind is int and text.removeprefix("-").isdecimal():
        return int(text)
    if kind is str:
        return text
    wanted = {bool: "true or false", int: "a whole number"}[kind]
    raise SpecError(f"{spec.path}: --set {parameter.name}={text}: not {wanted}")


def _kind(parameter: Parameter) -> type[bool | int | str]:
    if parameter.default is not Parameter.empty:
        kind = type(parameter.default)
        return bool if kind is bool else int if issubclass(kind, int) else str
    return {"int": int, "bool": bool}.get(
        getattr(parameter.annotation, "__name__", parameter.annotation), str
    )
