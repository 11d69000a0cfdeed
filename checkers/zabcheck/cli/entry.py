"""Where the `zab` command starts: says in one line what to install when a module is missing.

The server needs nothing but Python, so a plain `pip install zabkit` leaves out what checking needs. The
overview and the server's commands are therefore run without loading anything else.
"""

from __future__ import annotations

import sys

from zabcheck.cli.overview import overview
from zabserver.net.commands.entry import COMMANDS
from zabserver.net.commands.entry import main as run_server

FROM_THE_EXTRA = frozenset({"hypothesis", "networkx", "numpy", "rich", "z3"})
"""What `zabkit[check]` installs, by import name."""


def main() -> int:
    """Runs the command line `sys.argv`.

    Returns:
        The exit code: 0 for a pass, 1 for a violation, 2 if nothing is decided or a module is missing.

    Raises:
        ModuleNotFoundError: a module is missing that `zabkit[check]` does not install.
    """
    given = sys.argv[1:2]
    if given in (["-h"], ["--help"]):
        print(overview())
        return 0
    if given and given[0] in COMMANDS:
        return run_server()
    try:
        from zabcheck.cli.main import main as run  # noqa: PLC0415 - may be what is missing a module

        return run()
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in FROM_THE_EXTRA:
            raise
        print(f"zab: {missing.name} is missing: install zabkit[check]", file=sys.stderr)
        return 2
