"""Everything that is checked of the service: guarantees, W1 to W16, H1 to H7, and where clients get less.

All are predicates of a `seen.Run`: a state, and what clients have seen.
"""

from __future__ import annotations

from zabspec.service import facts, guarantees, watch_guarantees, witnesses

ALWAYS = (*guarantees.ALWAYS, *watch_guarantees.ALWAYS, *facts.ALWAYS)
"""True of every state of a run."""

EVERY_STEP = (*guarantees.EVERY_STEP, *watch_guarantees.EVERY_STEP, *facts.EVERY_STEP)
"""True of every step of a run."""

SOMETIMES = witnesses.SOMETIMES
"""True of some state that can be reached."""
