"""`python -m zabcheck` is the `zab` command."""

from __future__ import annotations

from zabcheck.cli.entry import main

if __name__ == "__main__":
    raise SystemExit(main())
