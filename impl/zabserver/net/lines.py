"""Log lines as key=value: `time=… level=info logger=zabserver.client event=closed client=127.0.0.1:4
reason="…"`.

Input from clients is always quoted within one value, so that it cannot forge a line.
"""

from __future__ import annotations

import json
import logging


def event(name: str, /, **fields: object) -> str:
    """Returns the message for one event.

    >>> event("closed", client="127.0.0.1:4000", reason="a frame of -1 bytes")
    'event=closed client=127.0.0.1:4000 reason="a frame of -1 bytes"'
    """
    return " ".join([f"event={name}", *(f"{each}={_value(found)}" for each, found in fields.items())])


class Lines(logging.Formatter):
    """Formats log records as `key=value`; a message that is not an event becomes the value of `message`."""

    def __init__(self) -> None:
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Returns one line."""
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
