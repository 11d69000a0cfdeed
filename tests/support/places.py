"""Where the files stand that several tests read."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
TRACES = ROOT / "traces"
DOCS = ROOT / "docs"
LOCALHOST_PEM = Path(__file__).parent / "localhost.pem"
"""A private key and a certificate for localhost, for tests of TLS."""
