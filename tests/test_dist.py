"""Checks the distribution: what `make dist` builds, and a command with each extra in a new environment.

The extra `test` is not installed here: the environment in which this test runs was made from it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from threading import Timer

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"zabspec": "spec", "zabcheck": "checkers", "zabserver": "impl"}
PATIENCE = 120.0
"""How long a server may take to start, in seconds: a limit for what hangs, not a wait."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the source archive, and the wheel built from that archive, as `make dist` does."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", str(out), cwd=ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """The METADATA file of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def run(*command: str, cwd: Path | None = None, code: int = 0) -> str:
    """Runs a command that must end with `code`, and returns what it writes on both streams."""
    # What this process imports must not be found by the other one, which has an environment of its own.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def test_wheel_has_the_three_packages_the_licence_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if not name.endswith("/")}
    information = {name for name in found if re.match(r"zabkit-[^/]+\.dist-info/", name)}
    sources = {
        str(path.relative_to(ROOT / folder))
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found - information == sources
    assert {f"{package}/py.typed" for package in PACKAGES} <= found
    assert any(name.endswith("/licenses/LICENSE") for name in information)


def test_source_archive_has_what_a_clone_has(built: Path) -> None:
    """The wheel was built from the archive, so a build needs nothing else; tests and docs are there too."""
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml"} <= found
    assert {"tests/test_dist.py", "docs/glossary.md", "traces/README.md", "spec/README.md"} <= found
    assert {name for name in found if re.match(r"(\.git|\.venv|build|dist)/", name)} == set()


def test_metadata_says_what_a_reader_of_an_index_needs(metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    addresses = dict(each.split(", ") for each in metadata.get_all("Project-URL", []))
    assert {"Source", "Documentation", "Changelog"} <= set(addresses)
    assert all(metadata[name] for name in ("Author", "Keywords", "Summary"))


def test_changelog_has_an_entry_for_this_version(metadata: Message) -> None:
    headings = re.findall(
        r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert headings[0] == "Unreleased"
    assert metadata["Version"] in headings


# Installed in a new environment.


@dataclass(frozen=True)
class Environment:
    """A virtual environment in which the wheel is installed, and a directory to run its commands in."""

    home: Path
    work: Path

    def zab(self, *arguments: str, code: int = 0) -> str:
        """Runs the installed `zab` to its end, and returns what it writes on both streams."""
        return run(str(self.home / "bin" / "zab"), *arguments, cwd=self.work, code=code)

    def has(self, module: str) -> bool:
        """True if the environment's Python finds a module."""
        code = f"import importlib.util as u; print(u.find_spec({module!r}) is not None)"
        return run(str(self.home / "bin" / "python"), "-c", code, cwd=self.work).strip() == "True"

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[tuple[int, list[str]]]:
        """A running `zab serve`: its port, and the lines that it wrote before it served."""
        command = [str(self.home / "bin" / "zab"), "serve", *arguments, "--data", str(self.work / "data")]
        environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}  # names each import on standard error
        environment.pop("PYTHONPATH", None)
        server = subprocess.Popen(command, cwd=self.work, env=environment, stderr=subprocess.PIPE, text=True)
        limit = Timer(PATIENCE, server.kill)
        limit.start()
        try:
            assert server.stderr is not None
            lines: list[str] = []
            for line in server.stderr:
                lines.append(line)
                if "event=serving" in line:
                    break
            told = re.search(r"event=serving .*port=(\d+)", lines[-1] if lines else "")
            assert told, "".join(lines[-20:])
            yield int(told[1]), lines
            server.send_signal(signal.SIGTERM)
            server.stderr.read()
            assert server.wait() == 0
        finally:
            limit.cancel()
            server.kill()
            server.wait()
            if server.stderr is not None:
                server.stderr.close()


def word(port: int, name: str) -> str:
    """The answer to a four-letter word."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(name.encode())
        return b"".join(iter(lambda: connection.recv(4096), b"")).decode()


def runs_on_uvloop(lines: list[str]) -> bool:
    """True if uvloop's own loop is among the imports; a failed attempt to import uvloop is listed, too."""
    return any(line.split()[-1:] == ["uvloop.loop"] for line in lines)


def uses_plain(environment: Environment) -> None:
    """Without extras: the server serves, and the checker names the extra that it lacks."""
    assert "zab COMMAND --help" in environment.zab("--help")
    assert "zoo.cfg" in environment.zab("serve", "--help").lower()
    with environment.serving("--port", "0") as (port, lines):
        assert word(port, "ruok") == "imok"
        assert not runs_on_uvloop(lines)
    told = environment.zab("check", "--servers", "2", "--timeouts", "0", code=2)
    assert told.endswith("is missing: install zabkit[check]\n")
    assert told.count("\n") == 1


def uses_check(environment: Environment) -> None:
    """With `check`: a spec is explored."""
    told = environment.zab("check", "--servers", "2", "--timeouts", "0")
    assert "PASSED" in told


def uses_fast(environment: Environment) -> None:
    """With `fast`: the server runs on uvloop."""
    with environment.serving("--port", "0") as (port, lines):
        assert word(port, "ruok") == "imok"
        assert runs_on_uvloop(lines)


def uses_metrics(environment: Environment) -> None:
    """With `metrics`: the server serves Prometheus."""
    with socket.socket() as free:  # the server does not tell which port it was given, so it is given one
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    settings = ("--set", f"metricsProvider.httpPort={number}", "--set", "metricsProvider.httpHost=127.0.0.1")
    with environment.serving("--port", "0", *settings) as (port, _):
        assert word(port, "ruok") == "imok"
        address = f"http://127.0.0.1:{number}/metrics"
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            assert "znode_count" in answer.read().decode()


USES: dict[str, Callable[[Environment], None]] = {
    "": uses_plain,
    "check": uses_check,
    "fast": uses_fast,
    "metrics": uses_metrics,
}
BROUGHT = {"check": "numpy", "fast": "uvloop", "metrics": "prometheus_client"}
"""A module that comes with an extra, and with no other that is installed here."""


@pytest.mark.parametrize("extra", USES, ids=lambda extra: extra or "plain")
def test_installed_in_a_new_environment_it_runs(extra: str, wheel: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment", tmp_path)
    venv.create(environment.home, with_pip=False, symlinks=True)
    python = str(environment.home / "bin" / "python")
    what = f"zabkit[{extra}] @ {wheel.as_uri()}" if extra else f"zabkit @ {wheel.as_uri()}"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", what)
    assert {name for name, module in BROUGHT.items() if environment.has(module)} == {extra} - {""}
    USES[extra](environment)


def test_each_extra_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(USES) == {"", *project["optional-dependencies"]} - {"test"}
    assert set(BROUGHT) == set(USES) - {""}
