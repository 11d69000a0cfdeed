"""An ensemble as text."""

from __future__ import annotations

MAJORITY_TEXT = (
    "server.1=127.0.0.1:29201:29301:participant;127.0.0.1:29101\n"
    "server.2=localhost:29202:29302:participant\n"
    "server.3=127.0.0.1:29203:29303:observer;0.0.0.0:29103\n"
    "version=0"
)
