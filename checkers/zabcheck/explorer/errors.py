"""What is wrong with a model or its spec, so that it cannot be explored."""

from __future__ import annotations


class SpecError(ValueError):
    """A model or its spec cannot be explored: one line that names the action or property and the mistake.

    It is neither a verdict nor a violation; the command line exits with 2.
    """
