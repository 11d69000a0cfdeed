"""The `zab` command where it is called from: says in one line what to install when something is missing.

The server needs nothing but Python, so a plain `pip install zabkit` leaves out what checking needs; and its
commands are run without looking for that.
"""

from __future__ import annotations

import sys

from zabserver.net.commands.entry import COMMANDS
from zabserver.net.commands.entry import main as run_server

FROM_THE_EXTRA = frozenset({"hypothesis", "networkx", "numpy", "rich", "z3"})
"""What `zabkit[check]` installs, by import name."""


SERVER_COMMANDS = tuple(COMMANDS)


def main() -> int:
    """Runs the command line `sys.argv`.

    Returns:
        The exit code: 0 for a pass, 1 for a violation, 2 where nobody knows or something is missing.

    Raises:
        ModuleNotFoundError: a module is missing that `zabkit[check]` does not install.
    """
    if sys.argv[1:2] and sys.argv[1] in SERVER_COMMANDS:
        return run_server()
    try:
        from zabcheck.cli.main import main as run  # noqa: PLC0415 - it may be what fails

        return run()
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in FROM_THE_EXTRA:
            raise
        print(f"zab: {missing.name} is missing: install zabkit[check]", file=sys.stderr)
        return 2
