"""What the tests of the paper's sentences share."""

from __future__ import annotations

import pytest

from paper_stories import Protocol


@pytest.fixture
def zab() -> Protocol:
    """The actions of `zabspec.paper`."""
    return Protocol()
