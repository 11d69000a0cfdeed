"""An ensemble of processes that is reconfigured: who is a member changes, and is in the members' files."""

from __future__ import annotations

from zabcheck.servers.members import Members

SUPER = [("digest", "super:test")]
"""The credentials of whom `SETTINGS` lets do everything, as kazoo takes them."""
SETTINGS = {
    "reconfigEnabled": "true",
    "DigestAuthenticationProvider.superDigest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
}


class ReconfiguredMembers(Members):
    """Members of which some begin. Each other one is told of those and of itself, when it is started.

    Attributes:
        first: those that begin.
    """

    first = (1, 2, 3)

    def start_all(self) -> None:
        """Starts those that begin."""
        for sid in self.first:
            self.start(sid)

    def line(self, sid: int, kind: str = "participant") -> str:
        """What zoo.cfg says of a member, and a client that wants it to join."""
        quorum, election = self.addresses[sid]
        return f"server.{sid}=127.0.0.1:{quorum}:{election}:{kind};127.0.0.1:{self.client_ports[sid]}"

    def config(self, sid: int) -> str:
        """The zoo.cfg of a member, as the member has changed it."""
        path = self.folder / f"{sid}.cfg"
        if path.exists():
            return path.read_text()
        lines = {**self.settings, "dataDir": str(self.data(sid))}
        members = "".join(f"{self.line(each)}\n" for each in sorted({*self.first, sid}))
        return "".join(f"{name}={value}\n" for name, value in lines.items()) + members
