"""The commands of `zab` by what they are for, as `zab --help` prints them; loads nothing else."""

from __future__ import annotations

TITLE = "ZooKeeper's protocol as executable specs that are explored, and a server."

GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Check a protocol",
        (
            ("check", "explore every state of a spec within bounds; check its properties"),
            ("liveness", "check what must eventually happen in every fair run"),
            ("reach", "find the shortest run to a situation, and draw it"),
            ("replay", "run a trace file again with today's spec or server"),
            ("properties", "list what is checked of a spec, each with its sentence"),
            ("mutants", "check that each property catches the mistake that it should"),
            ("coverage", "show which actions and messages of a spec ever come up"),
        ),
    ),
    (
        "Run a server",
        (
            ("serve", "run a server that ZooKeeper clients use unmodified"),
            ("ensemble", "run several servers on this machine that elect a leader"),
        ),
    ),
    (
        "Look at files",
        (
            ("log", "print transaction logs, ours or Apache's, and any damage"),
            ("snapshot", "print snapshots, ours or Apache's, and any damage"),
        ),
    ),
    (
        "Learn",
        (
            ("bugs", "list bugs that ZooKeeper had, or find one again and draw it"),
            ("myth", "list false claims about ZooKeeper, or refute one by a run"),
            ("order", "show what goes wrong if messages overtake writes to disk"),
            ("watches", "show which watch fires for which operation"),
        ),
    ),
)
"""The headings, and below each its commands with one line of description."""


def overview() -> str:
    """Returns what `zab --help` prints."""
    lines = ["usage: zab COMMAND ...", "", TITLE]
    for heading, commands in GROUPS:
        lines += ["", f"{heading}:", *(f"  {name:<12}{line}" for name, line in commands)]
    lines += [
        "",
        "zab COMMAND --help   all arguments of a command",
        "zab --version        the version",
        "",
        "Exit codes: 0 passed; 1 something is wrong with what was checked; 2 undecided,",
        "or asked for something that does not exist.",
    ]
    return "\n".join(lines)
