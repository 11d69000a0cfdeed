"""Atomic broadcast, abstractly: `zabspec.broadcast` within bounds."""
