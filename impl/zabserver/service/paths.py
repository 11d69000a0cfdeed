"""Which paths are valid for a node.

ZooKeeper: PathUtils.validatePath, PrepRequestProcessor.
"""

from __future__ import annotations

import re

from zabserver.wire.protocol import Err, Refused

_PLAIN = re.compile(rb"(?:/(?!\.{1,2}(?:/|\Z))[\x20-\x2e\x30-\x7e]+)+\Z")
"""Matches nearly all valid paths: those in printable ASCII."""


def check_path(path: bytes) -> None:
    """Checks that a path is valid for a node.

    Raises:
        Refused: BAD_ARGUMENTS, it is not.
    """
    if not _PLAIN.match(path) and not _is_valid(path):
        raise Refused(Err.BAD_ARGUMENTS)


def has_place(path: bytes) -> bool:
    """True if a path can stand in a tree. Its characters are not checked again: they were on creation."""
    return path == b"/" or (path.startswith(b"/") and not path.endswith(b"/") and b"//" not in path)


def _is_valid(path: bytes) -> bool:
    if path == b"/":
        return True
    if not path.startswith(b"/") or path.endswith(b"/"):
        return False
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return False
    if any(part in ("", ".", "..") for part in text[1:].split("/")):
        return False
    return not any(_is_forbidden(ord(each)) for each in text)


def _is_forbidden(code: int) -> bool:
    return code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xF8FF or code >= 0xFFF0
