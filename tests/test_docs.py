"""Checks the documents: links resolve, commands exist, examples run, names are those of the code."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from page import printed, without_times
from zabcheck.models.service.mutants import SERVICE_MUTANTS
from zabspec.paper.state import Message, Server
from zabspec.service import watch_guarantees

ROOT = Path(__file__).parent.parent
PACKAGES = {"zabspec": "spec", "zabcheck": "checkers", "zabserver": "impl"}
FOLDERS = ("spec", "impl", "checkers", "tests", "traces", "docs")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))])
Run = Callable[..., subprocess.CompletedProcess[str]]

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


# Reading a document.


def prose(text: str) -> str:
    """Returns the document without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yields the blocks of code, each with its language."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """Returns the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path) -> Iterator[str]:
    """Yields links to missing files and to headings that a file does not have; the web is not checked."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document.read_text(encoding="utf-8"))):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        if not linked.exists() or (anchor and anchor not in anchors(linked.read_text(encoding="utf-8"))):
            yield target


def linked_documents(document: Path) -> list[Path]:
    """Returns the documents that a document links to."""
    targets = re.findall(r"\]\(([^)\s#]+\.md)(?:#[^)]*)?\)", prose(document.read_text(encoding="utf-8")))
    return [(document.parent / target).resolve() for target in targets if "://" not in target]


def commands(text: str) -> Iterator[list[str]]:
    """Yields the command lines: those in blocks of `sh`, and those in `backquotes` that begin with a tool."""
    lines = [line for language, block in blocks(text) if language == "sh" for line in block.splitlines()]
    lines += re.findall(r"`((?:make|zab|pytest|pip|python) [^`]+)`", prose(text))
    yield from (words for line in lines if (words := shlex.split(line, comments=True)))


def unknown_part(words: list[str], run: Run) -> str | None:
    """Returns the first word of a command line that its tool does not know, or None."""
    match Path(words[0]).name, words[1:]:
        case "make", rest:
            known = set(
                re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            )
            known |= {"PYTHON", "VENV", "ARGS", "JOBS"}
            return next((word for word in rest if word.partition("=")[0] not in known), None)
        case "zab", [subcommand, *rest] if not subcommand.startswith("-"):
            usage = run("-m", "zabcheck", subcommand, "--help")
            if usage.returncode:
                return subcommand
            options = (word.partition("=")[0] for word in rest if word.startswith("-"))
            return next((option for option in options if option not in usage.stdout), None)
        case "zab", rest:
            return None if run("-m", "zabcheck", *rest).returncode == 0 else " ".join(rest)
        case "pytest", rest:
            return next((mark for mark in marks(rest) if mark not in known_marks()), None)
        case "pip", ["install", what]:
            extras = re.findall(r"\w+", what.partition("[")[2])
            known = project()["project"]["optional-dependencies"]
            return next((extra for extra in extras if extra not in known), None)
        case "python", ["-m", module, *_]:
            found = run("-c", f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)")
            return module if found.returncode else None
        case _:
            return words[0]


def marks(options: list[str]) -> list[str]:
    """Returns the markers in options such as `-m "spec and deep"`."""
    expression = options[options.index("-m") + 1] if "-m" in options else ""
    return [word for word in re.findall(r"\w+", expression) if word not in {"and", "or", "not"}]


def known_marks() -> set[str]:
    """Returns the markers that pyproject.toml registers with pytest."""
    return {line.partition(":")[0] for line in project()["tool"]["pytest"]["ini_options"]["markers"]}


def project() -> dict[str, typing.Any]:
    """Returns the contents of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def identifiers() -> set[str]:
    """Returns every name that the sources define or use."""
    names: set[str] = set()
    for folder in ("spec", "checkers", "impl"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                        names.add(name)
                    case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                        names.add(name)
    return names


# The documents.


def test_documents_are_found() -> None:
    found = {str(path.relative_to(ROOT)) for path in DOCUMENTS}
    assert found >= {
        "README.md",
        "spec/README.md",
        "checkers/README.md",
        "impl/README.md",
        "docs/glossary.md",
    }


def unknown_names(document: Path) -> Iterator[str]:
    """Yields names in `backquotes` whose link leads to a source without that name in its text or its path."""
    for linked, target in re.findall(
        r"\[([^\[\]]*`[^\[\]]*)\]\(([^)\s#]+\.py)\)", prose(document.read_text(encoding="utf-8"))
    ):
        known = (
            f"{target} {target.replace('/', '.')} {(document.parent / target).read_text(encoding='utf-8')}"
        )
        for name in re.findall(r"`([^`]+)`", linked):
            parts = [name] if name in known else name.split(".")
            if not all(re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-])", known) for part in parts):
                yield f"{name} in {target}"


