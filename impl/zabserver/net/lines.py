"""Lines of the log: `time=… level=info logger=zabserver.client event=closed client=127.0.0.1:4 reason="…"`.

Whatever a client sends ends up quoted in one value of one line.
"""

from __future__ import annotations

import json
import logging


def event(name: str, /, **fields: object) -> str:
    """A message that tells of one event.

    >>> event("closed", client="127.0.0.1:4000", reason="a frame of -1 bytes")
    'event=closed client=127.0.0.1:4000 reason="a frame of -1 bytes"'
    """
    return " ".join([f"event={name}", *(f"{each}={_value(found)}" for each, found in fields.items())])


class Lines(logging.Formatter):
    """Writes records as `key=value`; a message that tells of no event is the value of `message`."""

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        time = f"{self.formatTime(record, self.datefmt)}.{record.msecs:03.0f}"
        message = record.getMessage()
        if not message.startswith("event="):
            message = f"message={_value(message)}"
        line = f"time={time} level={record.levelname.lower()} logger={record.name} {message}"
        if record.exc_info:
            line += f" exception={_value(self.formatException(record.exc_info))}"
        return line


def _value(found: object) -> str:
    text = str(found)
    is_plain = text.isascii() and text.isprintable() and not set(' "=') & set(text) and text != ""
    return text if is_plain else json.dumps(text)
