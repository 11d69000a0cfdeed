"""The server's subcommands of `zab`: serve, ensemble, log and snapshot."""