def unknown_places(document: Path) -> Iterator[str]:
    """Yields dotted names of our packages and paths below our folders, in `backquotes`, that do not exist."""
    quoted = re.findall(r"`([^`]+)`", prose(document.read_text(encoding="utf-8")))
    for text in quoted:
        for path in re.findall(rf"(?<![\w/])(?:{'|'.join(FOLDERS)})/[\w./-]*\w", text):
            if not (ROOT / path).exists():
                yield path
        for name in re.findall(r"(?<![\w./])zab(?:spec|check|server)(?:\.\w+)+", text):
            if not is_there(name):
                yield name


def is_there(name: str) -> bool:
    """Returns True if a dotted name is a package, a module, or a name that occurs in a module."""
    root = next(folder for package, folder in PACKAGES.items() if name.partition(".")[0] == package)
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(root, *parts[:length])
        module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if module.exists():
            text = module.read_text(encoding="utf-8")
            return all(re.search(rf"\b{part}\b", text) for part in parts[length:])
    return False


@each_document
def test_linked_sources_have_the_names_that_link_to_them(document: Path) -> None:
    assert list(unknown_names(document)) == []


@each_document
def test_modules_and_files_that_are_named_exist(document: Path) -> None:
    assert list(unknown_places(document)) == []


@each_document
def test_links_resolve(document: Path) -> None:
    assert list(broken_links(document)) == []


@pytest.fixture(scope="session")
def run_once(run_python: Run) -> Run:
    """Runs a command once for all tests: documents name the same commands again and again."""
    return cache(run_python)


@each_document
def test_commands_exist(document: Path, run_once: Run) -> None:
    unknown = {
        shlex.join(words): part
        for words in commands(document.read_text(encoding="utf-8"))
        if (part := unknown_part(words, run_once)) is not None
    }
    assert unknown == {}


@each_document
def test_examples_run_and_print_what_is_said(document: Path, run_python: Run) -> None:
    """A block of `text` right after a block of `python` is the output of that code."""
    shown = [*blocks(document.read_text(encoding="utf-8")), ("", "")]
    for (language, code), (following, text) in pairwise(shown):
        if language != "python":
            continue
        done = run_python("-c", code)
        assert done.returncode == 0, done.stderr
        assert done.stdout == (text if following == "text" else "")


def test_each_document_is_at_most_two_links_away_from_the_readme() -> None:
    near = {ROOT / "README.md"}
    for _ in range(2):
        near |= {linked for document in near for linked in linked_documents(document)}
    assert [str(document.relative_to(ROOT)) for document in DOCUMENTS if document not in near] == []


LEFT_OUT = "[...]\n"


