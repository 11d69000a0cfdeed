"""Parser for Java properties: lines of `name=value` with comments, continuation lines and escapes.

ZooKeeper: QuorumPeerConfig.parse, through java.util.Properties.load.
"""

from __future__ import annotations

from collections.abc import Iterator

_BLANK = " \t\f"
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse_properties(text: str) -> dict[str, str]:
    r"""Returns names and values, the last value of each name. Blanks around both are stripped, as in
    ZooKeeper.

    >>> parse_properties("tickTime = 2000\n! a comment\ndataDir:/a\\\n  b")
    {'tickTime': '2000', 'dataDir': '/ab'}

    Raises:
        ValueError: an escape is invalid.
    """
    found = {}
    for line in _logical_lines(text):
        name, value = _split(line)
        found[_unescaped(name).strip()] = _unescaped(value).strip()
    return found


def _logical_lines(text: str) -> Iterator[str]:
    """Yields lines without comments, each joined with its continuation lines."""
    whole = ""
    for raw in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = raw.lstrip(_BLANK)
        if not whole and (not line or line[0] in "#!"):
            continue
        if (len(line) - len(line.rstrip("\\"))) % 2:
            whole += line[:-1]
            continue
        yield whole + line
        whole = ""
    if whole:
        yield whole


def _split(line: str) -> tuple[str, str]:
    """Splits a line at the first `=`, `:` or blank that is not escaped."""
    at = 0
    while at < len(line) and line[at] not in "=:" + _BLANK:
        at += 2 if line[at] == "\\" else 1
    value = line[at:].lstrip(_BLANK)
    return line[:at], value[1:].lstrip(_BLANK) if value[:1] in ("=", ":") else value


def _unescaped(text: str) -> str:
    found, at = "", 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\" and at < len(text):
            char = text[at]
            at += 1
            if char == "u":
                try:
                    char = chr(int(text[at : at + 4], 16))
                except ValueError:
                    raise ValueError(f"{text!r}: \\u must be followed by four hexadecimal digits") from None
                at += 4
            else:
                char = _ESCAPES.get(char, char)
        found += char
    return found
