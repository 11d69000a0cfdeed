"""`python -m zabserver serve` is `zab serve`."""

import sys

from zabserver.net.command import main

sys.exit(main())