def test_readme_shows_what_its_commands_print(tmp_path: Path) -> None:
    """A block of `text` right after a `zab check` is its output, up to lines left out and times."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")  # which the commands name; traces are kept in tmp_path
    shown = 0
    for (language, command), (following, text) in pairwise(blocks((ROOT / "README.md").read_text("utf-8"))):
        if (language, following) == ("sh", "text") and command.startswith("zab check"):
            shown += 1
            output = rest = without_times(printed(command, tmp_path))
            for part in filter(None, without_times(text).split(LEFT_OUT)):
                _, found, rest = rest.partition(part)
                assert found == part, output
    assert shown == 3


def test_readme_names_the_two_commands() -> None:
    named = [" ".join(words) for words in commands((ROOT / "README.md").read_text(encoding="utf-8"))]
    assert {"make check", "make test"} <= set(named)


@pytest.mark.parametrize("name", ["glossary.md", "deviations.md"])
def test_names_are_those_of_the_code(name: str) -> None:
    """Each name of the form `a_name` exists; those of ZooKeeper and Zab.tla have capitals."""
    text = prose((ROOT / "docs" / name).read_text(encoding="utf-8"))
    quoted = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", text))
    assert len(quoted) > 3
    assert quoted - identifiers() == set()


def test_glossary_names_what_is_in_the_code() -> None:
    """Each `name` in brackets, at the end of what a term means, is an identifier of the sources."""
    cells = re.findall(
        r"^\| [^|]+ \| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE
    )
    quoted = [
        name
        for cell in cells
        for names in re.findall(r"\(`[^()]*`\)$", cell)
        for name in re.findall(r"[\w.]+", names)
    ]
    parts = {part for name in quoted if not name.startswith("zab") for part in name.split(".")}
    assert len(parts) > 60
    assert parts - identifiers() == set()


def test_glossary_has_every_message_and_every_field_of_a_server() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    messages = [message.__name__ for message in typing.get_args(Message)]
    assert [each for each in messages if f"| `{each}` |" not in text] == []
    on_disk = [field.name for field in fields(Server)][:4]
    assert [each for each in on_disk if f"(`{each}`)" not in text] == []


def test_glossary_defines_a_term_once() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| ([^|]+?) \|", text, flags=re.MULTILINE)
    terms = [term for term in terms if term != "Name" and not term.startswith("-")]
    assert len(terms) > 40
    assert sorted(terms) == sorted(set(terms))


def test_deviations_are_numbered_and_those_cited_are_there() -> None:
    text = (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\*\*(D\d+)\.", text, flags=re.MULTILINE)
    assert entries == [f"D{number}" for number in range(1, len(entries) + 1)]
    for path in [*DOCUMENTS, *(ROOT / "spec").rglob("*.py"), *(ROOT / "checkers").rglob("*.py")]:
        cited = re.findall(r"\b(D\d+)\b", path.read_text(encoding="utf-8"))
        assert set(cited) <= set(entries), path


def test_each_watch_guarantee_is_stated_with_its_properties_and_mutants() -> None:
    text = (ROOT / "docs" / "watches.md").read_text(encoding="utf-8")
    section = text.partition("\n## The guarantees\n")[2].partition("\n## ")[0]
    stated = {
        int(number): set(re.findall(r"`([\w-]+)`", names))
        for number, names in re.findall(
            r"^\*\*W(\d+)\. .*?^(Propert(?:y|ies) .*?)(?:\n\n|\Z)", section, re.MULTILINE | re.DOTALL
        )
    }
    assert list(stated) == list(range(1, 17))
    for number, names in stated.items():
        properties = {name for name in vars(watch_guarantees) if name.startswith(f"w{number}_")}
        mutants = {mutant.name for mutant in SERVICE_MUTANTS if mutant.caught_by in properties}
        assert properties
        assert mutants
        assert names == properties | mutants


SOURCES = {
    "DSN'11": r"DSN'11|DSN 2011",
    "Dissecting": r"Dissecting",
    "ATC'10": r"ATC'10",
    "Lev-Ari": r"Lev-Ari",
    "Remix": r"Remix|REMIX",
    "Gray and Lamport": r"Gray and Lamport",
    "Kleppmann": r"Kleppmann",
    "Raft": r"\bRaft\b",
    "Clarke, Grumberg, Peled": r"Clarke, Grumberg, Peled",
    "Zab.tla": r"Zab\.tla",
    "NJU": r"\bNJU\b",
    "TLC": r"\bTLC\b",
    "Stateright": r"Stateright",
    "ADR-015": r"ADR-015|Apalache",
    "ZooKeeper": r"\bZooKeeper\b|[A-Z]\w+\.\w+",
    "ZOOKEEPER-": r"ZOOKEEPER-\d+|pull request",
    "Programmer's Guide": r"[Pp]rogrammer's [Gg]uide",
    "etcd#": r"etcd#\d+",
    "ClickHouse#": r"ClickHouse#\d+",
    "kazoo#": r"kazoo#\d+",
    "D1": r"\bD\d+\b",
    "W1": r"watch guarantees|\bW\d+\b",
    "H1": r"\bH\d\b",
    "E8": r"\bE\d+\b",
    "hazard h1": r"hazard h\d",
}
"""The key of each entry in docs/references.md, and a pattern for how other files name that source."""


def test_references_have_what_is_named_and_nothing_else() -> None:
    page = ROOT / "docs" / "references.md"
    keys = re.findall(r"^\| \*\*(.+?)\*\* \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert keys == list(SOURCES)
    files = [*DOCUMENTS, *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    rest = "\n".join(path.read_text(encoding="utf-8") for path in files if path not in (page, Path(__file__)))
    assert [key for key, named in SOURCES.items() if not re.search(named, rest)] == []


def test_sources_of_properties_are_in_the_references() -> None:
    """Each `Source:` in a docstring of the specs names a listed source; "paper" is DSN'11."""
    known = re.compile("|".join([r"\bpaper\b", *SOURCES.values()]))
    for path in (ROOT / "spec").rglob("*.py"):
        for source in re.findall(
            r"Source: (.*?)(?:\n\n|\"\"\")", path.read_text(encoding="utf-8"), re.DOTALL
        ):
            assert known.search(source), f"{path}: {source}"


