"""An ensemble of processes whose members join and leave, and write that to their configuration files."""

from __future__ import annotations

from zabcheck.servers.members import Members

SUPER = [("digest", "super:test")]
"""Credentials of the superuser that `SETTINGS` configures, in the form that kazoo takes."""
SETTINGS = {
    "reconfigEnabled": "true",
    "DigestAuthenticationProvider.superDigest": "super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
}


class ReconfiguredMembers(Members):
    """Members of which only some form the first ensemble. The others are configured with that and themselves.

    Attributes:
        first: the ids of the first ensemble's members.
    """

    first = (1, 2, 3)

    def start_all(self) -> None:
        """Starts the members of the first ensemble."""
        for sid in self.first:
            self.start(sid)

    def line(self, sid: int, kind: str = "participant") -> str:
        """Returns the line for a member in zoo.cfg, and in a request to let it join."""
        quorum, election = self.addresses[sid]
        return f"server.{sid}=127.0.0.1:{quorum}:{election}:{kind};127.0.0.1:{self.client_ports[sid]}"

    def config(self, sid: int) -> str:
        """Returns the zoo.cfg of a member, as that member has rewritten it."""
        path = self.folder / f"{sid}.cfg"
        if path.exists():
            return path.read_text()
        lines = {**self.settings, "dataDir": str(self.data(sid))}
        members = "".join(f"{self.line(each)}\n" for each in sorted({*self.first, sid}))
        return "".join(f"{name}={value}\n" for name, value in lines.items()) + members
