"""Runs `python -m zabserver serve`, which is `zab serve`, and the server's other commands."""

import sys

from zabserver.net.commands.entry import main

if __name__ == "__main__":
    sys.exit(main())