@pytest.mark.parametrize("section", ["Speed", "Depth", "Faults", "Elections by votes"])
def test_counts_on_the_page_of_measurements_are_pinned(section: str) -> None:
    """Each number of distinct states stands in a test, or in a list of instances that the tests explore."""
    text = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (.*) \|$", text.partition(f"\n## {section}\n")[2].partition("\n## ")[0], re.MULTILINE
    )
    column = rows[0].split(" | ").index("Distinct")
    counts = [row.split(" | ")[column] for row in rows[1:]]
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("tests", "checkers")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert len(counts) > 3
    assert [count for count in counts if count.replace(",", "_") not in code] == []


def test_every_module_of_the_spec_is_in_its_reading_order() -> None:
    """The table in spec/README.md has every module of the spec."""
    text = (ROOT / "spec" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\]\(zabspec/([\w/]+\.py)\)", text)
    there = {
        str(path.relative_to(ROOT / "spec" / "zabspec")) for path in (ROOT / "spec" / "zabspec").rglob("*.py")
    }
    assert there - set(listed) == {"__init__.py"}


# The tests above can fail.


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](there.md)", []),
        ("[a](there.md#what-it-is)", []),
        ("[a](https://example.org/nowhere)", []),
        ("```text\n[a](gone.md)\n```", []),
        ("[a](gone.md)", ["gone.md"]),
        ("[a](there.md#what-it-was)", ["there.md#what-it-was"]),
        ("[a](#nowhere)", ["#nowhere"]),
    ],
)
def test_broken_link_is_found(text: str, broken: list[str], tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# What it is\n", encoding="utf-8")
    document = tmp_path / "document.md"
    document.write_text(f"# A title\n\n{text}\n", encoding="utf-8")
    assert list(broken_links(document)) == broken


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`tests/test_docs.py`, `zabspec.paper`, `zabspec.paper.state`, `zabspec.paper.state.Server`", []),
        ("`tests/test_dcos.py`", ["tests/test_dcos.py"]),
        ("`zabspec.papers`", ["zabspec.papers"]),
        ("`zabspec.paper.state.Sever`", ["zabspec.paper.state.Sever"]),
    ],
)
def test_unknown_place_is_found(text: str, found: list[str], tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text(f"# A title\n\n{text}\n", encoding="utf-8")
    assert list(unknown_places(document)) == found


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("[`act`](a.py)", []),
        ("[`a.py`](a.py)", []),
        ("[`Server.act`, `other-name`](a.py)", []),
        ("[`acts`](a.py)", ["acts in a.py"]),
        ("[`act` and `name`](a.py)", ["name in a.py"]),
    ],
)
def test_unknown_name_is_found(link: str, found: list[str], tmp_path: Path) -> None:
    source = 'class Server:\n    def act(self): return "other-name"\n'
    (tmp_path / "a.py").write_text(source, encoding="utf-8")
    document = tmp_path / "document.md"
    document.write_text(f"# A title\n\n{link}\n", encoding="utf-8")
    assert list(unknown_names(document)) == found


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("make check", None),
        ("make check ARGS='-k liveness'", None),
        ("make chekc", "chekc"),
        ("make check OPTIONS=1", "OPTIONS=1"),
        ("zab nonsense", "nonsense"),
        ("zab --nonsense", "--nonsense"),
        ('pytest -m "spec and deep"', None),
        ('pytest -m "spec and deeper"', "deeper"),
        ("pip install 'zabkit[check,fast]'", None),
        ("pip install 'zabkit[chekc]'", "chekc"),
        ("python -m zabcheck.explorer.verdicts", None),
        ("python -m zabcheck.nonsense", "zabcheck.nonsense"),
        ("docker run zabkit", "docker"),
    ],
)
def test_unknown_part_of_a_command_is_found(line: str, unknown: str | None, run_python: Run) -> None:
    [words] = commands(f"```sh\n{line}  # why\n```\n")
    assert unknown_part(words, run_python) == unknown
