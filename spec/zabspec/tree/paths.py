"""Which paths may name a node.

ZooKeeper: PathUtils.validatePath.
"""

from __future__ import annotations


def is_valid(path: str) -> bool:
    """True if a path may name a node: it is absolute, without empty or dotted parts or forbidden
    characters.
    """
    if path == "/":
        return True
    if not path.startswith("/") or path.endswith("/"):
        return False
    parts = path[1:].split("/")
    return not any(part in ("", ".", "..") for part in parts) and not any(map(is_forbidden, path))


def is_forbidden(character: str) -> bool:
    """True if no path may have a character: controls, surrogates, private use, specials, beyond 16 bits."""
    code = ord(character)
    return code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xF8FF or code >= 0xFFF0


def has_shape(path: str) -> bool:
    """True if a path has a slash and no NUL, which is checked before anything else."""
    return "/" in path and "\0" not in path
