"""`python -m zabserver serve` is `zab serve`."""

import sys

from zabserver.net.commands.entry import main

if __name__ == "__main__":
    sys.exit(main())
