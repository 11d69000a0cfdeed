"""Fixtures of the tests of the paper's sentences."""

from __future__ import annotations

import pytest

from paper_stories import Protocol


@pytest.fixture
def zab() -> Protocol:
    """Returns the actions of `zabspec.paper`."""
    return Protocol()
